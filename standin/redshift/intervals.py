"""Intervals in Redshift's binary layouts, which its own Python driver asks for and sends.

Postgres keeps microseconds (8 bytes), days (4) and months (4). In Redshift days are hours: INTERVAL is microseconds (8)
and months (4), INTERVAL YEAR TO MONTH months (4), INTERVAL DAY TO SECOND microseconds (8). Source: the `…_recv_…` and
`…_send_…` functions of `redshift_connector.utils.type_utils`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standin.redshift import protocol, types

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL, YEAR_TO_MONTH, DAY_TO_SECOND = 1186, 1188, 1190
_ALL = frozenset({INTERVAL, YEAR_TO_MONTH, DAY_TO_SECOND})
_POSTGRES = struct.Struct("!qii")
_REDSHIFT = struct.Struct("!qi")
_INT16, _INT32, _INT64 = struct.Struct("!h"), struct.Struct("!i"), struct.Struct("!q")
_UINT32 = struct.Struct("!I")
_DAY = 86_400_000_000
# what a modifier says of the fields: bit 1 is months, 2 years, 3 days, 10 hours, 11 minutes, 12 seconds
_MONTHS = 1 << 1 | 1 << 2
_SECONDS = 1 << 3 | 1 << 10 | 1 << 11 | 1 << 12


def oid(modifier: int) -> int:
    """The type number that an interval with Postgres' modifier has on Redshift."""
    fields = modifier >> 16 & 0x7FFF
    if modifier < 0 or not fields:
        return INTERVAL
    if not fields & ~_MONTHS:
        return YEAR_TO_MONTH
    return INTERVAL if fields & ~_SECONDS else DAY_TO_SECOND


def _from_postgres(kind: int, value: bytes) -> bytes:
    microseconds, days, months = _POSTGRES.unpack(value)
    if kind == YEAR_TO_MONTH:
        return _INT32.pack(months)
    if kind == DAY_TO_SECOND:
        return _INT64.pack(microseconds + days * _DAY)
    return _REDSHIFT.pack(microseconds + days * _DAY, months)


def _to_postgres(kind: int, value: bytes) -> bytes:
    microseconds = months = 0
    if kind == YEAR_TO_MONTH:
        (months,) = _INT32.unpack(value)
    elif kind == DAY_TO_SECOND:
        (microseconds,) = _INT64.unpack(value)
    else:
        microseconds, months = _REDSHIFT.unpack(value)
    return _POSTGRES.pack(microseconds, 0, months)


@dataclass(slots=True)
class Intervals:
    """Where in the prepared statements and portals of one connection intervals are: position to type number."""

    _parameters: dict[bytes, dict[int, int]] = field(default_factory=dict)
    _columns: dict[bytes, dict[int, int]] = field(default_factory=dict)
    _portals: dict[bytes, dict[int, int]] = field(default_factory=dict)

    def parsed(self, name: bytes, declared: bytes) -> bytes:
        """A statement is prepared; gives back its parameter types with Postgres' numbers."""
        self._columns.pop(name, None)
        kinds = {
            number: kind
            for number in range((len(declared) - 2) // 4)
            if (kind := _UINT32.unpack_from(declared, 2 + 4 * number)[0]) in _ALL
        }
        if not kinds:
            self._parameters.pop(name, None)
            return declared
        self._parameters[name] = kinds
        changed = bytearray(declared)
        for number in kinds:
            _UINT32.pack_into(changed, 2 + 4 * number, INTERVAL)
        return bytes(changed)

    def described(self, name: bytes, body: bytes) -> bytes:
        """A statement's RowDescription has come; gives it back with Redshift's numbers."""
        kinds: dict[int, int] = {}
        changed = bytearray(body)
        for number, (_, numbers) in enumerate(protocol.column_spans(body)):
            if _UINT32.unpack_from(body, numbers + 6)[0] == INTERVAL:
                kinds[number] = oid(_INT32.unpack_from(body, numbers + 12)[0])
                _UINT32.pack_into(changed, numbers + 6, kinds[number])
        # the driver asks for VARBYTE in text, and is told its columns only once
        kinds.update(dict.fromkeys(types.printed_bytes(body), types.VARBYTE))
        if not kinds:
            return body
        self._columns[name] = kinds
        return bytes(changed)

    def bound(self, body: bytes) -> bytes:
        """A Bind's body as Postgres takes it. Raises `ProtocolError` for a value that is no interval."""
        portal, _, rest = body.partition(b"\0")
        name, _, rest = rest.partition(b"\0")
        columns = self._columns.get(name)
        if columns is None:
            self._portals.pop(portal, None)
        else:
            self._portals[portal] = columns
        kinds = self._parameters.get(name)
        if kinds is None:
            return body
        try:
            return portal + b"\0" + name + b"\0" + _parameters(rest, kinds)
        except struct.error as error:
            raise protocol.ProtocolError("a parameter is no interval in Redshift's layout") from error

    def row(self, portal: bytes) -> Callable[[bytes], bytes] | None:
        """What turns the body of a portal's DataRow into Redshift's; None if it holds no interval."""
        kinds = self._portals.get(portal)
        if kinds is None:
            return None

        def convert(body: bytes) -> bytes:
            values = protocol.row(body)
            for number, kind in kinds.items():
                value = values[number]
                if kind == types.VARBYTE:
                    values[number] = value[2:] if value is not None and value.startswith(b"\\x") else value
                    continue
                # in text it is the same on both sides
                if value is not None and len(value) == _POSTGRES.size:
                    values[number] = _from_postgres(kind, value)
            return protocol.data_row(values)

        return convert


def _parameters(rest: bytes, kinds: dict[int, int]) -> bytes:
    """Formats, values and result formats of a Bind, intervals changed."""
    (count,) = _INT16.unpack_from(rest)
    formats = [_INT16.unpack_from(rest, 2 + 2 * number)[0] for number in range(count)]
    position = 2 + 2 * count
    head = rest[: position + 2]
    (values,) = _INT16.unpack_from(rest, position)
    position += 2
    parts = [head]
    for number in range(values):
        (length,) = _INT32.unpack_from(rest, position)
        value = rest[position + 4 : position + 4 + max(length, 0)]
        position += 4 + max(length, 0)
        is_binary = bool(formats) and formats[number if len(formats) > 1 else 0] == 1
        if length >= 0 and is_binary and number in kinds:
            value = _to_postgres(kinds[number], value)
            length = len(value)
        parts += (_INT32.pack(length), value)
    return b"".join([*parts, rest[position:]])
