"""A Kafka broker of one's own on loopback, for tests: `with running() as kafka: ...`.

It is the mock cluster inside librdkafka, which speaks the protocol over the wire to whoever connects: a process of its
own, which ends when its standard input does. It keeps 5 MB of a partition, in memory, and drops what is older silently;
read along where more is written. It can be taken down and brought back, with what it holds, and it can be made slow.

Beside its own address there is one that leads to it through a line, which can be cut for some of its clients only.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from ctypes import CDLL, c_char_p, c_int, c_size_t, c_void_p, create_string_buffer
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from standin.errors import StandinError

if TYPE_CHECKING:
    from collections.abc import Iterator

PARTITIONS = 8
_STOP_SECONDS = 10
_PRODUCER, _BROKER = 0, 1
_LONGEST_ERROR = 512


@dataclass(frozen=True)
class LocalKafka:
    """A running local broker.

    Attributes:
        bootstrap_servers: its address.
        line: another, which leads to it for as long as the line holds.
    """

    bootstrap_servers: str
    line: str
    _process: subprocess.Popen[bytes]

    def create_topic(self, name: str, partitions: int = PARTITIONS) -> None:
        """Makes a topic; one that nobody made has four partitions as soon as somebody asks for it."""
        self._tell(f"create {name} {partitions}")

    def down(self) -> None:
        """Breaks all connections and refuses new ones."""
        self._tell("down")

    def up(self) -> None:
        """Lets clients connect again; everything that was acknowledged is still there."""
        self._tell("up")

    def slow(self, milliseconds: int) -> None:
        """Answers so much later from now on."""
        self._tell(f"slow {milliseconds}")

    def cut(self, seconds: float = 0.0) -> None:
        """Cuts every connection of the line, and lets nobody through for so long."""
        self._tell(f"cut {seconds}")

    def _tell(self, command: str) -> None:
        if self._process.stdin is None or self._process.stdout is None:
            raise StandinError("the local Kafka was started without pipes")
        self._process.stdin.write(f"{command}\n".encode())
        self._process.stdin.flush()
        answer = self._process.stdout.readline().decode().strip()
        if answer != "done":
            raise StandinError(f"the local Kafka refuses {command!r}: {answer or 'it has ended'}")


@contextmanager
def running() -> Iterator[LocalKafka]:
    """A local broker for the block. Raises `StandinError` if it cannot be started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "standin.local_kafka"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        try:
            line = process.stdout.readline().decode().strip() if process.stdout else ""
            if not line:
                raise StandinError("The local Kafka did not start. It needs the package confluent-kafka.")
            address, its_line = line.split()
            yield LocalKafka(address, its_line, process)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


class _Cluster:
    """The mock cluster, which confluent-kafka's Python interface starts but does not steer."""

    def __init__(self) -> None:
        import confluent_kafka

        (path,) = Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka-*.so*")
        self._library = library = CDLL(str(path))
        library.rd_kafka_conf_new.restype = c_void_p
        library.rd_kafka_new.restype = c_void_p
        library.rd_kafka_new.argtypes = [c_int, c_void_p, c_char_p, c_size_t]
        library.rd_kafka_mock_cluster_new.restype = c_void_p
        library.rd_kafka_mock_cluster_new.argtypes = [c_void_p, c_int]
        library.rd_kafka_mock_cluster_bootstraps.restype = c_char_p
        library.rd_kafka_mock_cluster_bootstraps.argtypes = [c_void_p]
        library.rd_kafka_mock_topic_create.argtypes = [c_void_p, c_char_p, c_int, c_int]
        library.rd_kafka_mock_broker_set_rtt.argtypes = [c_void_p, c_int, c_int]
        for name in ("rd_kafka_mock_broker_set_down", "rd_kafka_mock_broker_set_up"):
            getattr(library, name).argtypes = [c_void_p, c_int]
        error = create_string_buffer(_LONGEST_ERROR)
        client = library.rd_kafka_new(_PRODUCER, library.rd_kafka_conf_new(), error, len(error))
        if not client:
            raise StandinError(error.value.decode())
        self._mock = library.rd_kafka_mock_cluster_new(client, 1)
        self.bootstrap_servers: str = library.rd_kafka_mock_cluster_bootstraps(self._mock).decode()
        self.line = _Line(int(self.bootstrap_servers.rpartition(":")[2]))

    def obey(self, command: str) -> str:
        """Does what a line says; `done`, or librdkafka's code of what went wrong."""
        verb, *words = command.split()
        library, mock = self._library, self._mock
        if verb == "create":
            failed = library.rd_kafka_mock_topic_create(mock, words[0].encode(), int(words[1]), 1)
        elif verb == "slow":
            failed = library.rd_kafka_mock_broker_set_rtt(mock, _BROKER, int(words[0]))
        elif verb == "cut":
            failed = self.line.cut(float(words[0]))
        elif verb in ("down", "up"):
            failed = getattr(library, f"rd_kafka_mock_broker_set_{verb}")(mock, _BROKER)
        else:
            return "no such command"
        return f"error {failed}" if failed else "done"


class _Line:
    """Leads to the broker. Its clients are told that the broker is here."""

    def __init__(self, port: int) -> None:
        host = "127.0.0.1"
        self._listener = socket.create_server((host, 0))
        self._target = (host, port)
        own_port: int = self._listener.getsockname()[1]
        self.address = f"{host}:{own_port}"
        # a broker's address in its answers: the host, and four bytes for the port
        self._told = (host.encode() + port.to_bytes(4, "big"), host.encode() + own_port.to_bytes(4, "big"))
        self._open: set[socket.socket] = set()
        self._down_until = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> int:
        """Cuts every connection; 0, as librdkafka says that nothing went wrong."""
        self._down_until = time.monotonic() + seconds
        for end in [*self._open]:
            _close(end)
        return 0

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if time.monotonic() < self._down_until:
                _close(client)
                continue
            server = socket.create_connection(self._target)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(end)
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client), kwargs={"told": self._told}, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, told: tuple[bytes, bytes] | None = None) -> None:
        with suppress(OSError):
            while chunk := source.recv(1 << 18):
                sink.sendall(chunk.replace(*told) if told else chunk)
        for end in (source, sink):
            self._open.discard(end)
            _close(end)


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def _main() -> None:
    cluster = _Cluster()
    sys.stdout.write(f"{cluster.bootstrap_servers} {cluster.line.address}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        sys.stdout.write(f"{cluster.obey(line)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
