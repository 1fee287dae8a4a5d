"""The door: a client that is not known yet says what it wants, encrypted or not."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

from standin.redshift import protocol
from standin.redshift.case import CASE_SENSITIVE
from standin.redshift.connection import Connection
from standin.redshift.startup import backend_parameters

if TYPE_CHECKING:
    from standin.redshift.gateway import Gateway

# as Postgres' authentication_timeout
_PATIENCE_SECONDS = 60.0
_HEAD = struct.Struct("!II")


class Arrival(asyncio.Protocol):
    """A connection until its start-up packet is read; then a `Connection` takes its transport over."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._transport: asyncio.Transport | None = None
        self._data = b""
        self._encrypted = False
        self._timer: asyncio.TimerHandle | None = None

    # a server's transports read and write, whatever the base class promises
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody is at the door."""
        self._transport = transport
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """They went away again."""
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes, perhaps a whole packet."""
        self._data += data
        try:
            self._read()
        except protocol.ProtocolError as error:
            if self._transport is not None:
                self._transport.write(protocol.error(str(error), "08P01", "FATAL"))
                self._transport.close()

    def _read(self) -> None:
        transport = self._transport
        if transport is None or len(self._data) < _HEAD.size:
            return
        length, code = _HEAD.unpack_from(self._data)
        if not _HEAD.size <= length <= protocol.MAX_STARTUP_BYTES:
            raise protocol.ProtocolError("invalid length of startup packet")
        if len(self._data) < length:
            return
        body, rest = self._data[_HEAD.size : length], self._data[length:]
        if code in (protocol.SSL_REQUEST, protocol.GSS_REQUEST):
            if rest:
                # sent in the clear by somebody in the middle, to be taken for encrypted later
                raise protocol.ProtocolError("received unencrypted data after SSL request")
            self._data = b""
            if code == protocol.SSL_REQUEST and self._gateway.tls is not None and not self._encrypted:
                transport.write(b"S")
                self._gateway.spawn(self._encrypt(transport))
            else:
                transport.write(b"N")
        elif code == protocol.CANCEL_REQUEST:
            self._gateway.cancel(body)
            transport.close()
        elif code >> 16 == protocol.PROTOCOL_3 >> 16:
            self._enter(transport, code, body, rest)
        else:
            raise protocol.ProtocolError(
                f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: server supports 3.0"
            )

    def _enter(self, transport: asyncio.Transport, version: int, body: bytes, rest: bytes) -> None:
        told = protocol.startup_parameters(body)
        parameters = backend_parameters(told)
        if self._timer is not None:
            self._timer.cancel()
        connection = Connection(
            self._gateway,
            transport,
            parameters["database"],
            parameters.get("user", ""),
            case_sensitive=parameters.get(f"redshift.{CASE_SENSITIVE}") == "on",
            asks_password="driver_version" in told,
        )
        transport.set_protocol(connection)
        if rest:
            connection.data_received(rest)
        self._gateway.welcome(connection, protocol.startup(version, parameters))

    async def _encrypt(self, transport: asyncio.Transport) -> None:
        tls = self._gateway.tls
        if tls is None:
            return
        self._encrypted = True
        try:
            encrypted = await asyncio.get_running_loop().start_tls(transport, self, tls, server_side=True)
        except (OSError, ValueError):
            # the client wanted otherwise, or is gone
            transport.abort()
            return
        if encrypted is None:
            transport.abort()
        else:
            self._transport = encrypted
