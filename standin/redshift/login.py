"""Logging in: a client proves to Postgres who it is; for Redshift's own drivers the gateway does it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from standin.redshift import protocol
from standin.redshift.scram import MECHANISM, Scram

if TYPE_CHECKING:
    from collections.abc import Callable

_OK, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 10, 11, 12
_ASK_PASSWORD = protocol.message(b"R", b"\0\0\0\3")
_unpack_length = struct.Struct("!I").unpack_from


class Login:
    """One client's login. With `asks_password` the client is asked for its password instead of a proof.

    Attributes:
        is_done: Postgres has let the client in.
    """

    def __init__(self, send: Callable[[bytes], None], *, asks_password: bool) -> None:
        self.is_done = False
        self._send = send
        self._asks_password = asks_password
        self._scram: Scram | None = None
        self._tail = b""

    def answered(self, body: bytes) -> bytes | None:
        """What the client gets for an authentication message of Postgres; None if it gets that very message."""
        kind = int.from_bytes(body[:4], "big")
        if kind == _OK:
            self.is_done = True
            self._scram = None
        elif self._asks_password and kind == _SASL:
            return _ASK_PASSWORD
        elif self._scram is not None and kind == _SASL_CONTINUE:
            self._send(protocol.message(b"p", self._scram.proof(body[4:])))
            return b""
        elif self._scram is not None and kind == _SASL_FINAL:
            return b""
        return None

    def received(self, data: bytes) -> None:
        """Bytes from a client who is not in yet. Raises `ProtocolError`."""
        if not self._asks_password:
            self._send(data)
            return
        data = self._tail + data
        while len(data) >= 5:
            end = 1 + _unpack_length(data, 1)[0]
            if not 5 <= end <= protocol.MAX_STARTUP_BYTES:
                raise protocol.ProtocolError("invalid message length")
            if len(data) < end:
                break
            # the driver sends a Flush, too, for which Postgres has no patience now
            if data[0] == 112:
                self._prove(data[5 : end - 1])
            data = data[end:]
        self._tail = data

    def _prove(self, password: bytes) -> None:
        self._scram = Scram(password)
        first = self._scram.first()
        self._send(protocol.message(b"p", MECHANISM + b"\0" + len(first).to_bytes(4, "big") + first))
