"""A Kafka broker on loopback, in a process of its own: librdkafka's mock cluster, spoken to over the wire.

Topics come into being with their first use, with four partitions. Everything is in memory, and of each partition the
last 5 MB are kept: what is older is gone without a word.

Beside the broker's own address there is one that leads to it through a line which can be cut. Run as a program, this
prints both addresses, obeys `cut` and `down SECONDS` on its standard input, and ends with that; so it goes with whoever
started it.
"""

import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

PARTITIONS = 4


class KafkaBroker:
    """A running broker.

    `address` is what `bootstrap.servers` takes; `line` leads there too, for as long as the line holds.
    """

    def __enter__(self):
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address, self.line = self._process.stdout.readline().split()
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def cut(self):
        """Cuts every connection of the line; new ones may be made."""
        self._say("cut")

    def down(self, seconds):
        """Cuts the line, and lets nobody through for so long."""
        self._say(f"down {seconds}")

    def _say(self, command):
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()


class _Line:
    """Leads to the broker. Its clients are told that the broker is here."""

    def __init__(self, port):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._target = ("127.0.0.1", port)
        self.port = self._listener.getsockname()[1]
        host = b"127.0.0.1"
        # a broker's address in its answers: the host, and four bytes for the port
        self._told = (host + port.to_bytes(4, "big"), host + self.port.to_bytes(4, "big"))
        self._open = set()
        self._down_until = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds=0.0):
        self._down_until = time.monotonic() + seconds
        for end in [*self._open]:
            _close(end)

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            if time.monotonic() < self._down_until:
                _close(client)
                continue
            server = socket.create_connection(self._target)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.add(end)
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, sink, is_answer):
        with suppress(OSError):
            while chunk := source.recv(1 << 18):
                sink.sendall(chunk.replace(*self._told) if is_answer else chunk)
        for end in (source, sink):
            self._open.discard(end)
            _close(end)


def _close(end):
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def serve():
    """Serves until standard input ends."""
    from confluent_kafka import Producer

    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    line = _Line(broker.port)
    print(f"127.0.0.1:{broker.port} 127.0.0.1:{line.port}", flush=True)
    for command in sys.stdin:
        line.cut(*map(float, command.split()[1:]))


if __name__ == "__main__":
    serve()
