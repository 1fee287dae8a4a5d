"""Reads a stream from where the warehouse has got to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ingestion.config import optional_setting
from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.formats.json import Json
    from ingestion.streams.reader import Reader

KINDS = {"kinesis": "Kinesis", "kafka": "Kafka"}
"""What the setting `kind` may say, and what reads it."""


@dataclass(frozen=True)
class Stream:
    """A stream of records for one table, of the kind that the setting `kind` names; Kinesis without it.

    It hands over no deliveries: consumers read it (`ingestion/streams/consumer.py`), whether for a run or for good. The
    last landed position of each partition stands in the ledger, beside the rows that it came with.
    """

    source: str
    resource: str
    format: Json

    @property
    def kind(self) -> str:
        """What the stream is: `kinesis` or `kafka`.

        Raises:
            IngestError: it is set to something else.
        """
        kind = optional_setting(self.source, "kind") or "kinesis"
        if kind not in KINDS:
            raise IngestError(f"sources.{self.source}.kind is {kind!r}; it is one of {', '.join(KINDS)}")
        return kind

    def reader(self) -> Reader:
        """A connection to the stream.

        Raises:
            IngestError: a setting is missing.
            SourceUnavailableError: the stream cannot be reached, is not there, or refuses us.
        """
        reader: Callable[[str], Reader] = self._of_kind()
        return reader(self.source)

    def notation(self, resource: str) -> Notation:
        """How the records write numbers and dates."""
        return self.format.notation

    def check(self) -> Sequence[str]:
        """Whether the stream is there and lets us in.

        Raises:
            IngestError: a setting is missing, or the stream cannot be reached or does not let us in.
        """
        found: Sequence[str] = self._of_kind().check(self.source)
        return found

    def _of_kind(self) -> Any:
        kind = self.kind
        return getattr(import_module(f"ingestion.transports.{kind}"), KINDS[kind])
