"""The way to Postgres: its Unix socket where it has one, which costs both sides less than TCP, else TCP."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.server import Server

P = TypeVar("P", bound=asyncio.BaseProtocol)


async def connect(server: Server, protocol: Callable[[], P]) -> tuple[asyncio.Transport, P]:
    """A connection to a server. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    near = _near(server)
    if near is None:
        return await loop.create_connection(protocol, server.host, server.port)
    return await loop.create_unix_connection(protocol, sock=near)


async def open_streams(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a server, as streams. Raises `OSError`."""
    near = _near(server)
    if near is None:
        return await asyncio.open_connection(server.host, server.port)
    return await asyncio.open_unix_connection(sock=near)


def _near(server: Server) -> socket.socket | None:
    """A connected Unix socket; None if the server has none, or too many clients wait at it."""
    if server.socket is None:
        return None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        # succeeds or fails at once
        made.connect(server.socket.replace("@", "\0", 1) if server.socket[0] == "@" else server.socket)
    except OSError:
        made.close()
        return None
    return made
