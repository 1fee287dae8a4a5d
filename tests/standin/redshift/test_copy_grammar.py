"""COPY and UNLOAD are read as the SQL reference spells them, and everything else is refused by name."""

from __future__ import annotations

import pytest

from standin.redshift.dialect.statement import DialectError
from standin.redshift.s3 import parse_copy, parse_unload
from standin.redshift.s3.commands import CopyOptions, UnloadOptions

FROM = "copy t from 's3://bucket/key' iam_role default"
TO = "unload ('select 1') to 's3://bucket/key' iam_role default"
SECRET = "wJalrXUtnFEMI"


def copy(options: str) -> CopyOptions:
    return parse_copy(f"{FROM} {options}").options


def unload(options: str) -> UnloadOptions:
    return parse_unload(f"{TO} {options}", rewrite=str).options


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", CopyOptions()),
        ("csv", CopyOptions(format="csv")),
        ("csv quote as '%' delimiter ';'", CopyOptions(format="csv", quote="%", delimiter=";")),
        ("format as csv ignoreheader as 1", CopyOptions(format="csv", ignore_header=1)),
        ("format csv ignoreheader '1'", CopyOptions(format="csv", ignore_header=1)),
        (r"delimiter '\t'", CopyOptions(delimiter="\t")),
        (r"delimiter '\\t'", CopyOptions(delimiter="\t")),
        (r"delimiter '\001'", CopyOptions(delimiter="\x01")),
        ("delimiter as ',' removequotes", CopyOptions(delimiter=",", remove_quotes=True)),
        ("fixedwidth 'a:3, b:12'", CopyOptions(format="fixedwidth", fixed_widths=(("a", 3), ("b", 12)))),
        ("json", CopyOptions(format="json")),
        ("format as json 'auto ignorecase'", CopyOptions(format="json", paths="auto ignorecase")),
        ("json as 's3://b/p.json' gzip", CopyOptions(format="json", paths="s3://b/p.json", compression="gzip")),
        ("format parquet serializetojson", CopyOptions(format="parquet", serialize_to_json=True)),
        ("parquet maxerror 0", CopyOptions(format="parquet")),
        ("format as avro 'auto'", CopyOptions(format="avro")),
        ("format orc", CopyOptions(format="orc")),
        ("bzip2 manifest", CopyOptions(compression="bzip2", manifest=True)),
        (r"null as '\N'", CopyOptions(null_as=r"\N")),
        (r"null '\\N'", CopyOptions(null_as=r"\N")),
        (r"null as '\000'", CopyOptions(null_as="\0")),
        ("acceptinvchars", CopyOptions(accept_invalid_chars="?")),
        ("acceptinvchars as '^' acceptanydate", CopyOptions(accept_invalid_chars="^", accept_any_date=True)),
        ("dateformat 'auto' timeformat as 'epochsecs'", CopyOptions(date_format="auto", time_format="epochsecs")),
        ("encoding utf16le", CopyOptions(encoding="utf-16-le")),
        ("encoding as 'UTF-8'", CopyOptions()),
        ("maxerror as 5 noload", CopyOptions(max_errors=5, no_load=True)),
        ("region as 'eu-north-1'", CopyOptions(region="eu-north-1")),
        ("compupdate preset statupdate off comprows 5000", CopyOptions()),
        ("compupdate statupdate true", CopyOptions()),
        (
            "escape fillrecord ignoreblanklines emptyasnull blanksasnull trimblanks truncatecolumns roundec",
            CopyOptions(
                escape=True,
                fill_record=True,
                ignore_blank_lines=True,
                empty_as_null=True,
                blanks_as_null=True,
                trim_blanks=True,
                truncate_columns=True,
                round_decimals=True,
            ),
        ),
    ],
)
def test_options_of_copy(written, expected):
    assert copy(written) == expected
    # in any order, and with an end
    assert parse_copy(f"copy t from 's3://bucket/key' {written} iam_role default ; ").options == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", UnloadOptions()),
        ("csv header", UnloadOptions(format="csv", header=True)),
        ("format as csv delimiter as '|'", UnloadOptions(format="csv", delimiter="|")),
        ("json extension 'jsonl'", UnloadOptions(format="json", extension="jsonl")),
        (
            "parquet partition by (a, B) include",
            UnloadOptions(format="parquet", partition_by=("a", "b"), include_partitions=True),
        ),
        ("manifest verbose allowoverwrite", UnloadOptions(manifest=True, verbose=True, allow_overwrite=True)),
        ("parallel off gzip cleanpath", UnloadOptions(parallel=False, compression="gzip", clean_path=True)),
        ("parallel true", UnloadOptions()),
        ("parallel", UnloadOptions()),
        ("maxfilesize 5", UnloadOptions(max_file_bytes=5 << 20)),
        ("maxfilesize as 1.5 gb", UnloadOptions(max_file_bytes=3 << 29)),
        ("parquet rowgroupsize 64 mb", UnloadOptions(format="parquet", row_group_bytes=64 << 20)),
        ("encrypted kms_key_id 'key'", UnloadOptions(kms_key="key")),
        ("encrypted auto", UnloadOptions()),
        (r"addquotes escape null as '\N'", UnloadOptions(add_quotes=True, escape=True, null_as=r"\N")),
        ("fixedwidth as 'a:1'", UnloadOptions(format="fixedwidth", fixed_widths=(("a", 1),))),
    ],
)
def test_options_of_unload(written, expected):
    assert unload(written) == expected


@pytest.mark.parametrize(
    ("written", "sqlstate", "message"),
    [
        ("gzip gzip", "42601", "conflicting or redundant options"),
        ("csv json", "42601", "conflicting or redundant options"),
        ("gzip zstd", "42601", "conflicting or redundant options"),
        ("csv escape", "42601", "ESCAPE is not supported with CSV"),
        ("csv removequotes", "42601", "REMOVEQUOTES is not supported with CSV"),
        ("quote '%'", "42601", "QUOTE is only supported with the CSV option"),
        ("fixedwidth 'a:3' delimiter ','", "42601", "DELIMITER is not supported with FIXEDWIDTH"),
        ("fixedwidth 'a'", "42601", "Invalid fixedwidth specification 'a': it is 'label:width, label:width, …'"),
        ("json 'automatic'", "42601", "Invalid JSON option 'automatic': it is 'auto', 'auto ignorecase' or 's3://…'"),
        ("json ignoreheader 1", "42601", "IGNOREHEADER is not supported with JSON"),
        ("parquet gzip", "0A000", "GZIP argument is not supported for PARQUET based COPY"),
        ("parquet region 'eu-west-1'", "0A000", "REGION argument is not supported for PARQUET based COPY"),
        ("compupdate off parquet", "0A000", "COMPUPDATE argument is not supported for PARQUET based COPY"),
        ("parquet maxerror 10", "0A000", "MAXERROR argument is not supported for PARQUET based COPY"),
        ("orc truncatecolumns", "0A000", "TRUNCATECOLUMNS argument is not supported for ORC based COPY"),
        ("serializetojson", "0A000", "SERIALIZETOJSON is only supported for PARQUET and ORC based COPY"),
        ("delimiter 'ab'", "42601", "COPY DELIMITER must be a single ASCII character"),
        ("delimiter 'é'", "42601", "COPY DELIMITER must be a single ASCII character"),
        ("maxerror 100001", "42601", "MAXERROR must be between 0 and 100000"),
        ("maxerror 1 ignoreallerrors", "42601", "IGNOREALLERRORS cannot be used with MAXERROR"),
        (
            "encoding latin7",
            "42601",
            'Encoding "latin7" is not supported, use UTF8, UTF16, UTF16LE, UTF16BE or ISO88591',
        ),
        ("lzop", "0A000", "COPY option LZOP is not supported"),
        ("shapefile", "0A000", "COPY option SHAPEFILE is not supported"),
        ("ssh", "0A000", "COPY option SSH is not supported"),
        ("encrypted", "0A000", "COPY option ENCRYPTED is not supported"),
        ("readratio 50", "0A000", "READRATIO is only supported for COPY from DynamoDB"),
        ("format", "42601", "syntax error at end of input"),
        ("wibble", "42601", 'syntax error at or near "wibble"'),
        ("header", "42601", 'syntax error at or near "header"'),
        ("'stray'", "42601", "syntax error at or near a string literal"),
        ("credentials 'aws_iam_role=x'", "42601", "conflicting or redundant options"),
    ],
)
def test_copy_refuses(written, sqlstate, message):
    with pytest.raises(DialectError) as caught:
        copy(written)
    assert (caught.value.sqlstate, caught.value.message) == (sqlstate, message)


@pytest.mark.parametrize(
    ("statement", "sqlstate", "message"),
    [
        ("copy t from 'emr://j/x' iam_role default", "0A000", "COPY with EMR is not supported"),
        ("copy t from 'dynamodb://x' iam_role default", "0A000", "COPY with DynamoDB is not supported"),
        ("copy t from 's3://' iam_role default", "0A000", "S3 path must be of the form 's3://bucket/key'"),
        ("copy t from '/etc/passwd' iam_role default", "42501", "must be superuser to COPY to or from a file"),
        ("copy t (a, A) from 's3://b/k' iam_role default", "42701", 'column "a" specified more than once'),
        ("copy t to 's3://b/k' iam_role default", "42601", 'syntax error at or near "to"'),
        ("copy t from stdin", "0A000", "COPY FROM STDIN is not supported"),
        (
            "copy t from 's3://b/k' access_key_id 'x'",
            "42601",
            "ACCESS_KEY_ID and SECRET_ACCESS_KEY must be given together",
        ),
        (
            "copy t from 's3://b/k' csv",
            "42601",
            "Must specify credentials: give IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID",
        ),
    ],
)
def test_copy_refuses_the_statement(statement, sqlstate, message):
    with pytest.raises(DialectError) as caught:
        parse_copy(statement)
    assert (caught.value.sqlstate, caught.value.message) == (sqlstate, message)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("parquet header", "HEADER is not supported with PARQUET"),
        ("parquet gzip", "GZIP is not supported with PARQUET"),
        ("json delimiter ','", "DELIMITER is not supported with JSON"),
        ("fixedwidth 'a:1' header", "HEADER is not supported with FIXEDWIDTH"),
        ("csv addquotes", "ADDQUOTES is not supported with CSV"),
        ("allowoverwrite cleanpath", "ALLOWOVERWRITE and CLEANPATH can not be used together"),
        ("maxfilesize 4 mb", "MAXFILESIZE must be between 5 MB and 6.2 GB"),
        ("maxfilesize 7 gb", "MAXFILESIZE must be between 5 MB and 6.2 GB"),
        ("rowgroupsize 64", "ROWGROUPSIZE is only supported for PARQUET UNLOAD"),
        ("kms_key_id 'x'", "KMS_KEY_ID requires the ENCRYPTED option"),
        ("master_symmetric_key 'x'", "UNLOAD option MASTER_SYMMETRIC_KEY is not supported"),
        ("noload", 'syntax error at or near "noload"'),
    ],
)
def test_unload_refuses(written, message):
    with pytest.raises(DialectError) as caught:
        unload(written)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("select * from t limit 10", True),
        ("select * from t order by 1 LIMIT 10", True),
        ("select * from (select * from t limit 10)", False),
        ("select 'limit' as \"limit\" from t -- limit", False),
    ],
)
def test_unload_takes_no_outer_limit(query, refused):
    statement = f"unload ($${query}$$) to 's3://b/k' iam_role default"
    if refused:
        with pytest.raises(DialectError, match="Limit clause is not supported"):
            parse_unload(statement, rewrite=str)
    else:
        assert parse_unload(statement, rewrite=str).query == query


def test_names_are_folded_unless_case_matters():
    statement = """copy "Sales"."T 1" (A, "B c") from 's3://b/k' iam_role default"""
    command = parse_copy(statement)
    assert (command.table, command.columns) == (("sales", "t 1"), ("a", "b c"))
    command = parse_copy(statement, case_sensitive=True)
    assert (command.table, command.columns) == (("Sales", "T 1"), ("a", "B c"))


@pytest.mark.parametrize(
    ("clause", "key", "token"),
    [
        (f"credentials 'aws_access_key_id=AKIA1;aws_secret_access_key={SECRET}'", "AKIA1", None),
        (f"with credentials as 'aws_access_key_id=AKIA1;aws_secret_access_key={SECRET};token=t1'", "AKIA1", "t1"),
        (f"access_key_id 'AKIA1' secret_access_key '{SECRET}'", "AKIA1", None),
        (f"secret_access_key as '{SECRET}' session_token 't1' access_key_id as 'AKIA1'", "AKIA1", "t1"),
    ],
)
def test_keys_are_used_and_never_shown(clause, key, token):
    command = parse_copy(f"copy t from 's3://b/k' {clause} csv")
    assert (command.credentials.key, command.credentials.secret, command.credentials.token) == (key, SECRET, token)
    for shown in (repr(command), str(command), command.shown, repr(command.credentials)):
        assert SECRET not in shown
        assert "AKIA1" not in shown
    unloading = parse_unload(f"unload ('select 1') to 's3://b/k' {clause} csv", rewrite=str)
    assert SECRET not in repr(unloading) + unloading.shown


@pytest.mark.parametrize(
    "clause",
    [
        f"credentials '{SECRET}'",
        f"credentials 'aws_secret_access_key={SECRET}'",
        f"credentials 'aws_access_key_id=AKIA1;aws_secret_access_key={SECRET};wrong={SECRET}'",
        f"secret_access_key '{SECRET}'",
        f"access_key_id 'a' '{SECRET}'",
        f"iam_role default access_key_id 'a' secret_access_key '{SECRET}'",
    ],
)
def test_no_refusal_repeats_a_key(clause):
    with pytest.raises(DialectError) as caught:
        parse_copy(f"copy t from 's3://b/k' {clause}")
    assert SECRET not in str(caught.value)
