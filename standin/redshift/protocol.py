"""Messages of PostgreSQL's wire protocol, version 3: taking apart and putting together, no state.

A message is one byte of kind, four bytes of length (which counts itself, not the kind), and the body. The first message
of a client has no kind. Source: PostgreSQL's manual, chapter "Frontend/Backend Protocol".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
PROTOCOL_3 = 3 << 16
# as Postgres: what a client may send before anybody knows who it is
MAX_STARTUP_BYTES = 10_000

_UINT32 = struct.Struct("!I")
_LENGTHS = struct.Struct("!II")
_INT16 = struct.Struct("!H")
_COLUMN = struct.Struct("!IHIhih")
_INT32 = struct.Struct("!i")


FLUSH = b"H\0\0\0\4"
SYNC = b"S\0\0\0\4"
COPY_DONE = b"c\0\0\0\4"
# the name of the gateway's own statements and portals
_OWN = b"rs_gateway"
_PORTALS = count()
_CLOSE = b"C" + _UINT32.pack(len(_OWN) + 6) + b"S" + _OWN + b"\0"


class ProtocolError(Exception):
    """The other side does not speak the protocol; the connection cannot go on."""


@dataclass(frozen=True)
class Column:
    """One column of a RowDescription; `type_oid` and `type_modifier` as Postgres has them."""

    name: str
    type_oid: int
    type_modifier: int
    table_oid: int = 0
    attribute: int = 0


def message(kind: bytes, body: bytes = b"") -> bytes:
    """A whole message."""
    return kind + _UINT32.pack(len(body) + 4) + body


def query(sql: str) -> bytes:
    """A simple Query."""
    return message(b"Q", sql.encode() + b"\0")


def parse(name: bytes, sql: bytes, types: bytes = b"\0\0") -> bytes:
    """A Parse; `types` is the count and the OIDs of declared parameters, as they travel."""
    return message(b"P", name + b"\0" + sql + b"\0" + types)


def describe_once(sql: str) -> bytes:
    """Messages that describe a statement of the gateway's own without running it; two Closes are answered."""
    return _CLOSE + parse(_OWN, sql.encode()) + message(b"D", b"S" + _OWN + b"\0") + _CLOSE


def execute_once(sql: str) -> bytes:
    """Messages that run a statement of the gateway's own, results as text; two Closes are answered."""
    return begin_once(sql) + _CLOSE


def begin_once(sql: str) -> bytes:
    """`execute_once` for a COPY from the client: the last Close is sent with `end_once`, after the data."""
    # a portal outlives its statement, until the transaction ends
    portal = b"%s_%d\0" % (_OWN, next(_PORTALS))
    bind = message(b"B", portal + _OWN + b"\0" + bytes(6))
    return _CLOSE + parse(_OWN, sql.encode()) + bind + message(b"E", portal + bytes(4))


def end_once() -> bytes:
    """The end of a COPY that `begin_once` began, when all data are sent."""
    return COPY_DONE + _CLOSE + FLUSH


def literal(text: str) -> str:
    """A string literal that means the same whatever `standard_conforming_strings` says."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def error(
    text: str,
    sqlstate: str,
    severity: str = "ERROR",
    *,
    detail: str | None = None,
    hint: str | None = None,
    position: int | None = None,
) -> bytes:
    """A whole ErrorResponse; `position` counts characters of the query from 1."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": text}
    if detail:
        fields["D"] = detail
    if hint:
        fields["H"] = hint
    if position is not None:
        fields["P"] = str(position)
    return message(b"E", join_fields(fields))


def notice(text: str) -> bytes:
    """A whole NoticeResponse, of severity INFO as Redshift's are."""
    return message(b"N", join_fields({"S": "INFO", "V": "INFO", "C": "00000", "M": text}))


def split_fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse or a NoticeResponse by their one-letter codes."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def join_fields(fields: Mapping[str, str]) -> bytes:
    """The body of an ErrorResponse or a NoticeResponse."""
    return b"".join(f"{code}{text}".encode() + b"\0" for code, text in fields.items()) + b"\0"


def startup_parameters(body: bytes) -> dict[str, str]:
    """The parameters of a StartupMessage, given what follows its version. Raises `ProtocolError`."""
    try:
        words = [word.decode() for word in body.split(b"\0")]
    except UnicodeDecodeError as fault:
        raise ProtocolError("the start-up packet is not UTF-8") from fault
    # every word ends in a zero byte, and one more ends the list
    if words[-2:] != ["", ""] or len(words) % 2:
        raise ProtocolError("invalid startup packet layout: expected terminator as last byte")
    pairs = words[:-2]
    return dict(zip(pairs[::2], pairs[1::2], strict=True))


def startup(version: int, parameters: Mapping[str, str]) -> bytes:
    """A whole StartupMessage."""
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items()) + b"\0"
    return _LENGTHS.pack(len(body) + 8, version) + body


def cancel(key: bytes) -> bytes:
    """A whole CancelRequest, for the backend with this process number and secret."""
    return _LENGTHS.pack(len(key) + 8, CANCEL_REQUEST) + key


def columns(body: bytes) -> list[Column]:
    """What a RowDescription's body says."""
    found = []
    for start, end in column_spans(body):
        table, attribute, oid, _, modifier, _ = _COLUMN.unpack_from(body, end)
        found.append(Column(body[start : end - 1].decode(), oid, modifier, table, attribute))
    return found


def column_spans(body: bytes) -> Iterator[tuple[int, int]]:
    """For every column of a RowDescription: where its name begins, and where its 18 bytes of numbers do."""
    position = 2
    for _ in range(_INT16.unpack_from(body)[0]):
        numbers = body.index(b"\0", position) + 1
        yield position, numbers
        position = numbers + _COLUMN.size


def row(body: bytes) -> list[bytes | None]:
    """The values of a DataRow's body; None is null."""
    values: list[bytes | None] = []
    position = 2
    for _ in range(_INT16.unpack_from(body)[0]):
        (length,) = _INT32.unpack_from(body, position)
        position += 4
        if length < 0:
            values.append(None)
        else:
            values.append(body[position : position + length])
            position += length
    return values


def data_row(values: Iterable[bytes | None]) -> bytes:
    """A whole DataRow."""
    parts = [b"\xff\xff\xff\xff" if value is None else _UINT32.pack(len(value)) + value for value in values]
    return message(b"D", _INT16.pack(len(parts)) + b"".join(parts))
