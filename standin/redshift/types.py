"""Types as the two sides number them.

Postgres' own types have the same numbers on both sides, Redshift being its child. What Redshift added has numbers that
its drivers know. Source: `redshift_connector.utils.oids` and the JDBC driver's `Oid`.
"""

from __future__ import annotations

import struct

from standin.redshift import protocol

SUPER = 4000
VARBYTE = 6551
GEOMETRY, GEOMETRY_IN_HEX = 3000, 3999
# SUPER is a type of the catalogue under its own number (catalog/super_type.sql); so is GEOMETRY, but what a client gets
# is hexadecimal text under a number for that, by which Redshift's drivers give lower case
_TO_REDSHIFT = {17: VARBYTE, GEOMETRY: GEOMETRY_IN_HEX}
_TO_POSTGRES = {VARBYTE: 17, GEOMETRY_IN_HEX: GEOMETRY}
_UINT32 = struct.Struct("!I")
_OID_OFFSET = 6
_FORMAT_OFFSET = 16
# as they stand in a message
_NUMBERS = tuple(_UINT32.pack(oid) for oid in _TO_REDSHIFT)


def describe(body: bytes) -> bytes:
    """A RowDescription's body with Redshift's type numbers; the same object if none differs."""
    if not any(number in body for number in _NUMBERS):
        return body
    changed: bytearray | None = None
    for _, numbers in protocol.column_spans(body):
        (oid,) = _UINT32.unpack_from(body, numbers + _OID_OFFSET)
        if oid in _TO_REDSHIFT:
            changed = bytearray(body) if changed is None else changed
            _UINT32.pack_into(changed, numbers + _OID_OFFSET, _TO_REDSHIFT[oid])
    return body if changed is None else bytes(changed)


def printed_bytes(body: bytes) -> tuple[int, ...]:
    """The columns of a RowDescription, with Redshift's numbers, that are VARBYTE in text."""
    if _UINT32.pack(VARBYTE) not in body:
        return ()
    return tuple(
        number
        for number, (_, numbers) in enumerate(protocol.column_spans(body))
        if _UINT32.unpack_from(body, numbers + _OID_OFFSET)[0] == VARBYTE and body[numbers + _FORMAT_OFFSET + 1] == 0
    )


def without_mark(body: bytes, columns: tuple[int, ...]) -> bytes:
    """A DataRow with VARBYTE as Redshift prints it: hexadecimal digits without Postgres' mark in front of them."""
    values = protocol.row(body)
    for number in columns:
        value = values[number]
        if value is not None and value.startswith(b"\\x"):
            values[number] = value[2:]
    return protocol.data_row(values)


def declared(types: bytes) -> bytes:
    """The parameter types that a client declares in a Parse, with Postgres' numbers."""
    return _replaced(types, _TO_POSTGRES)


def parameters(body: bytes) -> bytes:
    """A ParameterDescription's body with Redshift's numbers."""
    return _replaced(body, _TO_REDSHIFT)


def _replaced(body: bytes, numbers: dict[int, int]) -> bytes:
    changed: bytearray | None = None
    for position in range(2, len(body) - 3, 4):
        (oid,) = _UINT32.unpack_from(body, position)
        if oid in numbers:
            changed = bytearray(body) if changed is None else changed
            _UINT32.pack_into(changed, position, numbers[oid])
    return body if changed is None else bytes(changed)
