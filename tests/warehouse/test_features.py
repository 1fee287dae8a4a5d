"""Features know nothing of what came after their date: the future is landed, all is worked out anew, and compared."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import raw_tables
from psycopg import sql
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    import psycopg
    from conftest import Dbt

Rows = dict[tuple[str, date], dict[str, Any]]

HINDSIGHT = "features_with_hindsight: true"
FEATURES = ("contract", "usage", "billing", "care", "web")
LAST_DATE, NEXT_DATE = date(2026, 10, 31), date(2026, 11, 30)
LATER = "2026-11-15T12:00:00+00:00"
LATER_LOAD = "1796083200.25"

# Everything that the town has, once more: under another number, or as a later version of the same (no key), with what
# changes besides the times.
FUTURE: tuple[tuple[str, str, str | None, dict[str, str]], ...] = (
    ("crm", "customers", None, {"last_update": LATER, "status": "suspended"}),
    ("crm", "consents", "consent_id", {"valid_from": LATER, "last_update": LATER, "status": "granted"}),
    ("billing", "bills", "bill_no", {"bill_date": LATER, "payment_due_date": LATER}),
    ("billing", "payments", "payment_id", {"payment_date": LATER}),
    ("billing", "dunning_notices", "dunning_notice_id", {"notice_date": LATER}),
    ("catalog", "products", None, {"termination_date": LATER, "status": "terminated"}),
    ("catalog", "products", "product_id", {"start_date": LATER, "status": "active"}),
    ("usage", "usage", "usage_id", {"usage_date": "2026-11-30T12:00:00+00:00"}),
    ("contacts", "party_interactions", "party_interaction_id", {"start_date_time": LATER}),
    ("contacts", "trouble_tickets", "trouble_ticket_id", {"creation_date": LATER, "last_update": LATER}),
    ("contacts", "trouble_tickets", None, {"last_update": LATER, "resolution_date": LATER, "status": "closed"}),
    ("contacts", "survey_responses", "survey_response_id", {"responded_at": LATER}),
    ("events", "events", "event_id", {"occurred_at": LATER}),
    ("orders", "product_orders", "product_order_id", {"order_date": LATER, "last_update": LATER}),
)


def _land_the_future(connection: psycopg.Connection[Any]) -> None:
    for source, table, key, changes in FUTURE:
        same = {**changes, "_dlt_load_id": LATER_LOAD, "_source_uri": "later"}
        number = sql.SQL("jsonb_build_object({}, {} || '-later')").format(sql.Literal(key), sql.Identifier(key or ""))
        connection.execute(
            sql.SQL(
                "insert into {table} select (jsonb_populate_record(each, %s || {number})).* from {table} as each"
                " where _dlt_load_id <> %s"
            ).format(
                table=sql.Identifier(f"raw_{source}", table), number=number if key else sql.SQL("jsonb_build_object()")
            ),
            (Jsonb(same), LATER_LOAD),
        )
    for source in {source for source, *_ in FUTURE}:
        raw_tables.finish_load(connection, source, LATER_LOAD)


def _rows(dbt: Dbt, table: str) -> Rows:
    rows = dbt.rows(f"select * from {table}")
    return {(row.pop("customer_id"), row.pop("feature_on")): row for row in rows}


def _features(dbt: Dbt) -> dict[str, Rows]:
    return {name: _rows(dbt, f"intermediate.int_features__{name}") for name in FEATURES}


def _until(last_date: date, rows: Rows) -> Rows:
    # a year back from the later day: what both builds have
    return {key: row for key, row in rows.items() if NEXT_DATE.replace(year=2025) <= key[1] <= last_date}


def _leaks(name: str, code: str) -> list[str]:
    """The model, with one of its cuts at the feature date left out at a time."""
    cuts = re.findall(r"\n +and (?:population|bills_then)\.feature_on >= [^\n]+", code)
    leaky = [code.replace(cut, "") for cut in cuts]
    if name == "contract":
        for cut, instead in (
            ("{{ valid_at('history', day_end('population.feature_on')) }}", "history.valid_to_at is null"),
            ("{{ valid_at('consents', day_end('population.feature_on')) }}", "consents.valid_to_at is null"),
            ("when cast(products.terminated_at as date) <= population.feature_on", "when true"),
        ):
            assert cut in code
            leaky.append(code.replace(cut, instead))
    assert len(set(leaky)) == len(leaky) > 0
    return leaky


SAME_IN_THE_VIEW = (
    *("last_30_days_voice_seconds", "last_30_days_data_bytes", "last_30_days_message_count"),
    *("last_30_days_rated_amount", "balance_amount", "overdue_amount", "open_ticket_count", "last_survey_score"),
)


def test_on_the_reporting_day_features_say_what_the_customer_view_says(built: Dbt) -> None:
    """Worked out in two ways: by what was known on a date, and by what is known now."""
    view = {row["customer_id"]: row for row in built.rows("select * from marts.customer_view")}
    features: dict[str, dict[str, Any]] = {}
    for rows in _features(built).values():
        for (customer_id, feature_on), row in rows.items():
            if feature_on == view[customer_id]["as_of_on"]:
                features.setdefault(customer_id, {}).update(row)
    assert set(features) == {"C1", "C2"}
    for customer_id, row in features.items():
        assert {name: row[name] for name in SAME_IN_THE_VIEW} == {
            name: view[customer_id][name] for name in SAME_IN_THE_VIEW
        }


@pytest.mark.warehouse(template="town")
def test_what_happens_later_changes_no_feature_of_an_earlier_date(dbt: Dbt) -> None:
    then, labels = _features(dbt), _until(LAST_DATE, _rows(dbt, "marts.customer_labels"))
    with dbt.warehouse.connect() as connection:
        _land_the_future(connection)
    upstream = ("+path:models/intermediate/features", "customer_labels", "+int_product_orders__latest_kept")
    built = dbt("run", "--select", *upstream, "--exclude", "path:models/staging", variables=HINDSIGHT)
    assert built.success, dbt.failures(built)

    now = _features(dbt)
    for name in FEATURES:
        assert _until(LAST_DATE, now[name]) == _until(LAST_DATE, then[name]), name
        # the future has come, and is seen from its own date
        assert now[name]["C1", NEXT_DATE] != now[name]["C1", LAST_DATE], name
    assert {key: row for key, row in _rows(dbt, "marts.customer_labels").items() if key in labels} == labels
    assert len(labels) > 10

    # and that this would be noticed: no cut of any model can be left out
    nodes: Any = dbt.parsed(HINDSIGHT).nodes
    codes = {name: nodes[f"model.majakka.int_features__{name}"].raw_code for name in FEATURES}
    leaks = {name: _leaks(name, code) for name, code in codes.items()}
    for number in range(max(map(len, leaks.values()))):
        broken = [name for name in FEATURES if number < len(leaks[name])]
        try:
            for name in broken:
                nodes[f"model.majakka.int_features__{name}"].raw_code = leaks[name][number]
            built = dbt("run", "--select", *(f"int_features__{name}" for name in broken), variables=HINDSIGHT)
        finally:
            for name in broken:
                nodes[f"model.majakka.int_features__{name}"].raw_code = codes[name]
        assert built.success, dbt.failures(built)
        leaked = _features(dbt)
        for name in broken:
            assert _until(LAST_DATE, leaked[name]) != _until(LAST_DATE, then[name]), leaks[name][number]


@pytest.mark.warehouse(template="town")
def test_what_is_written_stays_though_more_is_learnt_of_that_time(dbt: Dbt) -> None:
    before = _features(dbt)
    with dbt.warehouse.connect() as connection:
        # landed late, and of a time before
        connection.execute("update intermediate.int_usage__summed_to_days set data_bytes = data_bytes + 1000")
        connection.execute("update intermediate.int_bills__deduplicated set due_amount = due_amount + 1")
    built = dbt("run", "--select", "path:models/intermediate/features", "--full-refresh")
    assert built.success, dbt.failures(built)
    assert _features(dbt) == before
