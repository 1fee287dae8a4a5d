"""Load over raw sockets: one thread, one request under way on each connection, as little work for each as can be."""

from __future__ import annotations

import os
import select
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

_RECEIVED = 65_536
_PATIENCE = 10.0


@dataclass(frozen=True)
class Measured:
    """What a stretch of load showed.

    Attributes:
        seconds: from the first request to the last answer.
        statuses: how many answers of each.
        p50: the median of the seconds that an answer took.
        p99: 99 of a hundred answers took at most so many seconds.
        server_seconds: CPU time that the server's process took meanwhile.
    """

    seconds: float
    statuses: Counter[int]
    p50: float
    p99: float
    server_seconds: float

    @property
    def requests(self) -> int:
        """All that were answered."""
        return self.statuses.total()

    @property
    def rate(self) -> float:
        """Requests a second that were answered with 200."""
        return self.statuses[HTTPStatus.OK] / self.seconds

    @property
    def cost(self) -> float:
        """CPU seconds of the server for a request."""
        return self.server_seconds / self.requests


def load(port: int, pid: int, request: Callable[[], bytes], seconds: float, connections: int) -> Measured:
    """Sends requests for so many seconds, and waits for the last answers.

    Args:
        port: of a server on this machine.
        pid: of its process.
        request: makes the next request, head and all.
        seconds: how long.
        connections: how many at once.

    Raises:
        RuntimeError: the server closes a connection, or says nothing any more.
    """
    sockets: dict[int, socket.socket] = {}
    sent: dict[int, float] = {}
    parts: dict[int, bytes] = {}
    taken: list[float] = []
    statuses: Counter[int] = Counter()
    now = time.perf_counter
    with select.epoll() as poll:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets[connection.fileno()] = connection
            poll.register(connection.fileno(), select.EPOLLIN)
        used = cpu_seconds(pid)
        start = now()
        for number, connection in sockets.items():
            sent[number] = now()
            connection.sendall(request())
        while sent:
            ready = poll.poll(_PATIENCE)
            if not ready:
                raise RuntimeError(f"{len(sent)} requests are not answered")
            for number, _ in ready:
                data = sockets[number].recv(_RECEIVED)
                if not data:
                    raise RuntimeError("the server has closed a connection")
                data = parts.pop(number, b"") + data
                if not _is_whole(data):
                    parts[number] = data
                    continue
                moment = now()
                taken.append(moment - sent.pop(number))
                statuses[int(data[9:12])] += 1
                if moment - start < seconds:
                    sent[number] = now()
                    sockets[number].sendall(request())
        elapsed = now() - start
        used = cpu_seconds(pid) - used
    for connection in sockets.values():
        connection.close()
    taken.sort()
    return Measured(elapsed, statuses, taken[len(taken) // 2], taken[len(taken) * 99 // 100], used)


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has taken."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_whole(data: bytes) -> bool:
    """Whether an answer is there to its end; every answer here says how long it is."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)
