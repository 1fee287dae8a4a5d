"""A schema is recorded, kept in a file, and made again elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from standin.errors import StandinError
from standin.redshift.snapshot import Snapshot, SnapshotObject, load, parse, record, versions

OBJECTS = """
    create schema raw_crm;
    create schema marts;
    create table raw_crm.customer (
        id bigint not null encode az64 distkey primary key, name varchar(300), balance numeric(18,4) default 0,
        attributes super, made_at timestamp not null) compound sortkey (made_at, id);
    create table raw_crm."order" (id bigint identity(1, 1), customer_id bigint references raw_crm.customer (id))
        diststyle all;
    create view marts.customers as select id, upper(name) as name from raw_crm.customer;
    create view marts.late as select id from raw_crm.customer with no schema binding;
"""


@pytest.fixture(scope="module")
def recorded(warehouse_factory) -> Snapshot:
    with warehouse_factory.warehouse(redshift=True) as made, made.session() as run:
        for statement in OBJECTS.split(";")[:-1]:
            run(statement)
        return record(run, "prod", "2026-11-23")


def test_a_snapshot_holds_every_table_and_view_as_redshift_shows_it(recorded):
    assert recorded.relations == ("raw_crm.customer", "raw_crm.order", "marts.customers", "marts.late")
    text = recorded.text().lower()
    for word in (
        "distkey",
        "sortkey",
        "super",
        "numeric(18,4)",
        "not null",
        "primary key",
        "diststyle all",
        "identity",
    ):
        assert word in text, word


def test_what_is_made_from_a_snapshot_is_recorded_as_the_same(recorded, redshift, tmp_path: Path):
    recorded.save(tmp_path)
    with redshift.session() as run:
        load(tmp_path).apply(run)
        again = record(run, "prod", "2026-11-23")
        assert again.text() == recorded.text()
        run("insert into raw_crm.customer (id, name, made_at) values (1, 'x', getdate())")
        assert run("select name from marts.customers") == [("X",)]


def test_snapshots_of_some_schemas_and_some_tables(recorded, redshift):
    with redshift.session() as run:
        recorded.only(["raw_crm.customer"]).apply(run)
        assert record(run, "prod", "1", ["raw_crm"]).relations == ("raw_crm.customer",)
        with pytest.raises(StandinError, match="nothing to record in the schema marts"):
            record(run, "prod", "1", ["marts"])
    with pytest.raises(StandinError, match=r"has no raw_crm\.nothing; it has raw_crm\.customer"):
        recorded.only(["raw_crm.nothing"])


def test_what_needs_another_object_waits_for_it(redshift):
    view = SnapshotObject("view", "public.a", "create view public.a as select id from public.b;")
    table = SnapshotObject("table", "public.b", "create table public.b (id int);")
    Snapshot("prod", "1", (view, table)).apply(redshift.execute)
    assert redshift.execute("select id from a") == []
    with pytest.raises(
        StandinError, match=r"1 of the schema snapshot prod/1 cannot be made.*relation .* does not exist"
    ):
        Snapshot("prod", "1", (SnapshotObject("view", "x", "create view x as select 1 from nowhere"),)).apply(
            redshift.execute
        )


def test_the_latest_version_counts_numbers_as_numbers(tmp_path: Path):
    for version in ("1.9", "1.10", "1.2"):
        Snapshot("prod", version, ()).save(tmp_path)
    assert versions(tmp_path, "prod") == ["1.2", "1.9", "1.10"]
    assert load(tmp_path).version == "1.10"
    assert load(tmp_path, version="1.2").version == "1.2"
    with pytest.raises(StandinError, match=r"no schema snapshot prod/3 in .*there is 1\.2, 1\.9, 1\.10"):
        load(tmp_path, version="3")
    with pytest.raises(StandinError, match="standin snapshot --env test"):
        load(tmp_path, "test")


def test_a_version_is_never_overwritten_by_something_else(tmp_path: Path):
    one = Snapshot("prod", "1", (SnapshotObject("table", "a.b", "create table a.b (c int);"),))
    one.save(tmp_path)
    assert one.save(tmp_path) == tmp_path / "prod" / "1.sql"
    with pytest.raises(StandinError, match="Versions stay as they are"):
        Snapshot("prod", "1", ()).save(tmp_path)


@pytest.mark.parametrize("name", ["../other", "a/b", "", ".hidden"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name):
    for env, version in ((name, "1"), ("prod", name)):
        with pytest.raises(StandinError, match="cannot be a file's name"):
            Snapshot(env, version, ()).save(tmp_path)


def test_a_file_is_read_as_it_was_written():
    objects = (
        SnapshotObject("schema", "a b", 'create schema "a b";'),
        SnapshotObject("table", "a b.c", 'create table "a b".c (\n  -- table of words\n  d int);'),
    )
    snapshot = Snapshot("prod", "1", objects)
    assert parse(snapshot.text(), "prod", "1") == snapshot
