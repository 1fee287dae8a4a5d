"""The statements COPY and UNLOAD as the SQL reference spells them: options in any order, each once.

What the reference has and this stand-in has not is refused by name, what the reference does not have is a syntax error.
Hints (COMPUPDATE, STATUPDATE, COMPROWS, ENCRYPTED with the keys of S3's own side) are read and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from standin.redshift.s3.commands import (
    MAX_FILE_BYTES,
    MIN_FILE_BYTES,
    CopyCommand,
    CopyOptions,
    UnloadCommand,
    UnloadOptions,
)
from standin.redshift.s3.cursor import Cursor, Options
from standin.redshift.s3.errors import NOT_SUPPORTED, unsupported
from standin.redshift.s3.rules import check_address, check_copy, check_query, check_unload, read_credentials

_MOST_ERRORS = 100_000
_ENCODINGS = {
    "utf8": "utf-8",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "iso88591": "iso8859-1",
}


def parse_copy(text: str, *, case_sensitive: bool = False) -> CopyCommand:
    """Read a COPY statement.

    Args:
        text: one statement, as the client wrote it.
        case_sensitive: whether quoted identifiers keep their case.

    Raises:
        DialectError: it is no COPY that Redshift would take, or one that is not supported here.
    """
    cursor = Cursor(text, case_sensitive)
    cursor.expect("copy")
    table = [cursor.name()]
    while cursor.accept("."):
        table.append(cursor.name())
    columns = cursor.names() if cursor.token.text == "(" else None
    if columns and len(set(columns)) < len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise cursor.error(f'column "{twice}" specified more than once', "42701")
    cursor.expect("from")
    if cursor.token.kind != "string":
        if cursor.word in ("stdin", "stdout"):
            raise unsupported(f"COPY FROM {cursor.word.upper()}")
        raise cursor.syntax_error()
    source = cursor.string()
    check_address(cursor, source, "COPY")
    found = Options(cursor)
    while not cursor.ended:
        _copy_option(found)
    credentials = read_credentials(found)
    check_copy(found)
    return CopyCommand(
        table=tuple(table),
        columns=columns,
        source=source,
        options=CopyOptions(**found.values),
        credentials=credentials,
        shown=cursor.shown(),
    )


def parse_unload(text: str, *, rewrite: Callable[[str], str], case_sensitive: bool = False) -> UnloadCommand:
    """Read an UNLOAD statement.

    Args:
        text: one statement, as the client wrote it.
        rewrite: gives the Postgres text of the one SELECT inside; raises DialectError if it is anything else.
        case_sensitive: whether quoted identifiers keep their case.

    Raises:
        DialectError: it is no UNLOAD that Redshift would take, or one that is not supported here.
    """
    cursor = Cursor(text, case_sensitive)
    cursor.expect("unload")
    cursor.expect("(")
    query = cursor.string()
    cursor.expect(")")
    cursor.expect("to")
    target = cursor.string()
    check_address(cursor, target, "UNLOAD")
    found = Options(cursor)
    while not cursor.ended:
        _unload_option(found)
    credentials = read_credentials(found)
    check_unload(found)
    check_query(query)
    return UnloadCommand(
        query=rewrite(query),
        target=target,
        options=UnloadOptions(**found.values),
        credentials=credentials,
        shown=cursor.shown(),
    )


def _copy_option(found: Options) -> None:  # noqa: PLR0912, PLR0915 - one branch for each clause of the grammar
    cursor, keyword = found.cursor, found.cursor.word
    if _shared_option(found):
        return
    cursor.advance()
    if keyword in _COPY_FLAGS:
        found.put(_COPY_FLAGS[keyword], keyword, value=True)
    elif keyword == "json":
        found.put("format", keyword, "json")
        cursor.accept("as")
        if cursor.token.kind == "string":
            found.values["paths"] = cursor.string()
    elif keyword == "avro":
        found.put("format", keyword, "avro")
        cursor.accept("as")
        if cursor.token.kind == "string":
            found.values["paths"] = cursor.string()
    elif keyword == "orc":
        found.put("format", keyword, keyword)
    elif keyword == "quote":
        cursor.accept("as")
        found.put("quote", keyword, cursor.character("QUOTE"))
    elif keyword == "encoding":
        cursor.accept("as")
        token = cursor.token
        written = cursor.string() if token.kind == "string" else cursor.advance().text
        encoding = _ENCODINGS.get(written.lower().replace("-", ""))
        if encoding is None:
            raise cursor.error(f'Encoding "{written}" is not supported, use UTF8, UTF16, UTF16LE, UTF16BE or ISO88591')
        found.put("encoding", keyword, encoding)
    elif keyword == "acceptinvchars":
        cursor.accept("as")
        replacement = cursor.character("ACCEPTINVCHARS") if cursor.token.kind == "string" else "?"
        found.put("accept_invalid_chars", keyword, replacement)
    elif keyword == "dateformat":
        cursor.accept("as")
        found.put("date_format", keyword, cursor.string())
    elif keyword == "timeformat":
        cursor.accept("as")
        found.put("time_format", keyword, cursor.string())
    elif keyword == "ignoreheader":
        cursor.accept("as")
        found.put("ignore_header", keyword, cursor.integer())
    elif keyword == "maxerror":
        cursor.accept("as")
        limit = cursor.integer()
        if limit > _MOST_ERRORS:
            raise cursor.error(f"MAXERROR must be between 0 and {_MOST_ERRORS}")
        found.put("max_errors", keyword, limit)
    elif keyword in ("compupdate", "statupdate"):
        found.take(keyword, keyword)
        if not (keyword == "compupdate" and cursor.accept("preset")):
            cursor.switch()
    elif keyword == "comprows":
        found.take(keyword, keyword)
        cursor.integer()
    elif keyword == "readratio":
        raise cursor.error("READRATIO is only supported for COPY from DynamoDB", NOT_SUPPORTED)
    elif keyword in ("ssh", "lzop", "shapefile", "encrypted", "master_symmetric_key", "rcfile", "sequencefile"):
        raise unsupported(f"COPY option {keyword.upper()}")
    else:
        raise cursor.syntax_error(cursor.previous)


_COPY_FLAGS = {
    "acceptanydate": "accept_any_date",
    "blanksasnull": "blanks_as_null",
    "emptyasnull": "empty_as_null",
    "explicit_ids": "explicit_ids",
    "fillrecord": "fill_record",
    "ignoreallerrors": "ignore_all_errors",
    "ignoreblanklines": "ignore_blank_lines",
    "noload": "no_load",
    "removequotes": "remove_quotes",
    "roundec": "round_decimals",
    "serializetojson": "serialize_to_json",
    "trimblanks": "trim_blanks",
    "truncatecolumns": "truncate_columns",
}


def _unload_option(found: Options) -> None:  # noqa: PLR0912 - one branch for each clause of the grammar
    cursor, keyword = found.cursor, found.cursor.word
    if keyword == "manifest":
        cursor.advance()
        found.put("manifest", keyword, value=True)
        found.values["verbose"] = cursor.accept("verbose")
        return
    if _shared_option(found):
        return
    cursor.advance()
    if keyword == "json":
        found.put("format", keyword, "json")
    elif keyword == "partition":
        cursor.expect("by")
        found.put("partition_by", keyword, cursor.names())
        found.values["include_partitions"] = cursor.accept("include")
    elif keyword in ("header", "addquotes", "allowoverwrite", "cleanpath"):
        names = {"addquotes": "add_quotes", "allowoverwrite": "allow_overwrite", "cleanpath": "clean_path"}
        found.put(names.get(keyword, keyword), keyword, value=True)
    elif keyword == "parallel":
        found.put("parallel", keyword, cursor.switch())
    elif keyword == "maxfilesize":
        cursor.accept("as")
        size = cursor.size()
        if not MIN_FILE_BYTES <= size <= MAX_FILE_BYTES:
            raise cursor.error("MAXFILESIZE must be between 5 MB and 6.2 GB")
        found.put("max_file_bytes", keyword, size)
    elif keyword == "rowgroupsize":
        cursor.accept("as")
        size = cursor.size()
        if not 32 * 1024**2 <= size <= 128 * 1024**2:
            raise cursor.error("ROWGROUPSIZE must be between 32 MB and 128 MB")
        found.put("row_group_bytes", keyword, size)
    elif keyword == "extension":
        found.put("extension", keyword, cursor.string())
    elif keyword == "encrypted":
        # S3 encrypts on its own side; that nothing more is done is on the page of hints
        found.take("encrypted", keyword)
        cursor.accept("auto")
    elif keyword == "kms_key_id":
        cursor.accept("as")
        found.put("kms_key", keyword, cursor.string())
    elif keyword in ("master_symmetric_key", "lzop"):
        raise unsupported(f"UNLOAD option {keyword.upper()}")
    else:
        raise cursor.syntax_error(cursor.previous)


def _shared_option(found: Options) -> bool:
    """Read an option that COPY and UNLOAD have in common; False if none stands here."""
    cursor, keyword = found.cursor, found.cursor.word
    if keyword in ("format", "data_format", "as") or (keyword == "with" and cursor.following().word == "credentials"):
        cursor.advance()
        if keyword == "format":
            cursor.accept("as")
        if cursor.ended or (keyword in ("format", "as") and cursor.word not in _FORMATS):
            raise cursor.syntax_error()
        return True
    if keyword in ("csv", "parquet"):
        cursor.advance()
        found.put("format", keyword, keyword)
        if keyword == "csv":
            # QUOTE may follow at once or later
            cursor.accept("as")
    elif keyword == "fixedwidth":
        cursor.advance()
        cursor.accept("as")
        found.put("format", keyword, "fixedwidth")
        found.values["fixed_widths"] = cursor.widths()
    elif keyword == "delimiter":
        cursor.advance()
        cursor.accept("as")
        found.put("delimiter", keyword, cursor.character("DELIMITER"))
    elif keyword == "null":
        cursor.advance()
        cursor.accept("as")
        found.put("null_as", keyword, cursor.null_string())
    elif keyword in ("gzip", "bzip2", "zstd"):
        cursor.advance()
        found.put("compression", keyword, keyword)
    elif keyword in ("escape", "manifest"):
        cursor.advance()
        found.put(keyword, keyword, value=True)
    elif keyword == "region":
        cursor.advance()
        cursor.accept("as")
        found.put("region", keyword, cursor.string())
    else:
        return _credential_option(found)
    return True


_FORMATS = ("csv", "parquet", "json", "avro", "orc", "delimiter", "fixedwidth", "shapefile", "rcfile", "sequencefile")


def _credential_option(found: Options) -> bool:
    cursor, keyword = found.cursor, found.cursor.word
    if keyword == "credentials":
        cursor.advance()
        cursor.accept("as")
        found.put("credentials", keyword, cursor.secret())
    elif keyword == "iam_role":
        cursor.advance()
        cursor.accept("as")
        role = "default" if cursor.accept("default") else cursor.secret()
        found.put("iam_role", keyword, role)
    elif keyword in ("access_key_id", "secret_access_key", "session_token"):
        cursor.advance()
        cursor.accept("as")
        found.put(keyword, keyword, cursor.secret())
    else:
        return False
    return True
