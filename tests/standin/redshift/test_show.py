"""SHOW of objects: what drivers, dbt and people ask."""

from __future__ import annotations

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite


def names(cursor):
    return [column.name for column in cursor.description]


@pytest.fixture
def shop(redshift):
    """A connection to a database with something of everything."""
    with redshift.psycopg() as connection:
        connection.execute(
            b"create schema shop;"
            b"create table shop.item (id bigint identity(1, 1) primary key, name varchar(30) not null default "
            b"'x' encode lzo,"
            b" price numeric(9, 2)) diststyle key distkey (id) compound sortkey (name, id);"
            b"create table shop.sale (item bigint references shop.item (id));"
            b"create view shop.cheap as select name from shop.item where price < 1;"
            b"create view shop.late as select name from shop.item with no schema binding;"
            b"create materialized view shop.kept as select name from shop.item;"
            b"create function shop.twice(int) returns int immutable as $$ select 2 * $1 $$ language sql;"
            b"create procedure shop.fill(n in int, made out varchar(5)) as $$ begin made := 'x'; "
            b"end $$ language plpgsql;"
            b"comment on table shop.item is 'what we sell'"
        )
        yield connection


def test_databases_and_schemas(shop, redshift):
    cursor = shop.execute("show databases")
    assert "database_name" in names(cursor)
    assert redshift.database in [row[0] for row in cursor]
    cursor = shop.execute(f"show schemas from database \"{redshift.database}\" like 'sh%' limit 5")
    assert names(cursor) == [
        "database_name",
        "schema_name",
        "schema_owner",
        "schema_type",
        "schema_acl",
        "source_database",
        "schema_option",
    ]
    assert [row[1] for row in cursor] == ["shop"]


def test_tables(shop, redshift):
    cursor = shop.execute(f'show tables from schema "{redshift.database}"."shop"')
    shown = [dict(zip(names(cursor), row, strict=True)) for row in cursor]
    assert [(row["table_name"], row["table_type"], row["table_subtype"]) for row in shown] == [
        ("cheap", "VIEW", "REGULAR VIEW"),
        ("item", "TABLE", "REGULAR TABLE"),
        ("kept", "VIEW", "MATERIALIZED VIEW"),
        ("late", "VIEW", "LATE BINDING VIEW"),
        ("sale", "TABLE", "REGULAR TABLE"),
    ]
    item = shown[1]
    assert (item["remarks"], item["owner"], item["dist_style"]) == ("what we sell", redshift.user, "KEY(id)")
    assert [row[2] for row in shop.execute("show tables from schema shop like 'i%'")] == ["item"]
    with pytest.raises(psycopg.errors.InvalidSchemaName):
        shop.execute("show tables from schema nowhere")


def test_columns(shop):
    cursor = shop.execute("show columns from table shop.item")
    shown = [dict(zip(names(cursor), row, strict=True)) for row in cursor]
    wanted = (
        "column_name ordinal_position is_nullable data_type character_maximum_length numeric_precision numeric_scale"
        " sort_key_type sort_key dist_key encoding"
    )
    assert [tuple(row[column] for column in wanted.split()) for row in shown] == [
        ("id", 1, "NO", "bigint", None, 64, 0, "COMPOUND", 2, 1, "none"),
        ("name", 2, "NO", "character varying", 30, None, None, "COMPOUND", 1, 0, "lzo"),
        ("price", 3, "YES", "numeric", None, 9, 2, None, 0, 0, "az64"),
    ]
    assert [row[3] for row in shop.execute("show columns from table shop.late")] == ["name"]
    with pytest.raises(psycopg.errors.UndefinedTable):
        shop.execute("show columns from table shop.nothing")


def test_keys(shop):
    assert shop.execute("show constraints primary keys from table shop.item").fetchall()[0][1:] == (
        "shop", "item", "id", 1, "item_pkey",
    )  # fmt: skip
    foreign = shop.execute("show constraints foreign keys from table shop.sale").fetchall()
    assert foreign == shop.execute("show constraints foreign keys exported from table shop.item").fetchall()
    assert foreign[0][1:4] + foreign[0][5:9] == ("shop", "item", "id", "shop", "sale", "item", 1)


def test_routines(shop):
    cursor = shop.execute("show functions from schema shop")
    assert names(cursor)[:3] == ["database_name", "schema_name", "function_name"]
    assert [(row[2], row[4], row[5]) for row in cursor] == [("twice", "integer", "integer")]
    assert [row[2] for row in shop.execute("show procedures from schema shop like 'f%'")] == ["fill"]
    parameters = shop.execute("show parameters of function shop.twice(int)").fetchall()
    assert [(row[4], row[5], row[6]) for row in parameters] == [(0, "RETURN", "integer"), (1, "IN", "integer")]
    assert shop.execute("show procedure shop.fill(int)").fetchone()[0].startswith("create procedure shop.fill(n in int")


def test_definitions(shop):
    (text,) = shop.execute("show table shop.item").fetchone()
    assert text == (
        "CREATE TABLE shop.item (\n"
        "    id bigint NOT NULL IDENTITY(1,1) ENCODE raw distkey,\n"
        "    name character varying(30) NOT NULL DEFAULT 'x'::character varying ENCODE lzo,\n"
        "    price numeric(9,2) ENCODE az64,\n"
        "    CONSTRAINT item_pkey PRIMARY KEY (id)\n"
        ")\nDISTSTYLE KEY\nSORTKEY ( name, id );"
    )
    shop.execute("create schema copy; create schema ignored")
    shop.execute(text.replace("shop.item", "copy.item").encode())
    assert shop.execute("show table copy.item").fetchone()[0] == text.replace("shop.item", "copy.item")
    (view,) = shop.execute("show view shop.cheap").fetchone()
    assert "price < " in view
    assert shop.execute("show view shop.kept").fetchone()[0].startswith("create materialized view shop.kept as")
    with pytest.raises(psycopg.errors.WrongObjectType):
        shop.execute("show view shop.item")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "show tables from schema other.s",
            'database "other" is not the one connected to: the stand-in shows one database at a time',
        ),
        ("show tables", "syntax error at end of input"),
        ("show columns from shop.item", 'syntax error at or near "shop"'),
        ("show external table s.t", "SHOW EXTERNAL (external tables) is not supported by the stand-in for Redshift"),
        ("show tables from schema s like 5", 'syntax error at or near "5"'),
    ],
)
def test_what_is_refused(sql, message):
    with pytest.raises(DialectError) as refused:
        rewrite(sql, Context(database="dev"))
    assert refused.value.message == message
