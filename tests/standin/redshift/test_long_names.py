"""Identifiers: folded as Redshift folds them, and of up to 127 bytes though Postgres holds 63."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from standin.redshift.dialect import Context, rewrite
from standin.redshift.dialect.names import long, restored, short

TABLE = "a_table_whose_name_is_rather_long_as_generated_names_of_tests_and_snapshots_tend_to_be_in_2026"
COLUMN = "a_column_whose_name_is_just_as_long_because_it_was_flattened_from_json_twice_over_and_over"


@given(st.text(min_size=1, max_size=200))
def test_a_short_name_fits_and_leads_back(name: str) -> None:
    name = name.encode(errors="ignore").decode()
    made = short(name)
    assert len(made.encode()) <= 63
    kept = name.encode()[:127].decode(errors="ignore")
    assert long(made) == kept
    assert short(name) == made


def test_names_that_differ_late_stay_apart() -> None:
    assert short("x" * 90 + "a") != short("x" * 90 + "b")
    # Redshift cuts at 127 bytes
    assert short("x" * 127 + "a") == short("x" * 127 + "b")


def test_a_message_gets_the_clients_names_back() -> None:
    made = short(TABLE)
    assert restored(f'relation "{made}" does not exist'.encode()) == f'relation "{TABLE}" does not exist'.encode()
    plain = b'relation "t" does not exist'
    assert restored(plain) is plain


FOLDED = [
    ('select "MixedCase" from "T"', 'select "mixedcase" from "t"'),
    ('select "with ""Quotes"""', 'select "with ""quotes"""'),
    ('select "ÄÖ"', 'select "ÄÖ"'),
    ("select MixedCase from T", "select MixedCase from T"),
    ("select 'Kept' as \"Not\"", "select 'Kept' as \"not\""),
]


@pytest.mark.parametrize(("sql", "text"), FOLDED)
def test_quoted_names_are_folded(sql: str, text: str) -> None:
    assert rewrite(sql, Context())[0].text == text
    assert rewrite(sql, Context(case_sensitive=True))[0].text == sql


def test_long_names_go_all_the_way(redshift: Any) -> None:
    with redshift.psycopg() as connection:
        connection.execute(
            f"create table {TABLE} (id int, {COLUMN} varchar(20) encode zstd distkey) sortkey (id, {COLUMN})"
        )
        connection.execute(f"insert into public.{TABLE} (id, {COLUMN}) values (1, 'x')")
        cursor = connection.execute(
            f"select t.*, {COLUMN} || 'y' as {COLUMN}_2 from \"{TABLE.upper()}\" t where {COLUMN} = 'x'"
        )
        assert [column.name for column in cursor.description or ()] == ["id", COLUMN, f"{COLUMN}_2"]
        assert cursor.fetchall() == [(1, "x", "xy")]
        found = connection.execute(
            "select table_name from information_schema.tables where table_name like 'a_table%'"
        ).fetchall()
        assert found == [(TABLE,)]
        found = connection.execute(
            f"select column_name from svv_columns where table_name = '{TABLE}' order by 1"
        ).fetchall()
        assert found == [(COLUMN,), ("id",)]
        with pytest.raises(psycopg.Error, match=f'"{TABLE}_2" does not exist'):
            connection.execute(f"select * from {TABLE}_2")
        connection.execute(f"alter table {TABLE} add column {COLUMN}_new int")
        connection.execute(f"create view {TABLE}_v as select {COLUMN} from {TABLE}")
        connection.execute(f"alter table {TABLE} rename to {TABLE}_renamed")
        assert connection.execute(f"select {COLUMN}_new from {TABLE}_renamed").fetchall() == [(None,)]
        connection.execute(f"drop table {TABLE}_renamed cascade")


def test_the_catalogue_remembers_long_names_for_other_clients(redshift: Any) -> None:
    redshift.execute(f"create table {TABLE} as select 1 as {COLUMN}")
    assert redshift.execute(f"select {COLUMN} from {TABLE}") == [(1,)]
    rows = redshift.execute("select tablename, \"column\" from pg_table_def where schemaname = 'public'")
    assert rows == [(TABLE, COLUMN)]
