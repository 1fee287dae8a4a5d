"""The whole way: the demo operator's data, landed over its real protocols and built by dbt, against its truth."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import raw_tables
from small_operator import target_of

from demo.operator import truth
from ingestion import sources
from ingestion.run import run

REAL_FILES = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def told(operator_folder):
    return truth.load(operator_folder)


@pytest.fixture(scope="module")
def shown(demo):
    return {row["customer_id"]: row for row in demo.rows("select * from marts.customer_view")}


def utc(text):
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def test_every_customer_is_there_once(shown, told, demo):
    assert set(shown) == set(told.customers)
    assert demo.rows("select count(*) as n from marts.customer_view") == [{"n": len(told.customers)}]


TRUE = {
    "customer_status": lambda customer: customer.status,
    "party_id": lambda customer: customer.party_id,
    "preferred_email_address": lambda customer: customer.preferred_email,
    "preferred_phone_number": lambda customer: customer.preferred_phone,
    "email_address_count": lambda customer: len(customer.email_addresses),
    "active_product_count": lambda customer: customer.active_product_count,
    "last_bill_no": lambda customer: customer.last_bill_no,
    "balance_amount": lambda customer: Decimal(customer.balance_amount),
    "last_30_days_data_bytes": lambda customer: customer.usage_30d.data_bytes,
    "last_30_days_voice_seconds": lambda customer: customer.usage_30d.duration_seconds,
    "last_30_days_message_count": lambda customer: customer.usage_30d.message_count,
    "last_30_days_rated_amount": lambda customer: Decimal(customer.usage_30d.rated_amount),
    "last_interaction_at": lambda customer: utc(customer.last_interaction_at),
    "last_session_at": lambda customer: utc(customer.last_session_at),
    "has_consented_marketing_email": lambda customer: customer.consents.get("marketing_email") == "granted",
    "has_consented_marketing_sms": lambda customer: customer.consents.get("marketing_sms") == "granted",
    "has_consented_profiling": lambda customer: customer.consents.get("profiling") == "granted",
    "has_consented_data_sharing": lambda customer: customer.consents.get("data_sharing") == "granted",
}


@pytest.mark.parametrize("column", TRUE)
def test_the_customer_view_shows_what_is_true(shown, told, column):
    pairs = {name: (shown[name][column], TRUE[column](customer)) for name, customer in told.customers.items()}
    wrong = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    assert not wrong, f"{column}, as shown and as true, of {len(wrong)} of {len(pairs)} customers"


def test_persons_are_who_they_are(demo, told):
    """By whatever CRM has them under; with the devices from which they ordered without logging in."""
    customers, devices = {}, {}
    for row in demo.rows("select * from marts.person_identifiers where identifier_kind in ('customer', 'device')"):
        found = customers if row["identifier_kind"] == "customer" else devices
        found.setdefault(row["person_key"], set()).add(row["identifier"])
    shown = {tuple(sorted(numbers)): sorted(devices.get(key, ())) for key, numbers in customers.items()}
    assert shown == {tuple(sorted(person.customer_ids)): person.device_ids for person in told.persons.values()}


def test_contacts_that_name_nobody_are_whose_they_are(demo, told):
    customers = demo.rows("select customer_id, person_key from marts.person_customers")
    key_of = {row["customer_id"]: row["person_key"] for row in customers}
    true = {
        contact: key_of[person.customer_ids[0]]
        for person in told.persons.values()
        for contact in (*person.interaction_ids, *person.guest_order_ids)
    }
    rows = demo.rows("select contact_id, person_key from intermediate.int_identity__contacts_attributed")
    shown = {row["contact_id"]: row["person_key"] for row in rows if row["person_key"]}
    assert shown == true
    assert len(rows) > len(true) > 3


def test_the_truth_has_something_to_tell(told):
    """A check against all zeros would prove nothing."""
    customers = told.customers.values()
    assert sum(Decimal(customer.balance_amount) > 0 for customer in customers) >= 3
    assert sum(customer.usage_30d.data_bytes > 0 for customer in customers) > len(customers) / 2
    assert sum(customer.last_session_at is not None for customer in customers) > 5
    assert sum(customer.last_interaction_at is not None for customer in customers) > 5
    assert {customer.status for customer in customers} >= {"active", "terminated"}


def test_what_was_sent_is_landed_or_quarantined_with_a_reason(demo, told):
    """Mass balance, from the models that people look at."""
    sent, malformed = Counter(), Counter()
    for delivery in told.deliveries:
        sent[delivery.source, delivery.resource] += delivery.rows
        malformed[delivery.source, delivery.resource] += delivery.malformed
    delivered = demo.rows(
        "select source_name, resource_name, sum(fetched_count) as fetched, sum(landed_count) as landed,"
        " sum(rejected_count) as rejected from observability.ingestion_deliveries group by 1, 2"
    )
    assert {
        (row["source_name"], row["resource_name"]): (row["fetched"], row["landed"], row["rejected"])
        for row in delivered
    } == {key: (sent[key], sent[key] - malformed[key], malformed[key]) for key in sent}


def test_the_declared_sources_are_what_lands(demo):
    """`_<source>__sources.yml` and the contracts in `ingestion/sources` describe the same tables."""
    declared = {(table.schema, table.name): table for table in raw_tables.raw_tables()}
    landed = {}
    for row in demo.rows(
        "select relation.relnamespace::regnamespace::text as schema, relation.relname as name, attname as column,"
        " format_type(atttypid, atttypmod) as type"
        " from pg_attribute join pg_class as relation on relation.oid = attrelid"
        " where relation.relnamespace::regnamespace::text like 'raw\\_%' and attnum > 0 and not attisdropped"
    ):
        kind = "varchar" if row["type"].startswith("character varying") else row["type"]
        landed.setdefault((row["schema"], row["name"]), {})[row["column"]] = kind.replace(", ", ",")
    assert {key: table.columns for key, table in declared.items()} == {key: landed[key] for key in declared}
    for name in sources.NAMES:
        for resource in sources.find(name).resources:
            required = {column.name for column in resource.contract.columns if not column.nullable}
            assert required <= declared[f"raw_{name}", resource.name].required


@pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the public data files are not beside the project; nothing of them is proven here"
)
@pytest.mark.warehouse(template="landed")
def test_the_public_files_have_their_known_answers(dbt):
    """1,869 of IBM's 7,043 customers left; 11 have a blank for their total charges, and are kept."""
    run(
        "files",
        target_of(dbt.warehouse),
        paths=[
            REAL_FILES / "telco_churn" / "Telco-Customer-Churn.csv",
            REAL_FILES / "phone_usage" / "phone_data.csv",
        ],
    )
    selected = "+path:models/marts/telco_churn +path:models/marts/phone_bills path:tests/dbt/singular/files"
    result = dbt("build", "--select", *selected.split(), variables="files_landed: true")
    assert result.success, dbt.failures(result)
    assert sum("telco" in name for name, status in dbt.statuses(result).items() if status == "pass") >= 3
    contracts = dbt.rows(
        "select contract_type, sum(churned_customer_count) as churned, sum(customer_count) as customers"
        " from marts.churn_by_contract_and_tenure group by contract_type order by contract_type"
    )
    assert [tuple(row.values()) for row in contracts] == [
        ("Month-to-month", 1655, 3875),
        ("One year", 166, 1473),
        ("Two year", 48, 1695),
    ]
    blanks = dbt.rows("select count(*) as n from staging.stg_files__telco_customers where total_charge_amount is null")
    assert blanks == [{"n": 11}]
