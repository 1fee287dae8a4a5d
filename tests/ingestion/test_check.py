"""What could be landed now: contracts offline, connections and credentials for real, and no data moved."""

from dataclasses import replace
from datetime import time
from typing import Annotated

import pyarrow as pa
import pytest
from small_operator import target_of

from demo.operator.settings import SERVED
from ingestion import check as checks
from ingestion import sources
from ingestion.contract import Column, Contract, MaxBytes, Row
from ingestion.delivery import Resource


@pytest.mark.parametrize("name", sources.NAMES)
def test_every_source_declares_what_both_warehouses_hold(name):
    (finding,) = checks.check_contracts(sources.find(name))
    assert finding.is_good, finding.told


class Fine(Row, key="fine_id"):
    fine_id: Annotated[str, MaxBytes(65_535)]


class Keyless(Row):
    fine_id: int


class Bad(Row, key="order"):
    order: int
    camelCase: int  # noqa: N815
    text: Annotated[str, MaxBytes(65_536)]
    opens_at: time


WIDE = Contract(tuple(Column(f"c{number}", pa.int64(), nullable=True) for number in range(1_601)))


@pytest.mark.parametrize(
    ("resource", "faults"),
    [
        (Resource("fine", Contract.of(Fine), "", lands="merge"), []),
        (
            Resource("bad", Contract.of(Bad), ""),
            [
                "order is a reserved word on Redshift",
                "camelCase is not in snake_case",
                "text has up to 65,536 bytes; Redshift's longest varchar has 65,535",
                "opens_at is a time of day, which Redshift does not load",
            ],
        ),
        (Resource("keyless", Contract.of(Keyless), "", lands="merge"), ["the contract has none"]),
        (Resource("wide", WIDE, ""), ["1,601 columns"]),
        (Resource("t" * 63, Contract.of(Keyless), ""), []),
        (Resource("t" * 64, Contract.of(Keyless), ""), ["longer than 63 bytes; Postgres would cut it off"]),
        (Resource("t" * 128, Contract.of(Keyless), ""), ["longer than the 127 bytes that Redshift takes"]),
        (Resource("t" * 54, Contract.of(Fine), "", lands="merge"), ["longer than 53 bytes"]),
    ],
)
def test_what_one_of_the_warehouses_does_not_hold_is_found_offline(resource, faults):
    found = checks.resource_faults(resource)
    assert len(found) == len(faults)
    for told, fault in zip(found, faults, strict=True):
        assert fault in told


def test_a_table_may_not_be_called_what_ours_are():
    source = sources.find("usage")
    taken = replace(source, resources=(replace(source.resources[0], name="_quarantine"),))
    assert [finding.told for finding in checks.check_contracts(taken)] == [
        "_quarantine is a name of ours; call the table something else"
    ]


def test_a_running_operator_is_found_in_order_and_nothing_lands(served, warehouse):
    findings = list(checks.check([sources.find(name) for name in SERVED], target_of(warehouse)))
    assert [finding for finding in findings if not finding.is_good] == []
    assert {finding.subject for finding in findings if finding.what == "source"} == set(SERVED)
    assert findings[0].told.endswith("and make schemas")
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) from pg_namespace where nspname like 'raw%'").fetchone() == (0,)


def test_what_is_not_in_order_is_told_and_the_rest_is_looked_at(served, warehouse, monkeypatch):
    monkeypatch.setenv("SOURCES__CATALOG__TOKEN", "open sesame")
    monkeypatch.setenv("SOURCES__USAGE__QUEUE", "nobodys-queue")
    findings = list(checks.check([sources.find(name) for name in ("catalog", "usage")], target_of(warehouse)))
    bad = {finding.subject: finding for finding in findings if not finding.is_good}
    assert set(bad) == {"catalog", "usage"}
    assert "401" in bad["catalog"].told
    assert "sesame" not in bad["catalog"].told
    assert all(finding.is_passing for finding in bad.values())


READER = """
do $$ begin
    create role reader_of_raw login password 'reader';
exception when duplicate_object or unique_violation then null;
end $$
"""


@pytest.mark.warehouse(superuser_statements=[READER])
def test_a_user_who_may_not_make_schemas_is_told_what_to_grant(warehouse):
    target = target_of(warehouse)
    (finding,) = checks.check_warehouse(replace(target, user="reader_of_raw", password="reader"))
    assert not finding.is_good
    assert finding.told.endswith(f"grant create on database {warehouse.database} to reader_of_raw")
    (finding,) = checks.check_warehouse(replace(target, port=1, password="open sesame"))
    assert (finding.is_good, finding.is_passing) == (False, True)
    assert "sesame" not in finding.told
