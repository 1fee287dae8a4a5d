"""What COPY and UNLOAD refuse though each clause is well formed: options that exclude each other, odd credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.s3.commands import Credentials
from standin.redshift.s3.errors import NOT_SUPPORTED, failure, unsupported

if TYPE_CHECKING:
    from standin.redshift.s3.cursor import Cursor, Options

_SCHEMES = {"emr": "EMR", "ssh": "SSH", "dynamodb": "DynamoDB"}
# https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html; a MAXERROR of no errors is
# what dlt writes, and loads with
_COLUMNAR = {
    "format", "manifest", "accept_invalid_chars", "fill_record", "explicit_ids", "serialize_to_json", "statupdate",
    "max_errors", "credentials", "iam_role", "access_key_id", "secret_access_key", "session_token",
}  # fmt: skip
_TEXT_ONLY = (
    "delimiter", "escape", "remove_quotes", "fill_record", "ignore_header", "ignore_blank_lines",
)  # fmt: skip


def check_address(cursor: Cursor, address: str, statement: str) -> None:
    """Raise DialectError for what is no address in S3."""
    scheme, separator, rest = address.partition("://")
    if separator and scheme.lower() in _SCHEMES:
        raise unsupported(f"{statement} with {_SCHEMES[scheme.lower()]}")
    if not address.startswith("s3://") or not rest.strip("/"):
        if statement == "COPY" and separator == "":
            # Redshift takes a bare name for an SSH manifest or a local file of the leader node, which nobody may read
            raise cursor.error("must be superuser to COPY to or from a file", "42501")
        raise cursor.error("S3 path must be of the form 's3://bucket/key'", NOT_SUPPORTED)


def read_credentials(found: Options) -> Credentials:
    """The credentials among the options, which are taken out of them."""
    values, cursor = found.values, found.cursor
    text = values.pop("credentials", None)
    role = values.pop("iam_role", None)
    key, secret = values.pop("access_key_id", None), values.pop("secret_access_key", None)
    token = values.pop("session_token", None)
    ways = (text is not None) + (role is not None) + (key is not None or secret is not None)
    if ways > 1 or (token is not None and key is None):
        raise cursor.error("conflicting or redundant options")
    if (key is None) != (secret is None):
        raise cursor.error("ACCESS_KEY_ID and SECRET_ACCESS_KEY must be given together")
    if text is None:
        if ways == 0:
            raise cursor.error("Must specify credentials: give IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID")
        return Credentials(key=key, secret=secret, token=token, role=role)
    parts = dict(part.partition("=")[::2] for part in text.split(";") if part.strip())
    parts = {name.strip().lower(): value for name, value in parts.items()}
    known = {"aws_access_key_id", "aws_secret_access_key", "token", "aws_session_token", "aws_iam_role"}
    if "master_symmetric_key" in parts:
        raise unsupported("master_symmetric_key in CREDENTIALS (client-side encryption)")
    given = Credentials(
        key=parts.get("aws_access_key_id"),
        secret=parts.get("aws_secret_access_key"),
        token=parts.get("token", parts.get("aws_session_token")),
        role=parts.get("aws_iam_role"),
    )
    if set(parts) - known or (given.key is None) != (given.secret is None) or not (given.key or given.role):
        # nothing of the string is repeated: a key may stand anywhere in it
        raise cursor.error(
            "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
            "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'"
        )
    return given


def check_copy(found: Options) -> None:
    """Raise DialectError for options of COPY that do not go together."""
    values, given, cursor = found.values, found.given, found.cursor
    kind = values.get("format", "delimited")
    if kind in ("parquet", "orc"):
        for option, keyword in given.items():
            if option not in _COLUMNAR or (option == "max_errors" and values["max_errors"] > 1):
                raise cursor.error(
                    f"{keyword.upper()} argument is not supported for {kind.upper()} based COPY", NOT_SUPPORTED
                )
    elif "serialize_to_json" in given:
        raise cursor.error("SERIALIZETOJSON is only supported for PARQUET and ORC based COPY", NOT_SUPPORTED)
    if kind == "csv":
        _exclude(found, "CSV", ("escape", "remove_quotes"))
    elif "quote" in given:
        raise cursor.error("QUOTE is only supported with the CSV option")
    if kind == "fixedwidth":
        _exclude(found, "FIXEDWIDTH", ("delimiter", "escape", "remove_quotes"))
        if values.get("encoding", "utf-8") != "utf-8":
            raise cursor.error("FIXEDWIDTH data must be encoded in UTF8")
    if kind in ("json", "avro"):
        _exclude(found, kind.upper(), _TEXT_ONLY)
        paths = values.get("paths", "auto")
        modes = ("auto", "auto ignorecase", "noshred") if kind == "json" else ("auto", "auto ignorecase")
        if paths not in modes and not paths.startswith("s3://"):
            raise cursor.error(f"Invalid {kind.upper()} option '{paths}': it is 'auto', 'auto ignorecase' or 's3://…'")
    if kind == "avro" and "compression" in given:
        _exclude(found, "AVRO", ("compression",))
    if {"max_errors", "ignore_all_errors"} <= given.keys():
        raise cursor.error("IGNOREALLERRORS cannot be used with MAXERROR")


def _exclude(found: Options, kind: str, options: tuple[str, ...]) -> None:
    for option in options:
        if option in found.given:
            raise found.cursor.error(f"{found.given[option].upper()} is not supported with {kind}")


def check_unload(found: Options) -> None:
    """Raise DialectError for options of UNLOAD that do not go together."""
    values, given, cursor = found.values, found.given, found.cursor
    kind = values.get("format", "delimited")
    if kind == "parquet":
        _exclude(found, "PARQUET", ("delimiter", "add_quotes", "escape", "null_as", "header", "compression"))
    elif "row_group_bytes" in given:
        raise cursor.error("ROWGROUPSIZE is only supported for PARQUET UNLOAD", NOT_SUPPORTED)
    if kind == "json":
        _exclude(found, "JSON", ("delimiter", "add_quotes", "escape", "null_as", "header"))
    if kind == "fixedwidth":
        _exclude(found, "FIXEDWIDTH", ("delimiter", "header", "add_quotes", "escape"))
    if kind == "csv":
        _exclude(found, "CSV", ("escape", "add_quotes"))
    if {"allow_overwrite", "clean_path"} <= given.keys():
        raise cursor.error("ALLOWOVERWRITE and CLEANPATH can not be used together", NOT_SUPPORTED)
    if "kms_key" in given and "encrypted" not in given:
        raise cursor.error("KMS_KEY_ID requires the ENCRYPTED option")
    if "kms_key" in given and "credentials" in given:
        raise cursor.error("KMS_KEY_ID cannot be used with CREDENTIALS")


def check_query(query: str) -> None:
    """Refuse what Redshift refuses in the query of UNLOAD: a LIMIT of its own."""
    from standin.redshift.dialect.lexer import lex

    depth = 0
    for token in lex(query):
        if token.kind == "punctuation" and token.text in "([":
            depth += 1
        elif token.kind == "punctuation" and token.text in ")]":
            depth -= 1
        elif depth == 0 and token.word == "limit":
            raise failure(
                "Limit clause is not supported",
                NOT_SUPPORTED,
                hint="Put the SELECT with its LIMIT into a sub-query of the unloaded SELECT.",
            )
