"""The drill: a customer is forgotten, everywhere and for good, and nobody else is touched."""

import re
from collections import Counter

import pytest
from small_operator import serving, target_of

from demo.operator import truth
from demo.operator.settings import SERVED
from ingestion import sources
from ingestion.delivery import Request
from ingestion.privacy import requests
from ingestion.privacy.erase import erase
from ingestion.privacy.identifiers import canonical
from ingestion.run import run

WITH_NUMBERS = "P500004"
"""A person with two customer numbers, two addresses, a telephone and two devices, all of them hers alone."""


def texts(warehouse):
    """Every row of every table as one text, by table; those of the schema `privacy` included."""
    with warehouse.connect() as connection:
        names = connection.execute(
            "select format('%I.%I', table_schema, table_name) from information_schema.tables"
            " where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        return {
            name: "\n".join(line for (line,) in connection.execute(f"select each::text from {name} as each"))
            for (name,) in names
        }


def traces(warehouse, identifiers):
    """Where one of the identifiers still stands, and which; a number with whatever is put between its digits."""
    numbers = ["[^0-9a-z]{0,3}".join(one) for one in identifiers if one.isdigit()]
    words = [re.escape(one) for one in identifiers if not one.isdigit()]
    wanted = re.compile(rf"(?<![0-9])({'|'.join(numbers)})(?![0-9])|(?<![a-z0-9.])({'|'.join(words)})(?![a-z0-9])")
    return {
        name: found
        for name, text in texts(warehouse).items()
        if (found := {match[0] for match in wanted.finditer(text.lower())})
    }


def identifiers_of(person):
    """What leads to a person, as the operator, and not the warehouse, knows it."""
    phones = {canonical("phone", one.value) for one in person.phones}
    found = {
        *person.customer_ids,
        *(one.value for one in person.emails),
        *phones,
        *("0" + one.removeprefix("358") for one in phones),
        *person.device_ids,
        *person.interaction_ids,
        *person.guest_order_ids,
    }
    return {one.lower() for one in found}


def others(warehouse, customers):
    with warehouse.connect() as connection:
        rows = connection.execute("select customer_id, each::text from marts.customer_view as each").fetchall()
    return {customer: line for customer, line in rows if customer not in customers}


def web_tables(warehouse):
    """The rows of the incremental marts, without the numbers of the loads that they came with."""
    with warehouse.connect() as connection:
        return {
            name: Counter(
                line
                for (line,) in connection.execute(f"select (to_jsonb(each) - '_load_number')::text from {name} as each")
            )
            for name in ("marts.fct_web_sessions", "marts.fct_web_funnels")
        }


def who_shares_a_device(warehouse):
    """A customer in one of whose visits somebody without a login, on a device that another customer has as well, is."""
    with warehouse.connect() as connection:
        (customer,) = connection.execute(
            "select visits.customer_id from intermediate.int_web_sessions__built as visits"
            " inner join intermediate.int_events__grouped_into_sessions as events"
            " on visits.session_key = events.session_key and events.customer_id is null"
            " inner join (select device_id from raw_events.events group by 1 having count(distinct customer_id) > 1)"
            " as shared on visits.device_id = shared.device_id"
            " where visits.customer_id is not null order by 1 limit 1"
        ).fetchone()
    return customer


def gossip(warehouse, person):
    """Her address in another's ticket, in a row that cannot be read, and in a table that an analyst has made."""
    with warehouse.connect() as connection:
        address = person.emails[0].value
        (ticket,) = connection.execute(
            "update raw_contacts.trouble_tickets set name = %s where ctid = (select min(ctid)"
            " from raw_contacts.trouble_tickets where customer_id <> all(%s)) returning trouble_ticket_id",
            (f"Please call {address.upper()}.", person.customer_ids),
        ).fetchone()
        connection.execute(
            "update raw_crm._quarantine set payload = %s where ctid = (select min(ctid) from raw_crm._quarantine)",
            (f'{{"note": "{address}"}}',),
        )
        connection.execute("create schema scratch")
        connection.execute("create table scratch.campaign as select customer_id, now() from marts.customer_view")
        connection.commit()
    return ticket


@pytest.mark.warehouse(template="demo_template")
def test_nothing_is_left_of_an_erased_customer_and_an_old_file_brings_nothing_back(
    dbt, operator_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("SOURCES__PRIVACY__KEY", "of this test alone, and thirty-two bytes or more")
    warehouse, target = dbt.warehouse, target_of(dbt.warehouse)
    told = truth.load(operator_folder)
    person = told.persons[WITH_NUMBERS]
    hers = identifiers_of(person)
    assert not hers & {one for each in told.persons.values() if each is not person for one in identifiers_of(each)}
    ticket = gossip(warehouse, person)
    before, view = traces(warehouse, hers), others(warehouse, person.customer_ids)
    assert len(before) > 30, "a search that finds nothing beforehand would prove nothing"
    with target.connect() as connection:
        request = requests.request(connection, person.customer_ids[0], "an agent", "GDPR, article 17(1)(b)")

    receipt = erase([sources.find(name) for name in sources.NAMES], target, request.request_id)

    assert traces(warehouse, hers) == {}
    assert receipt.customer_count == len(person.customer_ids)
    done = {(line.place, line.action) for line in receipt.lines}
    assert done >= {
        ("raw_crm.customers", "deleted"),
        ("raw_events.events", "deleted"),
        ("raw_billing.bills", "anonymised"),
        ("raw_contacts.trouble_tickets", "blanked"),
        ("raw_crm._quarantine", "deleted"),
        ("snapshots.customers_snapshot", "deleted"),
        ("marts.customer_view", "deleted"),
        ("scratch.campaign", "deleted"),
    }
    assert others(warehouse, ()) == view
    with warehouse.connect() as connection:
        named = connection.execute(
            "select name from raw_contacts.trouble_tickets where trouble_ticket_id = %s", [ticket]
        )
        assert (None,) in named.fetchall()

    # every old file once more, and the stream from its beginning
    with target.connect() as connection:
        for table in ("events", "_deliveries", "_quarantine"):
            connection.execute(f"truncate table raw_events.{table}")
        connection.execute("drop table if exists raw_events._leases")
    with serving(tmp_path / "again") as operator:
        operator.advance()
        again = [
            run(name, target, request=Request(full=not sources.find(name).is_streamed), allow_shrink=True)
            for name in SERVED
        ]
    assert sum(line.suppressed for report in again for line in report.resources) > 100
    assert traces(warehouse, hers) == {}

    # a plain build: what is incremental keeps what it has, and adds the loads that are new to it. Files have been asked
    # for again on purpose, the stream from its beginning; unit tests say nothing of these rows
    result = dbt("build", "--exclude", "a_file_sent_again_never_counts_twice", "test_type:unit")
    assert result.success, dbt.failures(result)
    assert traces(warehouse, hers) == {}
    assert set(others(warehouse, ())) == set(view)

    # somebody who shared a device, whose visits go and leave what the other did in them
    customer = who_shares_a_device(warehouse)
    with target.connect() as connection:
        request = requests.request(connection, customer, "an agent", "GDPR, article 17(1)(b)", "customer")
    erase([sources.find(name) for name in sources.NAMES], target, request.request_id)
    web = ("path:models/intermediate/web", "path:models/marts/web")
    result = dbt("build", "--select", *web, "--exclude", "test_type:unit")
    assert result.success, dbt.failures(result)
    assert traces(warehouse, {customer.lower()} | hers) == {}

    # and there is what a build from nothing would have made
    added_to = web_tables(warehouse)
    assert all(added_to.values())
    anew = dbt("run", "--full-refresh", "--select", *web)
    assert anew.success, dbt.failures(anew)
    assert web_tables(warehouse) == added_to
    owed = dbt.rows(
        "select count(*) as n, count(distinct customer_id) as c from marts.fct_bills where customer_id like 'erased-%'"
    )
    assert owed[0]["n"] > 0
