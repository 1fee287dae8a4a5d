"""A Kafka broker on loopback, in a process of its own: librdkafka's mock cluster, spoken to over the wire.

Run as a program it prints its address, and lives until its standard input ends; so it goes with whoever started it.
Topics come into being with their first use, with four partitions. Everything is in memory, and of each partition it
keeps the last 5 MB: what is older is gone without a word.
"""

import subprocess
import sys

PARTITIONS = 4


class KafkaBroker:
    """A running broker; `address` is what `bootstrap.servers` takes."""

    def __enter__(self):
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.address = self._process.stdout.readline().strip()
        self.port = int(self.address.rpartition(":")[2])
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


def serve():
    """Serves until standard input ends."""
    from confluent_kafka import Producer

    cluster = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = cluster.list_topics(timeout=10).brokers.values()
    print(f"127.0.0.1:{broker.port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    serve()
