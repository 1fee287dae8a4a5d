"""What a stream is to a consumer: Kinesis and Kafka behind one small interface.

A stream has partitions (Kinesis: shards), each read in order. A record has a position in its partition; positions grow,
and whoever knows the last one that has landed can read on from there, for as long as the stream keeps its records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """One record.

    Attributes:
        position: in its partition.
        arrived_at: seconds since 1970; Kinesis' own clock, and with Kafka the producer's, unless the topic says
            `LogAppendTime`.
        key: what decided about the partition; empty if nothing did.
        value: what was sent; empty if nothing was.
    """

    position: int
    arrived_at: float
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Partition:
    """A part of a stream that is read in order.

    Attributes:
        scope: its name, `kinesis://stream/shard` or `kafka://topic/number`: the scope of its cursor in the ledger.
        parents: scopes whose records came before this one's, because it was split off or merged from them.
    """

    scope: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a partition is read on.

    Attributes:
        after: position of the last record that has landed; None for a partition that nobody has read yet.
        read_until: what arrived before this has landed (seconds since 1970), as far as is known.
    """

    after: int | None = None
    read_until: float | None = None


@dataclass(frozen=True)
class Standing:
    """How far a partition has been read.

    Attributes:
        read_until: everything that arrived before has been read (seconds since 1970); None if that is not known yet.
        behind: how many records are left; None if the stream does not count them.
        has_ended: nothing more will ever come.
    """

    read_until: float | None = None
    behind: int | None = None
    has_ended: bool = False


@dataclass
class Piece:
    """Records of one partition that follow one another, and how far it has been read with them."""

    scope: str
    records: list[Record] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)


class Reader(Protocol):
    """A connection to a stream."""

    def partitions(self) -> Sequence[Partition]:
        """The partitions that the stream has now, those that have ended and still have records included.

        Raises:
            SourceUnavailableError: the stream cannot be reached, is not there, or refuses us.
        """
        ...

    def follow(self, places: Mapping[str, Place], *, accept_loss: bool = False) -> None:
        """From now on reads these partitions, each from its place, and no others.

        Args:
            places: by scope.
            accept_loss: where records are gone that nobody has landed, go on with the oldest that are left.

        Raises:
            RecordsLostError: such records are gone; the text says which.
            SourceUnavailableError: see `partitions`.
        """
        ...

    def poll(self, most: int, seconds: float) -> list[Piece]:
        """What has come: at least one piece for each partition that moved. Waits for at most so long for the first.

        Args:
            most: about so many records.
            seconds: may be exceeded by one call to the stream.

        Raises:
            RecordsLostError: records were gone before we read them.
            SourceUnavailableError: the stream does not answer any more.
        """
        ...

    def close(self) -> None:
        """Lets go of the stream."""
        ...
