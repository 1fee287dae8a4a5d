"""Logging in to Postgres with a client's password, for drivers that cannot do it themselves.

Redshift's own drivers know Redshift's way of hashing passwords and stumble over Postgres' (SCRAM, RFC 7677). They are
asked for the password itself, as Redshift's ODBC driver is, and the gateway proves to Postgres that it knows it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from standin.redshift.protocol import ProtocolError

MECHANISM = b"SCRAM-SHA-256"
# no channel binding; the server takes the user's name from the start-up packet
_HEADER = "n,,"


class Scram:
    """One login. The messages go out as they are given back."""

    def __init__(self, password: bytes) -> None:
        self._password = password
        self._nonce = secrets.token_urlsafe(18)
        self._first = f"n=,r={self._nonce}"

    def __repr__(self) -> str:
        return "Scram()"

    def first(self) -> bytes:
        """The client's first message."""
        return (_HEADER + self._first).encode()

    def proof(self, server_first: bytes) -> bytes:
        """The client's last message, for the server's first. Raises `ProtocolError` if that makes no sense."""
        try:
            text = server_first.decode()
            told = dict(part.split("=", 1) for part in text.split(","))
            nonce, salt, rounds = told["r"], base64.b64decode(told["s"]), int(told["i"])
        except (ValueError, KeyError) as error:
            raise ProtocolError("Postgres sent a SCRAM message that makes no sense") from error
        if not nonce.startswith(self._nonce):
            raise ProtocolError("Postgres answered another login than ours")
        bare = f"c={base64.b64encode(_HEADER.encode()).decode()},r={nonce}"
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(key).digest(), f"{self._first},{text},{bare}".encode())
        proof = bytes(left ^ right for left, right in zip(key, signature, strict=True))
        return f"{bare},p={base64.b64encode(proof).decode()}".encode()


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, "sha256").digest()
