"""Clients that were made for Redshift, unmodified."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from standin.binaries import find_binaries

NAME = "sélect 'quoted' \\ back"


def test_redshift_connector_reads_and_writes_every_kind_of_value(redshift):
    values = {
        "smallint": 1,
        "bigint": -(2**62),
        "numeric(12,2)": Decimal("10.25"),
        "float8": 0.5,
        "boolean": True,
        "date": date(2024, 2, 29),
        "timestamp": datetime(2024, 2, 29, 1, 2, 3, 456000),
        "timestamptz": datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
        "time": time(1, 2, 3),
        "varchar(100)": NAME,
    }
    with closing(redshift.connect()) as connection, connection.cursor() as cursor:
        columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(values))
        cursor.execute(f"create table t ({columns})")
        holes = ", ".join(["%s"] * len(values))
        cursor.execute(f"insert into t values ({holes})", list(values.values()))
        cursor.execute(f"insert into t values ({holes})", [None] * len(values))
        cursor.execute("select * from t order by c0")
        assert [list(row) for row in cursor.fetchall()] == [list(values.values()), [None] * len(values)]


def test_redshift_connector_repeats_statements_that_it_has_prepared(redshift):
    with closing(redshift.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (a int)")
        for number in range(3):
            cursor.execute("insert into t values (%s)", [number])
        for _ in range(3):
            cursor.execute("select count(*) from t")
            assert cursor.fetchone() == [3]
        cursor.executemany("insert into t values (%s)", [[4], [5]])
        cursor.execute("select a from t order by a desc limit %s", [1])
        assert cursor.fetchall() == ([5],)


def test_redshift_connector_has_transactions(redshift):
    connection = redshift.connect(autocommit=False)
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("create table t (a int)")
        connection.commit()
        cursor.execute("insert into t values (1)")
        connection.rollback()
        cursor.execute("select count(*) from t")
        assert cursor.fetchone() == [0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 day 02:03:04.5", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        ("-36 hours", timedelta(hours=-36)),
        ("0", timedelta()),
    ],
)
def test_redshift_connector_reads_intervals(redshift, text, value):
    # the driver asks for Redshift's binary layout, in which days are hours
    with closing(redshift.connect()) as connection, connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(f"select 1, interval '{text}', null::interval, 'x'")
            (number, found, nothing, letter), *others = cursor.fetchall()
            assert (number, nothing, letter, others) == (1, None, "x", [])
            assert timedelta(found.days, found.seconds, found.microseconds) == value
        cursor.execute("select interval '14 months'")
        assert cursor.fetchone()[0].months == 14
        cursor.execute("select %s::interval = interval '26 hours'", [timedelta(hours=26)])
        assert cursor.fetchone() == [True]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("intervaly2m", {"37 months": 37, "1-1": 13, "-178956970-8": -(2**31), "178956970-7": 2**31 - 1}),
        (
            "intervald2s",
            {
                "10 days 48 hours": 12 * 86_400_000_000,
                "10 23:59:59.999999": 11 * 86_400_000_000 - 1,
                "-106751991 -04:00:54.775808": -(2**63),
                "106751991 04:00:54.775807": 2**63 - 1,
            },
        ),
    ],
)
def test_redshift_connector_sends_and_reads_both_kinds_of_intervals(redshift, kind, values):
    from redshift_connector.interval import IntervalDayToSecond, IntervalYearToMonth

    made = IntervalYearToMonth if kind == "intervaly2m" else IntervalDayToSecond
    with closing(redshift.connect()) as connection, connection.cursor() as cursor:
        for text, number in values.items():
            cursor.execute(f"select '{text}'::{kind}")
            assert cursor.fetchone() == [made(number)]
        cursor.execute(f"create table t (a varchar, b {kind})")
        cursor.executemany("insert into t values (%s, %s)", [(text, made(number)) for text, number in values.items()])
        cursor.execute("select a, b from t")
        assert dict(cursor.fetchall()) == {text: made(number) for text, number in values.items()}


def test_redshift_connector_reads_geometries(redshift):
    # told that a geometry comes in hexadecimal digits, the driver gives them in lower case
    with closing(redshift.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (g geometry)")
        cursor.execute("insert into t values (st_geomfromtext('POINT(1 2)', 4326))")
        cursor.execute("select g, st_asewkt(g) from t")
        assert cursor.fetchall() == (["0101000020e6100000000000000000f03f0000000000000040", "SRID=4326;POINT(1 2)"],)
        cursor.execute("select st_asewkt(%s::geometry)", ("0101000020e6100000000000000000f03f0000000000000040",))
        assert cursor.fetchone() == ["SRID=4326;POINT(1 2)"]


def test_redshift_connector_tells_columns_and_catalogue(redshift):
    with closing(redshift.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (a int, b super)")
        cursor.execute("insert into t select 1, json_parse('[1, {\"x\": 2}]')")
        cursor.execute("select a, b, b[1].x as c from t")
        assert [column[0] for column in cursor.description] == ["a", "b", "c"]
        assert [column[1] for column in cursor.description] == [23, 4000, 4000]
        (row,) = cursor.fetchall()
        assert [json.loads(value) if isinstance(value, str) else value for value in row] == [1, [1, {"x": 2}], 2]


def test_psycopg2(redshift):
    import psycopg2

    with closing(psycopg2.connect(redshift.url)) as connection, connection.cursor() as cursor:
        cursor.execute("create table t (a int, b varchar(100))")
        cursor.execute("insert into t values (%s, %s)", (1, NAME))
        connection.commit()
        cursor.execute("select * from t; ")
        assert cursor.fetchall() == [(1, NAME)]
        with connection.cursor("a_cursor") as named:
            named.execute("select a from t")
            assert named.fetchmany(10) == [(1,)]


def test_psycopg_with_pipeline_and_server_side_parameters(redshift):
    with closing(redshift.psycopg(autocommit=False)) as connection:
        connection.execute("create table t (a int, b varchar(100))")
        with connection.pipeline():
            cursors = [connection.execute("insert into t values (%s, %s)", (n, NAME)) for n in range(100)]
            total = connection.execute("select count(*), max(b) from t")
        assert {cursor.rowcount for cursor in cursors} == {1}
        assert total.fetchone() == (100, NAME)


def test_asyncpg(redshift):
    import asyncpg

    async def use() -> None:
        connection = await asyncpg.connect(redshift.url)
        try:
            await connection.execute("create table t (a int, b varchar(100))")
            await connection.executemany("insert into t values ($1, $2)", [(n, NAME) for n in range(10)])
            assert await connection.fetchval("select count(*) from t where b = $1", NAME) == 10
            async with connection.transaction():
                rows = [row async for row in connection.cursor("select a from t order by a", prefetch=3)]
            assert [row["a"] for row in rows] == list(range(10))
            with pytest.raises(asyncpg.PostgresError, match="index"):
                await connection.execute("create index i on t (a)")
        finally:
            await connection.close()

    asyncio.run(use())


def psql(warehouse, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(find_binaries() / "psql"), "--no-psqlrc", "--no-align", "--tuples-only", warehouse.url, *arguments],
        input=text,
        capture_output=True,
        text=True,
        env={"PATH": os.defpath},
        check=False,
    )


def test_psql(redshift, tmp_path: Path):
    file = tmp_path / "rows.csv"
    file.write_text("1,x\n2,y\n")
    script = f"""
        create table t (a int distkey, b varchar(10)) sortkey (a);
        \\copy t from '{file}' csv
        select a, b from t as s qualify row_number() over (order by a desc) = 1;
        \\copy (select a from t order by a) to stdout
        select nonsense;
        select 'last';
    """
    done = psql(redshift, text=script)
    assert done.stdout.split() == ["CREATE", "TABLE", "COPY", "2", "2|y", "1", "2", "last"]
    assert 'column "nonsense" does not exist' in done.stderr
    # what psql asks of a server of Redshift's version
    for command in ("\\d", "\\dt", "\\dn", "\\l", "\\d t"):
        done = psql(redshift, "-c", command)
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stderr)


def test_sqlalchemy_with_the_dialect_for_redshift(redshift):
    import sqlalchemy

    engine = sqlalchemy.create_engine(redshift.sqlalchemy_url, connect_args={"ssl": False})
    table = sqlalchemy.Table(
        "visits",
        sqlalchemy.MetaData(),
        sqlalchemy.Column("id", sqlalchemy.Integer, nullable=False),
        sqlalchemy.Column("name", sqlalchemy.String(100)),
        redshift_distkey="id",
        redshift_sortkey=["name"],
    )
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"id": 1, "name": NAME}, {"id": 2, "name": None}])
    with engine.connect() as connection:
        found = connection.execute(sqlalchemy.select(table).order_by(table.c.id)).all()
        assert [tuple(row) for row in found] == [(1, NAME), (2, None)]
    inspector = sqlalchemy.inspect(engine)
    assert "public" in inspector.get_schema_names()
    assert inspector.get_table_names(schema="public") == ["visits"]
    # and no further: see test_catalog_clients.py
    assert inspector.get_view_names(schema="public") == []
    assert inspector.get_foreign_keys("visits", schema="public") == []
    engine.dispose()


def test_dbt_debug(redshift, tmp_path: Path, monkeypatch, capsys):
    from dbt.cli.main import dbtRunner

    (tmp_path / "dbt_project.yml").write_text("name: tried\nversion: '1.0'\nprofile: tried\n")
    redshift.write_dbt_profiles(tmp_path, "tried")
    # in this process, where other tests have dbt imported already
    monkeypatch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    here = str(tmp_path)
    done = dbtRunner().invoke(["debug", "--profiles-dir", here, "--project-dir", here, "--log-path", here])
    assert done.success, done
    printed = capsys.readouterr().out
    assert "redshift=1." in printed, printed
    assert "All checks passed!" in printed, printed


def test_dlt_loads_a_few_rows_by_insert(redshift, tmp_path: Path, monkeypatch):
    import dlt

    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    pipeline = dlt.pipeline(
        "tried", destination=redshift.dlt_destination(), dataset_name="landed", pipelines_dir=str(tmp_path)
    )
    rows = [{"id": 1, "name": NAME, "more": {"x": [1, 2]}}, {"id": 2, "name": None, "more": None}]
    pipeline.run(rows, table_name="things", write_disposition="merge", primary_key="id")
    pipeline.run([{"id": 2, "name": "changed"}], table_name="things", write_disposition="merge", primary_key="id")
    assert redshift.execute("select id, name from landed.things order by id") == [(1, NAME), (2, "changed")]
