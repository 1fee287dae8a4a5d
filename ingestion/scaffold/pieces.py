"""What differs between the transports and between the formats that a new source can begin with."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

RECORDS = (
    ("1001", "C-17", "active", "19.9000", "2026-11-01T06:30:00Z"),
    ("1002", "C-18", "active", None, "2026-11-01T07:00:00Z"),
    ("1003", "C-19", "ended", "0.0000", "2026-11-01T07:15:00Z"),
    # malformed: no status of the enumeration
    ("1004", "C-20", "unheard_of", "1.0000", "2026-11-01T07:30:00Z"),
)
"""The first records that a new source's test lands: number, customer, status, amount, time of the last change."""


@dataclass(frozen=True)
class FormatPiece:
    """One format.

    Attributes:
        how: in words.
        suffix: of its files.
        expression: the format, as a template of Python.
        imports: what the source needs for it.
        payload: the records of a test, for a kind of thing.
        test_imports: what the test needs besides.
        reader: what reads the payload in the test, as a template of Python.
    """

    how: str
    suffix: str
    expression: str
    imports: tuple[str, ...]
    payload: Callable[[str], bytes]
    test_imports: tuple[str, ...] = ()
    reader: str = ""


@dataclass(frozen=True)
class TransportPiece:
    """One transport.

    Attributes:
        how: in words.
        expression: the transport, as a template of Python.
        imports: what the source needs for it.
        formats: names of the formats that it brings.
        settings: keys of its section in config.toml, with what stands there first.
        secrets: keys of its section in secrets.toml.
        own_format: for a transport that parses what it fetches, instead of a format.
    """

    how: str
    expression: str
    imports: tuple[str, ...]
    formats: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    own_format: FormatPiece | None = None


def _csv(thing: str) -> bytes:
    header = f"{thing}_id,customer_id,status,amount,last_update"
    return "".join(
        f"{line}\n" for line in [header, *(",".join(value or "" for value in one) for one in RECORDS)]
    ).encode()


def _json(thing: str) -> bytes:
    lines = [
        {
            "id": number,
            "customer": {"id": customer},
            "status": status,
            **({"amount": {"value": amount, "unit": "EUR"}} if amount else {}),
            "lastUpdate": changed,
        }
        for number, customer, status, amount, changed in RECORDS
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def _xml(thing: str) -> bytes:
    records = [
        f'  <{thing} id="{number}">\n    <customer>{customer}</customer>\n    <status>{status}</status>\n'
        + (f"    <amount>{amount}</amount>\n" if amount else "")
        + f"    <lastUpdate>{changed}</lastUpdate>\n  </{thing}>\n"
        for number, customer, status, amount, changed in RECORDS
    ]
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<answer>\n{"".join(records)}</answer>\n'.encode()


def _parquet(thing: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet

    numbers, customers, statuses, amounts, times = zip(*RECORDS, strict=True)
    table = pa.table(
        {
            f"{thing}_id": pa.array(numbers),
            "customer_id": pa.array(customers),
            "status": pa.array(statuses),
            "amount": pa.array([amount and Decimal(amount) for amount in amounts], pa.decimal128(18, 4)),
            "last_update": pa.array(
                [datetime.fromisoformat(str(time)).astimezone(UTC) for time in times], pa.timestamp("us", "UTC")
            ),
        }
    )
    pyarrow.parquet.write_table(table, out := io.BytesIO())
    return out.getvalue()


def _soap(thing: str) -> bytes:
    words = "".join(part.title() for part in thing.split("_"))
    tag = words[:1].lower() + words[1:]
    records = [
        f"      <record>\n        <{tag}Id>{number}</{tag}Id>\n        <customerId>{customer}</customerId>\n"
        f"        <status>{status}</status>\n"
        + (f"        <amount>{amount}</amount>\n" if amount else "")
        + f"        <lastUpdate>{changed}</lastUpdate>\n      </record>\n"
        for number, customer, status, amount, changed in RECORDS
    ]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">\n  <soap:Body>\n    <ListResponse>\n'
        f"{''.join(records)}      <asOf>2026-11-01T08:00:00Z</asOf>\n"
        "    </ListResponse>\n  </soap:Body>\n</soap:Envelope>\n"
    ).encode()


def _call(transport: str, *arguments: str) -> str:
    lines = "".join(f"            {argument},\n" for argument in ('source="${name}"', *arguments))
    return f"{transport}(\n{lines}        )"


def _paths(*paths: tuple[str, str]) -> str:
    lines = "".join(f'        "{column}": "{path}",\n' for column, path in paths)
    return f"columns={{\n{lines}    }},\n"


FORMATS: dict[str, FormatPiece] = {
    "csv": FormatPiece("CSV", ".csv", "Csv()", ("from ingestion.formats.csv import Csv",), _csv),
    "json": FormatPiece(
        "JSON lines",
        ".jsonl",
        "Json(\n    "
        + _paths(
            ("${thing}_id", "id"),
            ("customer_id", "customer.id"),
            ("status", "status"),
            ("amount", "amount.value"),
            ("last_update", "lastUpdate"),
        )
        + ")",
        ("from ingestion.formats.json import Json",),
        _json,
    ),
    "xml": FormatPiece(
        "XML",
        ".xml",
        'Xml(\n    record="${thing}",\n    '
        + _paths(("${thing}_id", "@id"), ("customer_id", "customer"), ("last_update", "lastUpdate"))
        + ")",
        ("from ingestion.formats.xml import Xml",),
        _xml,
    ),
    "parquet": FormatPiece(
        "Parquet", ".parquet", "Parquet()", ("from ingestion.formats.parquet import Parquet",), _parquet
    ),
}
SOAP_ANSWER = FormatPiece(
    "XML",
    ".xml",
    "",
    (),
    _soap,
    (
        "from ingestion.contract import ISO",
        "from ingestion.transports.soap_answer import Answer",
    ),
    '''

class RecordedAnswer:
    """What the service answered, read as the transport reads it."""

    notation = ISO

    def read(self, stream):
        operation = source().transport.operations["${table}"]
        return Answer(operation.record, [operation.as_of, operation.next_token]).batches(stream, 0)
''',
)
_AWS_SECRETS = {"aws_access_key_id": "", "aws_secret_access_key": ""}
_EVERY_FORMAT = tuple(FORMATS)

TRANSPORTS: dict[str, TransportPiece] = {
    "sftp": TransportPiece(
        "SFTP",
        _call("Sftp", 'files={"${table}": SftpFiles("${table}/*${suffix}", FORMAT)}'),
        ("from ingestion.transports.sftp import Sftp, SftpFiles",),
        _EVERY_FORMAT,
        {"host": "sftp.example.com", "port": "22", "folder": "/outgoing", "known_hosts": ".dlt/known_hosts"},
        {"username": "", "password": ""},
    ),
    "s3": TransportPiece(
        "S3",
        _call("S3Prefix", 'objects={"${table}": S3Objects("${table}/", FORMAT, "*${suffix}")}'),
        (
            "from ingestion.transports.s3_objects import S3Objects",
            "from ingestion.transports.s3_prefix import S3Prefix",
        ),
        _EVERY_FORMAT,
        {"bucket": "example-${name}", "region": "eu-north-1"},
        _AWS_SECRETS,
    ),
    "s3-events": TransportPiece(
        "S3 events on SQS",
        _call("S3Events", 'objects={"${table}": S3Objects("${table}/", FORMAT, "*${suffix}")}'),
        ("from ingestion.transports.s3_events import S3Events, S3Objects",),
        _EVERY_FORMAT,
        {"queue": "example-${name}-events", "bucket": "example-${name}", "region": "eu-north-1"},
        _AWS_SECRETS,
    ),
    "http": TransportPiece(
        "HTTP",
        _call("HttpApi", "auth=Bearer()", 'endpoints={"${table}": Endpoint("/${table}", FORMAT)}'),
        (
            "from ingestion.transports.http_api import Endpoint, HttpApi",
            "from ingestion.transports.http_auth import Bearer",
        ),
        ("json",),
        {"base_url": "https://api.example.com"},
        {"token": ""},
    ),
    "soap": TransportPiece(
        "SOAP",
        _call("Soap", 'operations={"${table}": SoapOperation("List", record="record")}'),
        ("from ingestion.transports.soap import Soap, SoapOperation",),
        ("xml",),
        {"wsdl_url": "https://example.com/${name}?wsdl"},
        {"username": "", "password": ""},
        SOAP_ANSWER,
    ),
    "local": TransportPiece(
        "files on this machine",
        'LocalFiles({"${table}": (Path("incoming/${table}${suffix}"), FORMAT)})',
        ("from pathlib import Path", "from ingestion.transports.local import LocalFiles"),
        _EVERY_FORMAT,
    ),
}
