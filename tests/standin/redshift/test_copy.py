"""COPY loads flat files from S3 as Redshift does: every option, and the rows that come of it."""

from __future__ import annotations

import bz2
import gzip
from datetime import UTC, date, datetime, time
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from lake import ROLE, open_lake

AB = "a int, b varchar(20)"
DAY = date(2026, 3, 4)
MOMENT = datetime(2026, 3, 4, 5, 6, 7)


@pytest.fixture(scope="module")
def lake(warehouse_factory, local_s3):
    with open_lake(warehouse_factory, local_s3) as lake:
        yield lake


CASES = {
    # delimited
    "pipes": (AB, "1|one\n2|two", "", [(1, "one"), (2, "two")]),
    "tabs": (AB, "1\tone\n", r"delimiter '\t'", [(1, "one")]),
    "octal delimiter": (AB, "1\x01one\n", r"delimiter '\001'", [(1, "one")]),
    "one delimiter at the end": (AB, "1|one|\n", "", [(1, "one")]),
    "empty fields": (AB, "|\n", "", [(None, "")]),
    "blank numbers": (AB, "  |x\n 7 |y\n", "", [(None, "x"), (7, "y")]),
    "null of old": (AB, "\\N|\\N\n", "", [(None, None)]),
    "null as": (AB, "-|-\n1|\\N\n", "null as '-'", [(None, None), (1, "\\N")]),
    "null as nul": (AB, "1|\0\n", r"null as '\0'", [(1, None)]),
    "windows": (AB, "1|one\r\n2|two\r\n", "", [(1, "one"), (2, "two")]),
    "header": (AB, "a|b\nx\n1|one\n", "ignoreheader 2", [(1, "one")]),
    "byte order mark": (AB, b"\xef\xbb\xbf1|one\n", "", [(1, "one")]),
    "blank lines": (AB, "\n1|one\n\n\n2|two\n", "ignoreblanklines", [(1, "one"), (2, "two")]),
    "escape": (AB, "1|a\\|b\\\\\\\nc\n2|\\N\n", "escape", [(1, "a|b\\\nc"), (2, None)]),
    "removequotes": (AB, '1|\'a|b\'\n2|"c"\n3|d"\n', "removequotes", [(1, "a|b"), (2, "c"), (3, 'd"')]),
    "both": (AB, "1|'it\\'s|'\n", "removequotes escape", [(1, "it's|")]),
    "fillrecord": ("a int, b varchar(9), c int", "1\n2|x\n", "fillrecord", [(1, None, None), (2, "x", None)]),
    "empty as null": (AB, "1|\n2| \n", "emptyasnull", [(1, None), (2, " ")]),
    "blanks as null": (AB, "1|\n2| \t\n", "blanksasnull", [(1, None), (2, None)]),
    "trim blanks": (AB, "1|x  \n", "trimblanks", [(1, "x")]),
    "truncate": ("a varchar(3)", "abcd\néé\n", "truncatecolumns", [("abc",), ("é",)]),
    "one column": ("a varchar(9)", "x\n\ny\n", "", [("x",), ("",), ("y",)]),
    "column list": (AB, "one|1\n", "", [(1, "one")], "t (b, a)"),
    "defaults": ("a int, b varchar(9) default 'd', c int", "1\n", "", [(1, "d", None)], "t (a)"),
    "fixed width": (AB, "1  one  \n22 two\n", "fixedwidth 'a:3,b:5'", [(1, "one  "), (22, "two")]),
    "fixed width, letters": (AB, "1éè3\n", "fixedwidth 'a:1,b:3' trimblanks", [(1, "éè3")]),
    # CSV
    "csv": (AB, '1,"a,b"\n2,"c\nd"\n3,"e""f"\n4,\n', "csv", [(1, "a,b"), (2, "c\nd"), (3, 'e"f'), (4, "")]),
    "csv, blanks around quotes": (AB, '1, "a" \n2,b c\n', "csv", [(1, "a"), (2, "b c")]),
    "csv, other signs": (AB, '1;%a;b%\n2;c"d\n', "csv quote '%' delimiter ';'", [(1, "a;b"), (2, 'c"d')]),
    "csv of windows": (AB, '1,"a\r\nb"\r\n2,c\r\n', "csv", [(1, "a\r\nb"), (2, "c")]),
    "csv header": (AB, 'a,"b\nb"\n1,x\n'.replace("\nb", ""), "csv ignoreheader 1", [(1, "x")]),
    "csv null": (AB, '1,\\N\n2,"\\N"\n', "csv", [(1, None), (2, None)]),
    # values
    "integers": ("a smallint, b int, c bigint", "+1|-2| 007\n", "", [(1, -2, 7)]),
    "limits": (
        "a smallint, b bigint",
        "32767|9223372036854775807\n-32768|-9223372036854775808\n",
        "",
        [(32767, 2**63 - 1), (-32768, -(2**63))],
    ),
    "decimals are cut": (
        "a decimal(8,2)",
        "1.239\n-1.239\n.5\n1e2\n",
        "",
        [(Decimal(x),) for x in ("1.23", "-1.23", ".50", "100.00")],
    ),
    "decimals are rounded": ("a decimal(8,2)", "1.235\n-1.235\n", "roundec", [(Decimal("1.24"),), (Decimal("-1.24"),)]),
    "whole decimals": ("a decimal(38,0)", "9" * 38 + "\n1.9\n", "", [(Decimal("9" * 38),), (Decimal(1),)]),
    "floats": ("a real, b float8", "1.5|1e300\n.25|-3\n", "", [(1.5, 1e300), (0.25, -3.0)]),
    "booleans": ("a bool", "t\nTRUE\ny\nYes\n1\nf\nno\n0\n\n", "", [(x,) for x in (*[True] * 5, *[False] * 3, None)]),
    "dates": ("a date", "2026-03-04\n2026-3-4\n\n", "", [(DAY,), (DAY,), (None,)]),
    "date format": ("a date", "04.03.2026\n", "dateformat 'DD.MM.YYYY'", [(DAY,)]),
    "date names": ("a date", "04-Mar-26\n", "dateformat as 'DD-MON-YY'", [(DAY,)]),
    "any date": ("a date", "00/00/00\n2026-03-04\n", "dateformat 'auto' acceptanydate", [(None,), (DAY,)]),
    "timestamps": (
        "a timestamp",
        "2026-03-04 05:06:07\n2026-03-04 05:06:07.123456\n2026-03-04\n",
        "",
        [(MOMENT,), (MOMENT.replace(microsecond=123456),), (datetime(2026, 3, 4),)],
    ),
    "time format": ("a timestamp", "04/03/2026 05-06-07\n", "timeformat 'DD/MM/YYYY HH-MI-SS'", [(MOMENT,)]),
    "half days": (
        "a timestamp",
        "03/04/2026 05:06:07 PM\n",
        "timeformat 'MM/DD/YYYY HH12:MI:SS AM'",
        [(MOMENT.replace(hour=17),)],
    ),
    "auto": (
        "a timestamp",
        "2026-03-04T05:06:07Z\n03/04/2026 05:06:07\n20260304 050607\n04 Mar 05:06:07 2026\nMar-04-2026 5:06:07\n"
        "2026.063 05:06:07\nJ2461104 05:06:07\n260304 050607\n2026-03-04 05:06:07.5\n",
        "timeformat 'auto'",
        [*[(MOMENT,)] * 8, (MOMENT.replace(microsecond=500000),)],
    ),
    "epochs": (
        "a timestamp",
        "1772600767\n1772600767.25\n",
        "timeformat 'epochsecs'",
        [(MOMENT,), (MOMENT.replace(microsecond=250000),)],
    ),
    "epochs in milliseconds": (
        "a timestamp",
        "1772600767250\n",
        "timeformat as 'epochmillisecs'",
        [(MOMENT.replace(microsecond=250000),)],
    ),
    "zones": (
        "a timestamptz",
        "2026-03-04 05:06:07+00\n2026-03-04 07:06:07+02:00\n2026-03-04 05:06:07\n",
        "",
        [(MOMENT.replace(tzinfo=UTC),)] * 3,
    ),
    "named zones": ("a timestamptz", "2026-03-03 21:06:07 PST\n", "timeformat 'auto'", [(MOMENT.replace(tzinfo=UTC),)]),
    "times": ("a time", "05:06:07\n5:06:07.5\n", "", [(time(5, 6, 7),), (time(5, 6, 7, 500000),)]),
    "char": ("a char(4)", "ab\n", "", [("ab  ",)]),
    "invalid characters": (AB, b"1|a\xffb\xe2\x82c\n", "acceptinvchars", [(1, "a?b??c")]),
    "replaced by": (AB, b"1|\xff\n", "acceptinvchars as '^'", [(1, "^")]),
    "utf-16": (AB, "1|é€\n".encode("utf-16"), "encoding utf16", [(1, "é€")]),
    "utf-16, big end first": (AB, "1|é€\n".encode("utf-16-be"), "encoding utf16be", [(1, "é€")]),
    "latin 1": (AB, "1|é\n".encode("latin-1"), "encoding iso88591", [(1, "é")]),
    # compression
    "gzip": (AB, gzip.compress(b"1|one\n") + gzip.compress(b"2|two\n"), "gzip", [(1, "one"), (2, "two")]),
    "bzip2": (AB, bz2.compress(b"1|one\n") + bz2.compress(b"2|two\n"), "bzip2", [(1, "one"), (2, "two")]),
    "zstd": (AB, pa.compress(b"1|one\n", "zstd", asbytes=True), "zstd", [(1, "one")]),
    "no load": (AB, "1|one\n", "noload", []),
}


@pytest.mark.parametrize("case", CASES)
def test_rows(lake, case):
    columns, content, options, expected, *target = CASES[case]
    lake.table(columns)
    place = lake.put(content)
    lake.execute(f"copy {target[0] if target else 't'} from '{place}' {ROLE} {options}")
    assert lake.rows() == expected


def test_types_that_clients_see_differently(lake):
    lake.table("a timetz, b varbyte")
    lake.execute(f"copy t from '{lake.put('05:06:07+02|00ff10')}' {ROLE}")
    assert lake.execute("select a::varchar(20), to_hex(b) from t") == [("05:06:07+02", "00ff10")]


def test_super_keeps_json_as_it_was(lake):
    lake.table("a int, b super")
    place = lake.put('1|{"b": [1.10, null], "a": "x"}|\n2|"text"\n3|')
    lake.execute(f"copy t from '{place}' {ROLE}")
    assert lake.execute("select b.b[0]::varchar(9), b.a::varchar(9) from t where a = 1") == [("1.10", "x")]
    assert lake.execute("select b::varchar(9) from t where a > 1 order by a") == [("text",), (None,)]


def test_identity_columns(lake):
    data, ids = lake.put("x\ny\n"), lake.put("77|x\n")
    lake.table("id bigint identity(1,1), a varchar(9)")
    lake.execute(f"copy t from '{data}' {ROLE}")
    assert lake.execute("select count(distinct id), count(*) from t where id > 0") == [(2, 2)]
    lake.execute(f"copy t from '{ids}' {ROLE} explicit_ids")
    assert lake.execute("select a from t where id = 77") == [("x",)]
    with pytest.raises(psycopg.Error, match="EXPLICIT_IDS"):
        lake.execute(f"copy t (id, a) from '{ids}' {ROLE}")
    with pytest.raises(psycopg.Error, match="EXPLICIT_IDS"):
        lake.execute(f"copy t (a) from '{data}' {ROLE} explicit_ids")


def test_a_file_of_many_blocks(lake):
    """Blocks end where records do, whatever stands between quotes at their edge."""
    rows = 120_000
    place = lake.put(b"".join(b'%d,"line\nof ""%d"" %s"\n' % (row, row, b"x" * (row % 90)) for row in range(rows)))
    lake.table("a int, b varchar(200)")
    lake.execute(f"copy t from '{place}' {ROLE} csv")
    letters = sum(len(f'line\nof "{row}" ') + row % 90 for row in range(rows))
    assert lake.execute("select count(*), sum(a::bigint), sum(length(b)) from t") == [
        (rows, rows * (rows - 1) // 2, letters)
    ]


def test_notices_tell_the_count(lake):
    place = lake.put("1|one\nx|y\n2|two\n")
    heard = []
    lake.table(AB)
    with lake.redshift.psycopg() as connection:
        connection.add_notice_handler(lambda notice: heard.append((notice.severity, notice.message_primary)))
        assert connection.execute(f"copy t from '{place}' {ROLE} maxerror 2").statusmessage == "COPY"
        assert connection.execute("select pg_last_copy_count()").fetchall() == [(2,)]
    assert heard == [
        ("INFO", "Load into table 't' completed, 2 record(s) loaded successfully."),
        (
            "INFO",
            "Load into table 't' completed, 1 record(s) could not be loaded.  "
            "Check 'stl_load_errors' system table for details.",
        ),
    ]
