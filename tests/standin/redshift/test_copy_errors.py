"""What COPY refuses: rows, which the system tables then tell of, and whole loads, of which nothing stays."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import psycopg
import pytest
from lake import ROLE, open_lake

AB = "a int, b varchar(5)"
FAILED = "Load into table 't' failed.  Check 'stl_load_errors' system table for details."


@pytest.fixture(scope="module")
def lake(warehouse_factory, local_s3):
    with open_lake(warehouse_factory, local_s3) as lake:
        yield lake


# columns, content, options; then line, column, type, position, value, code and reason of the error
BAD = {
    "letters": (AB, "1|a\nx|b\n", "", (2, "a", "int4", 0, "x", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer")),
    "a point": (AB, "1.5|a\n", "", (1, "a", "int4", 0, "1.5", 1207, "Invalid digit, Value '.', Pos 1, Type: Integer")),
    "hexadecimal": (
        AB,
        "0x1F|a\n",
        "",
        (1, "a", "int4", 0, "0x1F", 1207, "Invalid digit, Value 'x', Pos 1, Type: Integer"),
    ),
    "too large": ("a smallint", "32768\n", "", (1, "a", "int2", 0, "32768", 1222, "Overflow, Column type: Short")),
    "very large": ("a bigint", "9" * 30, "", (1, "a", "int8", 0, "9" * 30, 1222, "Overflow, Column type: Long")),
    "decimal": (
        "a decimal(5,2)",
        "1e\n",
        "",
        (1, "a", "numeric", 0, "1e", 1207, "Invalid digit, Value 'e', Pos 1, Type: Decimal"),
    ),
    "large decimal": (
        "a decimal(5,2)",
        "1000.00\n",
        "",
        (1, "a", "numeric", 0, "1000.00", 1204, "Overflow for NUMERIC(5,2)"),
    ),
    "double": (
        "a float8",
        "1,5\n",
        "",
        (1, "a", "float8", 0, "1,5", 1207, "Invalid digit, Value ',', Pos 1, Type: Double"),
    ),
    "large double": ("a float8", "1e400\n", "", (1, "a", "float8", 0, "1e400", 1204, "Overflow, Column type: Double")),
    "boolean": ("a bool", "maybe\n", "", (1, "a", "bool", 0, "maybe", 1210, "Unknown boolean format")),
    "short date": (
        "a date",
        "2026-3\n",
        "",
        (1, "a", "date", 0, "2026-3", 1205, "Invalid Date Format - length must be 10 or more"),
    ),
    "date": (
        "a date",
        "2026-02-30\n",
        "",
        (1, "a", "date", 0, "2026-02-30", 1205, "Invalid date format or value [YYYY-MM-DD]"),
    ),
    "timestamp": (
        "a timestamp",
        "2026-01-02T03:04:05\n",
        "",
        (
            1,
            "a",
            "timestamp",
            0,
            "2026-01-02T03:04:05",
            1206,
            "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]",
        ),
    ),
    "long": (AB, "1|abcdef\n", "", (1, "b", "varchar", 2, "abcdef", 1204, "String length exceeds DDL length")),
    "long in bytes": (AB, "1|ééé\n", "", (1, "b", "varchar", 2, "ééé", 1204, "String length exceeds DDL length")),
    "char": (
        "a char(5)",
        "é\n",
        "",
        (
            1,
            "a",
            "char",
            0,
            "é",
            1220,
            "Multibyte character not supported for CHAR (Hint: try using VARCHAR). Invalid char: c3 a9",
        ),
    ),
    "no utf-8": (
        AB,
        b"1|a\xa4\n",
        "",
        (
            1,
            "b",
            "varchar",
            2,
            "a�",
            1220,
            "String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: a4 (error 3)",
        ),
    ),
    "missing": (AB, "1|a\n2\n", "", (2, "a", "int4", 0, "2", 1201, "Delimiter not found")),
    "too many": (AB, "1|a|b\n", "", (1, "b", "varchar", 2, "a", 1202, "Extra column(s) found")),
    "not null": ("a int not null, b int", "|1\n", "", (1, "a", "int4", 0, "", 1213, "Missing data for not-null field")),
    "blank line": (AB, "1|a\n\n2|b\n", "", (2, "a", "int4", 0, "", 1201, "Delimiter not found")),
    "quote": (AB, '1,a"b"c\n', "csv", (1, "b", "varchar", 2, 'a"b"c', 1214, "Invalid quote formatting for CSV")),
    "open quote": (
        AB,
        "1|'ab\n",
        "removequotes",
        (1, "b", "varchar", 2, "'ab", 1214, "Delimited value missing end quote"),
    ),
    "after a header": (
        AB,
        'a,b\n1,a\n2,"x\ny"\nz,c\n',
        "csv ignoreheader 1",
        (5, "a", "int4", 0, "z", 1207, "Invalid digit, Value 'z', Pos 0, Type: Integer"),
    ),
    "json": (
        AB,
        '{"a":1}\n{"a":"q"}\n',
        "json 'auto'",
        (2, "a", "int4", 0, "q", 1207, "Invalid digit, Value 'q', Pos 0, Type: Integer"),
    ),
    "broken json": (
        AB,
        '{"a":1}\n{"a":}\n{"a":2}\n',
        "json 'auto'",
        (2, "a", "int4", 0, "", 1216, "Invalid JSON format: Expecting value"),
    ),
    "super": ("a super", "{x}\n", "", (1, "a", "super", 0, "{x}", 1224, "Invalid JSON value for SUPER column")),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_fails_the_load_and_is_told_of(lake, case):
    columns, content, options, expected = BAD[case]
    lake.table(columns)
    place = lake.put(content)
    with pytest.raises(psycopg.Error) as caught:
        lake.execute(f"copy t from '{place}' {ROLE} {options}")
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == ("XX000", FAILED)
    assert lake.rows() == []
    line, column, kind, position, value, code, reason = expected
    assert lake.execute(
        "select line_number, trim(colname), trim(type), position, trim(raw_field_value), err_code, trim(err_reason)"
        f" from stl_load_errors where trim(filename) = '{place}1'"
    ) == [(line, column, kind, position, value, code, reason[:100])]
    assert lake.execute(
        "select line_number, trim(column_name), error_code, trim(table_name) from sys_load_error_detail"
        f" where trim(file_name) = '{place}1'"
    ) == [(line, column, code, "t")]


def test_maxerror_leaves_out_bad_rows(lake):
    place = lake.put("1|a\nx|b\n2|c\n3|toolong\n4\n5|e\n")
    lake.table(AB)
    with pytest.raises(psycopg.Error, match="stl_load_errors"):
        lake.execute(f"copy t from '{place}' {ROLE} maxerror 3")
    assert lake.rows() == []
    lake.execute(f"copy t from '{place}' {ROLE} maxerror 4")
    assert lake.rows() == [(1, "a"), (2, "c"), (5, "e")]
    lines = lake.execute(
        "select line_number, trim(raw_line), col_length from stl_load_errors where query = "
        f"(select max(query) from stl_load_errors) and filename like '{place}%' order by 1"
    )
    assert [(line, raw, length.strip()) for line, raw, length in lines] == [
        (2, "x|b", "0"),
        (4, "3|toolong", "5"),
        (5, "4", "0"),
    ]


def test_ignoreallerrors(lake):
    place = lake.put("x|a\n" * 500 + "1|b\n")
    lake.table(AB)
    lake.execute(f"copy t from '{place}' {ROLE} ignoreallerrors")
    assert lake.rows() == [(1, "b")]


def test_noload_checks_all_the_same(lake):
    place = lake.put("1|a\nx|b\n")
    lake.table(AB)
    with pytest.raises(psycopg.Error, match="stl_load_errors"):
        lake.execute(f"copy t from '{place}' {ROLE} noload")


def test_a_bad_row_in_a_later_block(lake):
    place = lake.put(b"".join(b"%d|abcde\n" % row for row in range(300_000)) + b"x|a\n")
    lake.table(AB)
    with pytest.raises(psycopg.Error, match="stl_load_errors"):
        lake.execute(f"copy t from '{place}' {ROLE}")
    assert lake.rows() == []
    assert lake.execute(f"select line_number from stl_load_errors where filename like '{place}%'") == [(300_001,)]


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message"),
    [
        ("copy t from 's3://{bucket}/no/such' {role}", "XX000", "The specified S3 prefix 'no/such' does not exist"),
        ("copy nosuch from 's3://{bucket}/x' {role}", "42P01", "Cannot COPY into nonexistent table nosuch"),
        ("copy no.such from 's3://{bucket}/x' {role}", "42P01", "Cannot COPY into nonexistent table no.such"),
        ("copy t (z) from 's3://{bucket}/x' {role}", "42703", 'column "z" of relation "t" does not exist'),
        ("copy v from 's3://{bucket}/x' {role}", "42809", 'cannot copy to view "v"'),
        (
            "copy other.public.t from 's3://{bucket}/x' {role}",
            "0A000",
            "COPY into a table of another database is not supported",
        ),
        (
            "copy t from 's3://no-such-bucket/x' {role}",
            "XX000",
            "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket,no-such-bucket",
        ),
        (
            "copy t from 's3://{bucket}/x' {role} fixedwidth 'a:1'",
            "XX000",
            "Fixed width specification has 1 columns, the table or column list has 2",
        ),
        (
            "copy t from 's3://{bucket}/x' {role} json 'noshred'",
            "XX000",
            "COPY with JSON 'noshred' needs a single column of type SUPER",
        ),
        ("copy t from 's3://{bucket}/x' {role} lzop", "0A000", "COPY option LZOP is not supported"),
    ],
)
def test_refused(lake, statement, sqlstate, message):
    lake.table(AB)
    lake.execute("create or replace view v as select 1 as one")
    with pytest.raises(psycopg.Error) as caught:
        lake.execute(statement.format(bucket=lake.bucket.name, role=ROLE))
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == (sqlstate, message)


def test_what_is_not_compressed_as_announced(lake):
    lake.table(AB)
    place = lake.put("1|a\n")
    for compression in ("gzip", "bzip2", "zstd"):
        with pytest.raises(psycopg.Error, match=f"could not be decompressed as {compression.upper()}"):
            lake.execute(f"copy t from '{place}' {ROLE} {compression}")


def test_a_transaction_takes_its_copy_back(lake):
    place, bad = lake.put("1|a\n"), lake.put("x|a\n")
    lake.table(AB)
    with lake.redshift.psycopg(autocommit=False) as connection:
        connection.execute("insert into t values (0, 'z')")
        connection.execute(f"copy t from '{place}' {ROLE}")
        assert connection.execute("select count(*) from t").fetchall() == [(2,)]
        connection.rollback()
        assert connection.execute("select count(*) from t").fetchall() == [(0,)]
        with pytest.raises(psycopg.Error, match="stl_load_errors"):
            connection.execute(f"copy t from '{bad}' {ROLE}")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.rollback()
        # a table that nobody else sees
        connection.execute("create temp table own (a int, b varchar(5))")
        connection.execute(f"copy own from '{place}' {ROLE}")
        assert connection.execute("select * from own").fetchall() == [(1, "a")]
    assert lake.execute(f"select count(*) from stl_load_errors where filename like '{bad}%'") == [(1,)]


def test_several_statements_in_one_query(lake):
    place = lake.put("1|a\n")
    lake.table(AB)
    lake.execute(f"copy t from '{place}' {ROLE}; insert into t values (2, 'b'); copy t from '{place}' {ROLE};")
    assert lake.rows() == [(1, "a"), (2, "b"), (1, "a")]
    with pytest.raises(psycopg.Error, match="does not exist"):
        lake.execute(f"copy t from '{place}' {ROLE}; copy t from '{lake.place()}' {ROLE}")
    assert len(lake.rows()) == 3


def test_a_prepared_copy_runs_again(lake):
    place = lake.place()
    lake.table(AB)
    with lake.redshift.connect() as connection, connection.cursor() as cursor:
        for number in range(3):
            lake.bucket.put(f"{lake.key(place)}{number}", b"%d|a\n" % number)
            cursor.execute(f"copy t from '{place}' {ROLE}")
        cursor.execute("select a, count(*) from t group by a order by a")
        assert [tuple(row) for row in cursor.fetchall()] == [(0, 3), (1, 2), (2, 1)]


def test_keys_stay_out_of_sight(lake):
    lake.table(AB)
    place = lake.put("x|a\n")
    keys = "credentials 'aws_access_key_id=AKIAHIDDENHIDDEN;aws_secret_access_key=s3cr3t/s3cr3t'"
    with pytest.raises(psycopg.Error) as caught:
        lake.execute(f"copy t from '{place}' {keys}")
    told = str(caught.value) + str(vars(caught.value.diag) if hasattr(caught.value.diag, "__dict__") else "")
    seen = lake.execute("select query from pg_stat_activity") + lake.execute("select * from stl_load_errors")
    assert "s3cr3t" not in told + str(seen)
    assert "AKIAHIDDEN" not in told + str(seen)


def test_a_cancelled_copy_stops(lake):
    place = lake.put(b"".join(b"%d|abcde\n" % row for row in range(400_000)))
    lake.table(AB)
    with lake.redshift.psycopg() as connection:
        failed = []

        def load():
            try:
                for _ in range(50):
                    connection.execute(f"copy t from '{place}' {ROLE}")
            except psycopg.Error as error:
                failed.append(error)

        loading = threading.Thread(target=load)
        loading.start()
        while not copying(lake):
            assert loading.is_alive()
        connection.cancel()
        loading.join(60)
        assert not loading.is_alive()
        assert [error.sqlstate for error in failed] == ["57014"]
        assert connection.execute("select 1").fetchall() == [(1,)]
    assert not copying(lake)


def test_a_copy_from_a_server_that_never_answers_can_be_cancelled(lake, local_s3):
    lake.table(AB)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lake.redshift.face.set_environment({"AWS_ENDPOINT_URL": endpoint})
        try:
            with lake.redshift.psycopg() as connection:
                for statement in (f"copy t from 's3://b/k' {ROLE}", f"unload ('select 1') to 's3://b/k' {ROLE}"):
                    connection.pgconn.send_query(statement.encode())
                    asked, _ = silent.accept()
                    with asked:
                        asked.recv(100)
                        connection.cancel()
                        result = connection.pgconn.get_result()
                        assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
                        assert connection.pgconn.get_result() is None
        finally:
            lake.redshift.face.set_environment({"AWS_ENDPOINT_URL": local_s3.endpoint})


def test_a_killed_client_leaves_nothing(lake):
    place = lake.put(b"".join(b"%d|abcde\n" % row for row in range(400_000)))
    lake.table(AB)
    lake.execute(f"copy t from '{place}' {ROLE}")
    before = threads_and_files(lake.redshift.face.pid)
    connection = lake.redshift.psycopg()
    connection.execute("begin")
    connection.pgconn.send_query(f"copy t from '{place}' {ROLE};".encode() * 20)
    deadline = time.monotonic() + 30
    while not copying(lake):
        assert time.monotonic() < deadline
    connection.close()
    deadline = time.monotonic() + 30
    while copying(lake) or any(
        now > then for now, then in zip(threads_and_files(lake.redshift.face.pid), before, strict=True)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert lake.execute("select count(*) from t") == [(400_000,)]


def copying(lake):
    return lake.execute("select pid from pg_stat_progress_copy where datname = current_database()")


def threads_and_files(pid):
    return [len(list(Path(f"/proc/{pid}/{kind}").iterdir())) for kind in ("task", "fd")]
