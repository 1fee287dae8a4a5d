"""What clients ask of the catalogue, asked by the clients themselves."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

CATALOGUE = """
    create schema shop;
    create table shop.item (id bigint identity(1, 1), name varchar(30) default 'x' not null encode lzo,
        price numeric(9, 2), tags super, primary key (id), unique (name))
        diststyle key distkey (id) compound sortkey (name, id);
    create table shop.sale (item bigint references shop.item (id), at timestamptz) interleaved sortkey (item, at);
    create view shop.cheap as select name from shop.item where price < 1;
    create view shop.late as select name, price from shop.item with no schema binding;
    create materialized view shop.kept as select name from shop.item;
    create function shop.twice(int) returns int immutable as $$ select 2 * $1 $$ language sql;
    create procedure shop.fill(n int) as $$ begin end $$ language plpgsql;
    comment on column shop.item.price is 'in euros';
    insert into shop.item (price) values (1)
"""


@pytest.fixture
def shop(redshift):
    redshift.execute(CATALOGUE)
    return redshift


def test_sqlalchemy_redshift_reflects(shop):
    for driver in ("redshift+redshift_connector", "redshift+psycopg2"):
        query = {"sslmode": "disable"} if "psycopg2" in driver else {}
        url = URL.create(driver, shop.user, shop.password, shop.host, shop.port, shop.database, query)
        engine = sa.create_engine(url, connect_args={} if query else {"ssl": False})
        with engine.connect() as connection:
            inspector = sa.inspect(connection)
            assert "shop" in inspector.get_schema_names()
            assert sorted(inspector.get_table_names(schema="shop")) == ["item", "mv_tbl__kept__0", "sale"]
            assert sorted(inspector.get_view_names(schema="shop")) == ["cheap", "kept", "late"]
            assert inspector.get_pk_constraint("item", schema="shop")["constrained_columns"] == ["id"]
            (foreign,) = inspector.get_foreign_keys("sale", schema="shop")
            assert (foreign["constrained_columns"], foreign["referred_table"]) == (["item"], "item")
            assert [u["column_names"] for u in inspector.get_unique_constraints("item", schema="shop")] == [["name"]]
            options = inspector.get_table_options("item", schema="shop")
            assert (options["redshift_diststyle"], options["redshift_distkey"], options["redshift_sortkey"]) == (
                "KEY",
                "id",
                ("name", "id"),
            )
            assert inspector.get_table_options("sale", schema="shop")["redshift_interleaved_sortkey"] == ("item", "at")
        engine.dispose()


def test_sqlalchemy_redshift_is_told_the_columns(shop):
    """All that `get_columns` asks is answered; with SQLAlchemy 2.1, it then trips over itself.

    sqlalchemy-redshift 1.0 calls a private method of SQLAlchemy, `_reflect_type`, as 2.0 had it; with 2.0, it reflects
    these tables. The last assertion fails when a release mends it: then `get_columns` can be tested instead.
    """
    engine = sa.create_engine(shop.sqlalchemy_url, connect_args={"ssl": False})
    with engine.connect() as connection:
        found = engine.dialect._get_schema_column_info(connection, schema="shop", table_name="item")
        (columns,) = found.values()
        assert columns[0].default.endswith(", 0, '1,1'::text)")
        assert [(each.name, each.format_type, each.notnull, each.encode) for each in columns] == [
            ("id", "bigint", True, "none"),
            ("name", "character varying(30)", True, "lzo"),
            ("price", "numeric(9,2)", False, "az64"),
            ("tags", "super", False, "zstd"),
        ]
        assert [each.comment for each in columns] == [None, None, "in euros", None]
    engine.dispose()
    # no database takes part in this
    with pytest.raises(TypeError, match="_reflect_type"):
        engine.dialect._get_column_info("id", "bigint", None, True, {}, [], "shop")


def test_redshift_connector_tells_metadata(shop):
    with shop.connect() as connection, connection.cursor() as cursor:
        assert cursor.get_show_discovery_version() >= 4
        tables = cursor.get_tables(schema_pattern="shop")
        assert sorted((row[2], row[3]) for row in tables) == [
            ("cheap", "VIEW"),
            ("item", "TABLE"),
            ("kept", "VIEW"),
            ("late", "VIEW"),
            ("sale", "TABLE"),
        ]
        columns = cursor.get_columns(schema_pattern="shop", tablename_pattern="item")
        assert [row[3] for row in columns] == ["id", "name", "price", "tags"]
        assert [row[3] for row in cursor.get_columns(schema_pattern="shop", tablename_pattern="late")] == [
            "name",
            "price",
        ]
        assert [row[3] for row in cursor.get_primary_keys(shop.database, "shop", "item")] == ["id"]
        (foreign,) = cursor.get_imported_keys(shop.database, "shop", "sale")
        assert (foreign[2], foreign[3], foreign[6], foreign[7]) == ("item", "id", "sale", "item")
        assert len(cursor.get_exported_keys(shop.database, "shop", "item")) == 1
        assert "shop" in [row[0] for row in cursor.get_schemas()]
        assert shop.database in [row[0] for row in cursor.get_catalogs()]
        assert [row[2] for row in cursor.get_functions(schema_pattern="shop")] == ["twice"]
        assert [row[2] for row in cursor.get_procedures(schema_pattern="shop")] == ["fill"]
        assert [row[2] for row in cursor.get_procedures()] == ["fill"]
        assert cursor.get_table_privileges(schema_pattern="shop", table_name_pattern="item") == ()


def test_redshift_connector_tells_types_and_arguments(redshift):
    """What the driver's metadata says of interval and identity columns, and of procedures' arguments."""
    redshift.execute(
        "create schema m;"
        "create table m.t (a int identity(1, 1), b int identity(1, 1) not null, c interval year to month,"
        " d interval day to second, e interval day to second (4), f datetime, g intervaly2m);"
        "create procedure m.p(a smallint, b in numeric(10, 5), c char(20), d varchar(256), e interval year to month,"
        " f interval day to second) as $$ begin null; end $$ language plpgsql;"
        "create procedure m.q(b out int, a inout int) as $$ begin b := 1; end $$ language plpgsql;"
        "create function m.f(numeric(5, 2), varchar) returns super stable as $$ select null::super $$ language sql"
    )
    with redshift.connect() as connection, connection.cursor() as cursor:
        columns = cursor.get_columns(schema_pattern="m")
        # name, type, size, digits, nullable, whether it numbers itself
        assert [(*row[3:4], *row[5:7], row[8], row[17], row[22]) for row in columns] == [
            ("a", "int4", 10, 0, "YES", "YES"),
            ("b", "int4", 10, 0, "NO", "YES"),
            ("c", "intervaly2m", 32, 0, "YES", "NO"),
            ("d", "intervald2s", 64, 6, "YES", "NO"),
            ("e", "intervald2s", 64, 4, "YES", "NO"),
            ("f", "timestamp", 29, 6, "YES", "NO"),
            ("g", "intervaly2m", 32, 0, "YES", "NO"),
        ]
        procedures = cursor.get_procedures(schema_pattern="m")
        assert [(int(row[7]), row[8]) for row in procedures] == [
            (1, "p(smallint, numeric, character, character varying, intervaly2m, intervald2s)"),
            (2, "q(integer)"),
        ]
        arguments = cursor.get_procedure_columns(schema_pattern="m")
        # name, kind (1 in, 2 inout, 3 out), type, precision, scale, place
        assert [(row[3], int(row[4]), *row[6:8], row[9], row[17]) for row in arguments] == [
            ("a", 1, "int2", 5, 0, 1),
            ("b", 1, "numeric", 10, 5, 2),
            ("c", 1, "char", 20, 0, 3),
            ("d", 1, "varchar", 256, 0, 4),
            ("e", 1, "intervaly2m", 32, 0, 5),
            ("f", 1, "intervald2s", 64, 6, 6),
            ("b", 3, "int4", 10, 0, 1),
            ("a", 2, "int4", 10, 0, 2),
        ]
        arguments = cursor.get_function_columns(schema_pattern="m")
        assert [(int(row[4]), row[6]) for row in arguments] == [(4, "super"), (1, "numeric"), (1, "varchar")]
        # those of the catalogue, too, have types that the driver knows
        assert cursor.get_function_columns(schema_pattern="pg_catalog", function_name_pattern="add_months")


def test_redshift_connector_asks_for_transactions_to_recover(redshift):
    with redshift.connect() as connection, connection.cursor() as cursor:
        assert connection.tpc_recover() == []
        connection.autocommit = True
        # no transaction was begun
        cursor.execute("vacuum")


def test_redshift_connector_tells_metadata_in_the_old_way(shop):
    """What a driver asks that knows nothing of SHOW."""
    with shop.connect() as connection, connection.cursor() as cursor:
        tables = cursor.get_tables_legacy_hardcoded_query(schema_pattern="shop")
        assert sorted((row[2], row[3]) for row in tables) == [
            ("cheap", "VIEW"),
            ("item", "TABLE"),
            ("kept", "VIEW"),
            ("late", "VIEW"),
            ("mv_tbl__kept__0", "TABLE"),
            ("sale", "TABLE"),
        ]
        columns = cursor.get_columns_legacy_hardcoded_query(schema_pattern="shop", tablename_pattern="item")
        assert [row[3] for row in columns] == ["id", "name", "price", "tags"]
        columns = cursor.get_columns_legacy_hardcoded_query(schema_pattern="shop", tablename_pattern="late")
        assert [row[3] for row in columns] == ["name", "price"]
        assert "shop" in [row[0] for row in cursor.get_schemas_legacy_hardcoded_query()]
        assert shop.database in [row[0] for row in cursor.get_catalogs_legacy_hardcoded_query()]
