"""Requests to be erased, and the receipts of what was done: the tables of the schema `privacy`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, LiteralString

from ingestion.errors import IngestError
from ingestion.privacy.suppression import SCHEMA, SUPPRESSED

if TYPE_CHECKING:
    from psycopg import sql

    from ingestion.warehouse import Connection

REQUESTS = "erasure_requests"
RECEIPTS = "erasure_receipts"
RECEIPT_LINES = "erasure_receipt_lines"

Scope = Literal["person", "customer"]

_COLUMNS: dict[str, LiteralString] = {
    REQUESTS: (
        "request_id varchar(36) not null, customer_id varchar(20), scope varchar(10) not null, "
        "requested_at timestamp not null, requested_by varchar(100) not null, legal_basis varchar(200) not null, "
        "erased_at timestamp"
    ),
    RECEIPTS: (
        "request_id varchar(36) not null, erased_at timestamp not null, subject_hash varchar(64) not null, "
        "customer_count bigint not null, identifier_count bigint not null, row_count bigint not null"
    ),
    RECEIPT_LINES: (
        "request_id varchar(36) not null, place varchar(1024) not null, action varchar(10) not null, "
        "row_count bigint not null, reason varchar(400)"
    ),
    SUPPRESSED: (
        "identifier_hash varchar(64) not null, identifier_kind varchar(20) not null, "
        "request_id varchar(36) not null, suppressed_at timestamp not null"
    ),
}


@dataclass(frozen=True)
class ErasureRequest:
    """Somebody wants to be forgotten.

    Attributes:
        request_id: a UUID.
        customer_id: one of the person's customer numbers; None once she is erased.
        scope: `person` takes in her other customer numbers, as identity resolution knows them (docs/identity.md).
        requested_at: when (UTC).
        requested_by: who took the request down.
        legal_basis: on what grounds.
        erased_at: when it was done (UTC); None as long as it is not.
    """

    request_id: str
    customer_id: str | None
    scope: Scope
    requested_at: datetime
    requested_by: str
    legal_basis: str
    erased_at: datetime | None = None


@dataclass(frozen=True)
class ReceiptLine:
    """What was done in one place.

    Attributes:
        place: a table, or an object of the archive.
        action: `deleted` rows, `anonymised` rows that have to stay, or `blanked` texts of other people's rows.
        row_count: rows.
        reason: why rows had to stay.
    """

    place: str
    action: Literal["deleted", "anonymised", "blanked"]
    row_count: int
    reason: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What became of a request; it names nobody.

    Attributes:
        request_id: the request's.
        erased_at: when (UTC).
        subject_hash: keyed hash of the person's customer numbers.
        customer_count: how many those were.
        identifier_count: how many values led to her.
        lines: what was done where.
    """

    request_id: str
    erased_at: datetime
    subject_hash: str
    customer_count: int
    identifier_count: int
    lines: tuple[ReceiptLine, ...]

    @property
    def row_count(self) -> int:
        """Rows in all."""
        return sum(line.row_count for line in self.lines)


def table(name: str) -> sql.Identifier:
    """A table of the schema."""
    from psycopg import sql

    return sql.Identifier(SCHEMA, name)


def make_table(connection: Connection, name: str, columns: LiteralString) -> None:
    """Makes a table of the schema, and the schema, if it is missing."""
    from psycopg import sql

    connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(SCHEMA)))
    connection.execute(sql.SQL("create table if not exists {} ({})").format(table(name), sql.SQL(columns)))


def make_tables(connection: Connection) -> None:
    """Makes what is missing of the tables of requests and receipts."""
    for name, columns in _COLUMNS.items():
        make_table(connection, name, columns)


def request(
    connection: Connection, customer_id: str, requested_by: str, legal_basis: str, scope: Scope = "person"
) -> ErasureRequest:
    """Takes a request down; nothing is erased yet."""
    from psycopg import sql

    make_tables(connection)
    taken = ErasureRequest(
        str(uuid.uuid4()), customer_id, scope, datetime.now(UTC).replace(tzinfo=None), requested_by, legal_basis
    )
    connection.execute(
        sql.SQL(
            "insert into {} (request_id, customer_id, scope, requested_at, requested_by, legal_basis)"
            " values (%s, %s, %s, %s, %s, %s)"
        ).format(table(REQUESTS)),
        (taken.request_id, customer_id, scope, taken.requested_at, requested_by, legal_basis),
    )
    return taken


def requests(connection: Connection) -> list[ErasureRequest]:
    """Every request, the oldest first."""
    from psycopg import sql

    make_tables(connection)
    query = sql.SQL(
        "select request_id, customer_id, scope, requested_at, requested_by, legal_basis, erased_at from {}"
        " order by requested_at, request_id"
    ).format(table(REQUESTS))
    return [ErasureRequest(*line) for line in connection.execute(query)]


def find(connection: Connection, request_id: str) -> ErasureRequest:
    """The request of that id.

    Raises:
        IngestError: there is none.
    """
    for one in requests(connection):
        if one.request_id == request_id:
            return one
    raise IngestError(f"there is no request {request_id!r}; `ingest privacy requests` lists them")


def receipt(connection: Connection, request_id: str) -> Receipt | None:
    """The receipt of a request; None as long as it is not done."""
    from psycopg import sql

    found = connection.execute(
        sql.SQL(
            "select erased_at, subject_hash, customer_count, identifier_count from {} where request_id = %s"
        ).format(table(RECEIPTS)),
        (request_id,),
    ).fetchone()
    if found is None:
        return None
    lines = connection.execute(
        sql.SQL("select place, action, row_count, reason from {} where request_id = %s order by place, action").format(
            table(RECEIPT_LINES)
        ),
        (request_id,),
    )
    erased_at, subject_hash, customers, identifiers = found
    return Receipt(
        request_id, erased_at, subject_hash, customers, identifiers, tuple(ReceiptLine(*line) for line in lines)
    )


def write_receipt(connection: Connection, done: Receipt) -> None:
    """Writes a receipt, and takes the customer's number out of its request. The caller's transaction commits both."""
    from psycopg import sql

    connection.execute(
        sql.SQL(
            "insert into {} (request_id, erased_at, subject_hash, customer_count, identifier_count, row_count)"
            " values (%s, %s, %s, %s, %s, %s)"
        ).format(table(RECEIPTS)),
        (
            done.request_id,
            done.erased_at,
            done.subject_hash,
            done.customer_count,
            done.identifier_count,
            done.row_count,
        ),
    )
    for line in done.lines:
        connection.execute(
            sql.SQL("insert into {} (request_id, place, action, row_count, reason) values (%s, %s, %s, %s, %s)").format(
                table(RECEIPT_LINES)
            ),
            (done.request_id, line.place, line.action, line.row_count, line.reason),
        )
    connection.execute(
        sql.SQL("update {} set customer_id = null, erased_at = %s where request_id = %s").format(table(REQUESTS)),
        (done.erased_at, done.request_id),
    )
