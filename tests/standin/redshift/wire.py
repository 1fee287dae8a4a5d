"""A client of bytes: says exactly what a test wants said, in or out of order."""

from __future__ import annotations

import socket
import struct
from typing import Self

from standin.redshift import protocol
from standin.redshift.scram import MECHANISM, Scram
from standin.redshift.warehouse import RedshiftWarehouse


class Wire:
    """A connection that knows messages and nothing else."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def receive(self) -> tuple[str, bytes]:
        """The next message: its kind and its body; an empty kind if the other side has closed."""
        head = self._exactly(5)
        if len(head) < 5:
            return "", head
        return chr(head[0]), self._exactly(struct.unpack("!I", head[1:])[0] - 4)

    def until(self, kind: str) -> list[tuple[str, bytes]]:
        """The messages up to one of that kind."""
        found = []
        while not found or found[-1][0] not in (kind, ""):
            found.append(self.receive())
        return found

    def ask(self, *messages: bytes) -> str:
        """Send, and read up to ReadyForQuery; the kinds of what came."""
        self.send(*messages)
        return "".join(kind for kind, _ in self.until("Z"))

    def is_closed(self) -> bool:
        """Read to the end; True if there is one."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            return True
        return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                break
            data += more
        return data


def log_in(warehouse: RedshiftWarehouse, **parameters: str) -> Wire:
    """A logged-in wire."""
    wire = Wire(warehouse.host, warehouse.port)
    told = {"user": warehouse.user, "database": warehouse.database, **parameters}
    wire.send(protocol.startup(protocol.PROTOCOL_3, told))
    kind, body = wire.receive()
    assert (kind, body[:4]) == ("R", b"\0\0\0\x0a"), body
    scram = Scram(warehouse.password.encode())
    first = scram.first()
    wire.send(protocol.message(b"p", MECHANISM + b"\0" + len(first).to_bytes(4, "big") + first))
    wire.send(protocol.message(b"p", scram.proof(wire.receive()[1][4:])))
    assert wire.until("Z")[-1] == ("Z", b"I")
    return wire


def parse(sql: str, name: str = "") -> bytes:
    return protocol.parse(name.encode(), sql.encode())


def bind(portal: str = "", name: str = "", *values: bytes) -> bytes:
    given = b"".join(len(value).to_bytes(4, "big") + value for value in values)
    count = len(values).to_bytes(2, "big")
    return protocol.message(b"B", f"{portal}\0{name}\0".encode() + b"\0\0" + count + given + b"\0\0")


def execute(portal: str = "") -> bytes:
    return protocol.message(b"E", f"{portal}\0".encode() + bytes(4))


def describe(portal: str = "") -> bytes:
    return protocol.message(b"D", f"P{portal}\0".encode())


SYNC = protocol.SYNC
FLUSH = protocol.FLUSH
