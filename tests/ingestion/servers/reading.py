"""What a transport hands over, read as the landing reads it."""

import random
from contextlib import closing
from dataclasses import dataclass

import pyarrow as pa

from ingestion.contract import ISO
from ingestion.delivery import EVERYTHING_NEW, Batch
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.ledger import Landed, Ledger
from ingestion.transports.patience import Patience

IMPATIENT = Patience(attempts=6, pause=0.001, longest_pause=0.01)


@dataclass(frozen=True)
class Whole:
    """A format that takes a file for what it is: bytes, in a single row. It cannot read what begins with `damaged`."""

    notation = ISO

    def read(self, stream):
        content = stream.read()
        if content.startswith(b"damaged"):
            raise IngestError("the file is damaged; ask for it again")
        yield Batch(pa.table({"content": pa.array([content], pa.binary())}), pa.array([1]))


class Reader:
    """Keeps a ledger of what it has read, and tells the transport, delivery by delivery."""

    def __init__(self, folder):
        self.folder = folder
        self.ledger = Ledger({}, {})
        self.said = []
        self.set_aside = {}

    def run(self, transport, request=EVERYTHING_NEW, stop_after=None):
        """Gives what landed: tables by uri, in the order in which it came."""
        landed = {}
        self.set_aside.clear()
        try:
            with closing(iter(transport.deliveries(self.ledger, self.folder, self.said.append, request))) as deliveries:
                for delivery in deliveries:
                    try:
                        batches = list(delivery.read())
                    except IngestError as error:
                        if delivery.cursor_scope or isinstance(error, SourceUnavailableError):
                            raise
                        self.set_aside[delivery.uri] = error
                        transport.set_aside(delivery, error)
                        continue
                    assert delivery.uri not in landed, "one uri twice in a run"
                    if delivery.cursor_scope and not batches:
                        continue
                    tables = [batch.table for batch in batches] or [pa.table({})]
                    landed[delivery.uri] = pa.concat_tables(tables, promote_options="default")
                    rows = sum(len(batch.table) for batch in batches)
                    self.ledger.landed[delivery.resource, delivery.uri] = Landed(delivery.identity, rows)
                    if delivery.cursor_scope and delivery.cursor_value and rows:
                        self.ledger.cursors[delivery.resource, delivery.cursor_scope] = delivery.cursor_value
                    transport.acknowledge([delivery])
                    if len(landed) == stop_after:
                        break
        finally:
            transport.close()
        return landed

    def contents(self, transport, request=EVERYTHING_NEW, **more):
        """The same for `Whole`: bytes by uri."""
        return {uri: table["content"][0].as_py() for uri, table in self.run(transport, request, **more).items()}


def dice(seed):
    """Random numbers that are the same at every run."""
    return random.Random(seed)  # noqa: S311 - nothing is hidden by them


def configure(monkeypatch, source, **settings):
    """Settings of a source, as the environment has them."""
    for key, value in settings.items():
        monkeypatch.setenv(f"SOURCES__{source}__{key}".upper(), str(value))
