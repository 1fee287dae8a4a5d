"""CREATE TABLE, CREATE TABLE AS and ALTER TABLE as Redshift has them."""

from __future__ import annotations

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite

TYPES = [
    ("smallint", "smallint"),
    ("int2", "smallint"),
    ("int", "integer"),
    ("int8", "bigint"),
    ("numeric", "numeric(18,0)"),
    ("decimal(10)", "numeric(10,0)"),
    ("dec(38, 37)", "numeric(38,37)"),
    ("real", "real"),
    ("float", "double precision"),
    ("float(24)", "real"),
    ("boolean", "boolean"),
    ("char", "character(1)"),
    ("character(7)", "character(7)"),
    ("nchar(7)", "character(7)"),
    ("bpchar", "character(256)"),
    ("varchar", "character varying(256)"),
    ("text", "character varying(256)"),
    ("nvarchar(5)", "character varying(5)"),
    ("character varying(5)", "character varying(5)"),
    ("varchar(max)", "character varying(65535)"),
    ("date", "date"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("timestamp with time zone", "timestamp with time zone"),
    ("time", "time without time zone"),
    ("timetz", "time with time zone"),
    ("super", "super"),
    ("varbyte(100)", "binary varying(100)"),
    ("varbyte", "binary varying(64000)"),
    ("interval year to month", "interval year to month"),
]


def test_a_columns_type_is_shown_as_redshift_names_it(redshift):
    columns = ", ".join(f"c{number} {declared}" for number, (declared, _) in enumerate(TYPES))
    with redshift.session() as execute:
        execute(f"create table typed ({columns})")
        shown = execute(
            "select data_type from svv_redshift_columns where table_name = 'typed' order by ordinal_position"
        )
    assert [(declared, kind) for (declared, _), (kind,) in zip(TYPES, shown, strict=True)] == TYPES


@pytest.mark.parametrize(
    "kind",
    [
        "json",
        "jsonb",
        "uuid",
        "serial",
        "bigserial",
        "money",
        "xml",
        "bytea",
        "inet",
        "tsvector",
        "point",
        "oid",
        "hstore",
        "bit(3)",
        "name",
        "int[]",
        "varchar(5)[]",
        "interval",
    ],
)
def test_a_type_that_redshift_lacks_is_refused(kind):
    with pytest.raises(DialectError) as refused:
        rewrite(f"create table t (a int, b {kind})", Context())
    assert (refused.value.sqlstate, refused.value.message) == (
        "0A000",
        f'Column "t.b" has unsupported type "{kind}".',
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create table t (a varchar(65536))", "length for type varchar cannot exceed 65535"),
        ("create table t (a char(4097))", "length for type char cannot exceed 4096"),
        ("create table t (a varchar(0))", "length for type varchar must be at least 1"),
        ("create table t (a numeric(39))", "NUMERIC precision 39 must be between 1 and 38"),
        ("create table t (a numeric(5, 6))", "NUMERIC scale 6 must be between 0 and precision 5"),
        ("create table t (a int, a int)", 'column "a" duplicated'),
        ("create table t (a int) distkey(b)", 'column "b" named in distkey does not exist'),
        ("create table t (a int) sortkey(b)", 'column "b" named in sortkey does not exist'),
        ("create table t (a int, primary key (b))", 'column "b" named in key does not exist'),
        ("create table t (a int) diststyle key", "DISTSTYLE KEY needs a DISTKEY column"),
        ("create table t (a int distkey, b int distkey)", "multiple DISTKEY columns are not allowed"),
        ("create table t (a varchar encode az64)", 'invalid encoding type specified for column "a"'),
        ("create table t (a int encode gzip)", 'syntax error at or near "gzip"'),
        ("create table t (a int check (a > 1))", "CHECK constraints are not supported"),
        (
            "create table t (a int primary key, b int primary key)",
            'multiple primary keys for table "t" are not allowed',
        ),
        ("create table t (a varchar identity(1, 1))", "identity column type must be integer or bigint"),
        ("create table t (a int generated always as (1) stored)", 'syntax error at or near "generated"'),
        ("create table t (a int) with (fillfactor = 10)", 'syntax error at or near "with"'),
        ("create table t (a int) inherits (u)", 'syntax error at or near "inherits"'),
        ("create table t (a int) partition by range (a)", 'syntax error at or near "partition"'),
        ("create table if not exists t as select 1 as a", 'syntax error at or near "as"'),
        ("create table t as select 1 as a with no data", 'syntax error at or near "with"'),
        (
            "create table t (like u) diststyle all",
            "table attributes cannot be specified with LIKE: those of the parent table are taken over",
        ),
        ("create unlogged table t (a int)", 'syntax error at or near "unlogged"'),
        ("create temp view v as select 1 as a", 'syntax error at or near "view"'),
        ("create index i on t (a)", 'syntax error at or near "index"'),
        ("create sequence s", 'syntax error at or near "sequence"'),
        ("create type t as (a int)", 'syntax error at or near "type"'),
        ("alter table t add column a int, add column b int", 'syntax error at or near ","'),
        ("alter table t add column if not exists a int", 'syntax error at or near "if"'),
        ("alter table t alter column a type int", 'target data type "int" is not supported'),
        ("alter table t alter column a set not null", 'syntax error at or near "set"'),
        ("alter table t alter column a drop default", 'syntax error at or near "drop"'),
        ("alter table t set schema s", 'syntax error at or near "set"'),
        ("alter table t enable row level security", 'syntax error at or near "enable"'),
        (
            "alter table t add column a int not null",
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
        ),
        (
            "create external table s.t (a int) location 's3://b/'",
            "CREATE EXTERNAL TABLE is not supported by the stand-in for Redshift",
        ),
    ],
)
def test_a_definition_that_redshift_or_the_stand_in_refuses(sql, message):
    with pytest.raises(DialectError) as refused:
        rewrite(sql, Context())
    assert refused.value.message == message


def test_attributes_of_a_table_are_in_the_catalogue(redshift):
    with redshift.session() as execute:
        execute(
            "create table sales (id bigint identity(10, 5), day date encode az64 sortkey, shop int distkey encode raw,"
            " note varchar(20) default 'none' not null encode lzo) backup no"
        )
        assert execute(
            'select "column", type, encoding, distkey, sortkey, "notnull" from pg_table_def where tablename = \'sales\''
        ) == [
            ("id", "bigint", "az64".ljust(32), False, 0, True),
            ("day", "date", "az64".ljust(32), False, 1, False),
            ("shop", "integer", "none".ljust(32), True, 0, False),
            ("note", "character varying(20)", "lzo".ljust(32), False, 0, True),
        ]
        assert execute("select count(*) from svv_table_info where \"table\" = 'sales'") == [(0,)]
        execute("insert into sales (day, shop) values ('2026-01-01', 1), ('2026-01-02', 2)")
        assert execute("select id, note from sales order by 1") == [(10, "none"), (15, "none")]
        assert execute(
            "select diststyle, sortkey1, sortkey_num, max_varchar, tbl_rows from svv_table_info where "
            "\"table\" = 'sales'"
        ) == [("KEY(shop)", "day", 1, 20, 2)]
        execute("alter table sales rename column shop to store")
        assert execute("select diststyle from svv_table_info where \"table\" = 'sales'") == [("KEY(store)",)]


@pytest.mark.parametrize(
    ("attributes", "diststyle", "sortkey1", "sortkeys"),
    [
        ("", "AUTO(ALL)", "AUTO(SORTKEY)", 0),
        ("diststyle even", "EVEN", "AUTO(SORTKEY)", 0),
        ("diststyle all sortkey auto", "ALL", "AUTO(SORTKEY)", 0),
        ("distkey(a)", "KEY(a)", "AUTO(SORTKEY)", 0),
        ("diststyle key distkey (b) compound sortkey (b, a)", "KEY(b)", "b", 2),
        ("interleaved sortkey (a, b)", "AUTO(ALL)", "INTERLEAVED", 2),
        ("backup yes diststyle auto encode auto", "AUTO(ALL)", "AUTO(SORTKEY)", 0),
    ],
)
def test_table_attributes_follow_the_columns_or_precede_the_query(redshift, attributes, diststyle, sortkey1, sortkeys):
    with redshift.session() as execute:
        execute(f"create table t (a int, b int) {attributes}; insert into t values (1, 2)")
        execute(f"create table u {attributes} as select a, b from t")
        execute(f"create table v (a, b) {attributes} as (select a, b from t)")
        for table in "tuv":
            assert execute(
                f"select diststyle, sortkey1, sortkey_num from svv_table_info where \"table\" = '{table}'"
            ) == [(diststyle, sortkey1, sortkeys)]


def test_keys_are_shown_and_not_enforced(redshift):
    with redshift.session() as execute:
        execute("create table shop (id int primary key, code varchar(5) unique)")
        execute(
            "create table sale (shop int references shop, code varchar(5), constraint fk foreign key (code) "
            "references shop (code))"
        )
        execute("insert into shop values (1, 'a'), (1, 'a')")
        execute("insert into sale values (2, 'b')")
        assert execute("select count(*) from shop") == [(2,)]
        assert execute(
            "select conname, contype, pg_get_constraintdef(oid) from pg_constraint "
            "where conrelid in ('shop'::regclass, 'sale'::regclass) order by conname"
        ) == [
            ("fk", "f", "FOREIGN KEY (code) REFERENCES shop(code)"),
            ("sale_shop_fkey", "f", "FOREIGN KEY (shop) REFERENCES shop(id)"),
            ("shop_code_key", "u", "UNIQUE (code)"),
            ("shop_pkey", "p", "PRIMARY KEY (id)"),
        ]
        assert execute(
            "select constraint_name, constraint_type from information_schema.table_constraints "
            "where table_name = 'shop' order by 1"
        ) == [("shop_code_key", "UNIQUE"), ("shop_pkey", "PRIMARY KEY")]
        with pytest.raises(psycopg.Error, match="Cannot insert a NULL value into column id"):
            execute("insert into shop values (null, 'x')")
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            execute("drop table shop")
        execute("alter table sale drop constraint fk")
        execute("drop table shop cascade")
        assert execute("select count(*) from pg_constraint where conrelid = 'sale'::regclass") == [(0,)]


def test_a_foreign_key_needs_a_key_to_refer_to(redshift):
    with redshift.session() as execute:
        execute("create table plain (a int)")
        with pytest.raises(psycopg.Error, match="there is no primary key for referenced table"):
            execute("create table t (a int references plain)")
        with pytest.raises(psycopg.Error, match="there is no unique constraint"):
            execute("create table t (a int references plain (a))")
        with pytest.raises(psycopg.errors.UndefinedTable) as refused:
            execute("create table t (a int references nowhere)")
        assert refused.value.diag.context is None


def test_lengths_are_bytes(redshift):
    with redshift.session() as execute:
        execute("create table t (v varchar(4), c char(4))")
        execute("insert into t values ('ääx '::varchar(4), 'ää')")
        assert execute("select octet_length(v), octet_length(c) from t") == [(4, 4)]
        for column, text, kind in (("v", "äää", "character varying(4)"), ("c", "äbcd", "character(4)")):
            with pytest.raises(psycopg.errors.StringDataRightTruncation, match="value too long for type") as refused:
                execute(f"insert into t ({column}) values ('{text}')")
            assert refused.value.diag.message_primary == f"value too long for type {kind}"
        execute("insert into t (v) values ('ää      ')")
        assert execute("select 'äöü'::varchar(3), 'abc'::char(2)") == [("ä", "ab")]


def test_a_table_like_another_takes_over_what_redshift_says(redshift):
    with redshift.session() as execute:
        execute(
            "create table model (a int default 5 not null primary key, b varchar(9) encode zstd) diststyle key "
            "distkey(a) sortkey(b)"
        )
        execute("create table plain (like model)")
        execute("create table full_copy (like model including defaults)")
        assert execute(
            'select "column", encoding, distkey, sortkey, "notnull" from pg_table_def where tablename = \'plain\''
        ) == [
            ("a", "az64".ljust(32), True, 0, True),
            ("b", "zstd".ljust(32), False, 1, False),
        ]
        assert execute(
            "select column_name, column_default from svv_columns where table_name in ('plain', 'full_copy') "
            "and column_name = 'a' order by table_name"
        ) == [
            ("a", "5"),
            ("a", None),
        ]
        assert execute("select count(*) from information_schema.table_constraints where table_name = 'plain'") == [(0,)]


def test_temporary_tables(redshift):
    with redshift.session() as execute:
        execute("create table #scratch (a int)")
        execute("insert into #scratch values (1)")
        execute("create local temp table other as select a + 1 as a from #scratch")
        assert execute("select s.a, o.a from #scratch as s, other as o") == [(1, 2)]
        assert execute(
            "select table_name, table_type from svv_tables where table_name in ('#scratch', 'other') order by 1"
        ) == [
            ("#scratch", "LOCAL TEMPORARY"),
            ("other", "LOCAL TEMPORARY"),
        ]
    with pytest.raises(psycopg.errors.UndefinedTable):
        redshift.execute("select * from #scratch")


def test_create_table_as_gives_expressions_a_type_of_redshifts(redshift):
    with redshift.session() as execute:
        execute("create table t (a varchar(7), b numeric(5, 2))")
        execute(
            "create table u as select a, b, upper(a) as c, count(*) as n, 'äb' as d, 12.50 as e, 0.5 f, 7 as g from t"
            " group by 1, 2"
        )
        execute("create view v as with q as (select 'abc' as x) select x, 'it''s' as y from q")
        execute("create view w as select 1.23 as x, 'a' as y with no schema binding")
        types = "select data_type from svv_redshift_columns where table_name = '{}' order by ordinal_position"
        assert [kind for (kind,) in execute(types.format("u"))] == [
            "character varying(7)",
            "numeric(5,2)",
            "character varying(65535)",
            "bigint",
            "character varying(3)",
            "numeric(4,2)",
            "numeric(1,1)",
            "integer",
        ]
        assert execute(types.format("v")) == [("character varying(3)",), ("character varying(4)",)]
        # a cast keeps its length, whatever the planner makes of it, and so does what comes from a view
        execute("create view late as select a, b, a::char(2) as c from public.t with no schema binding")
        execute("create table x as (select a::varchar(5) as a, cast(c as char(9)) as c from late limit 1)")
        assert execute(types.format("x")) == [("character varying(5)",), ("character(9)",)]
        execute("create table z as with q as (select * from late) select q.* from q")
        assert execute(types.format("z")) == [("character varying(7)",), ("numeric(5,2)",), ("character(2)",)]
        assert execute(types.format("w")) == [("numeric(3,2)",), ("character varying(1)",)]


def test_a_foreign_key_is_added_to_a_table(redshift):
    with redshift.session() as execute:
        execute("create table parent (id int primary key); create table child (id int)")
        execute("alter table child add constraint of_parent foreign key (id) references parent (id)")
        execute("alter table child add foreign key (id) references public.parent")
        assert execute(
            "select conname, confrelid = 'parent'::regclass from pg_constraint where contype = 'f' order by 1"
        ) == [
            ("child_id_fkey", True),
            ("of_parent", True),
        ]


def test_identity_by_default_takes_a_value(redshift):
    with redshift.session() as execute:
        execute("create table t (id bigint generated by default as identity(0, 1), down int identity(100, -10), a int)")
        execute("insert into t (a) values (1), (2); insert into t (id, a) values (77, 3)")
        assert execute("select id, down from t order by a") == [(0, 100), (1, 90), (77, 80)]
        for sql in ("insert into t (down) values (5)", "update t set down = 5"):
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="cannot set an identity column to a value"):
                execute(sql)


def test_alter_table(redshift):
    with redshift.session() as execute:
        execute("create table t (a varchar(3), b int, c int)")
        execute("insert into t values ('abc', 1, 2)")
        execute("alter table t add column d varchar(5) default 'x' encode zstd")
        execute("alter table t drop column c")
        execute("alter table t alter distkey b, alter compound sortkey (b, a)")
        execute("alter table t alter column a encode text255, alter column b encode mostly8")
        assert execute(
            "select \"column\", trim(encoding), distkey, sortkey from pg_table_def where tablename = 't'"
        ) == [
            ("a", "text255", False, 2),
            ("b", "mostly8", True, 1),
            ("d", "zstd", False, 0),
        ]
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="distkey"):
            execute("alter table t drop column b")
        execute("alter table t alter diststyle even; alter table t alter sortkey none; alter table t drop column b")
        execute("alter table t add constraint only_one unique (a)")
        assert execute("select conname from pg_constraint where conrelid = 't'::regclass") == [("only_one",)]
        execute("alter table t rename to renamed")
        assert execute("select * from renamed") == [("abc", "x")]


def test_a_varchar_gets_another_length(redshift):
    with redshift.session() as execute:
        execute("create table t (a varchar(3) encode lzo, b int, v varbyte(4)); insert into t (a) values ('abc')")
        execute("alter table t alter column a type varchar(300)")
        execute("alter table t alter column v type varbyte(40)")
        assert execute("select type from pg_table_def where tablename = 't'") == [
            ("character varying(300)",),
            ("integer",),
            ("binary varying(40)",),
        ]
        with pytest.raises(psycopg.Error, match="cannot alter column"):
            execute("alter table t alter column a type varchar(2)")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            execute("alter table t alter column b type varchar(2)")
        execute("begin")
        with pytest.raises(psycopg.Error, match="cannot run inside a transaction block"):
            execute("alter table t alter column a type varchar(400)")


def test_append_moves_the_rows(redshift):
    with redshift.session() as execute:
        execute("create table target (a int, b int default 7); create table source (a int, x int)")
        execute("insert into source values (1, 1), (2, 2)")
        with pytest.raises(psycopg.Error, match='source table has column "x"'):
            execute("alter table target append from source filltarget")
        execute("alter table source drop column x; alter table target append from source filltarget")
        assert execute("select * from target order by 1") == [(1, 7), (2, 7)]
        assert execute("select count(*) from source") == [(0,)]


def test_names_of_127_bytes_live_in_the_catalogue(redshift):
    table, column = "t" * 127, "c" * 120
    with redshift.session() as execute:
        execute(f"create table {table} ({column} int primary key) distkey({column})")
        execute(f"insert into {table} values (1)")
        assert execute(f"select table_name, column_name from svv_columns where table_name = '{table}'") == [
            (table, column)
        ]
        assert execute(f"select distkey from pg_table_def where tablename = '{table}'") == [(True,)]
        assert execute(f"show columns from table public.{table}")[0][3] == column
        assert execute(f"select relname from pg_class where relname = '{table}'") == [(table,)]
