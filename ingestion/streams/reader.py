"""What a stream is to a consumer: Kinesis and Kafka behind one small interface.

A stream has partitions (Kinesis: shards), each read in order. A record has a position in its partition; positions grow,
and whoever knows the last one that has landed can read on from there, for as long as the stream keeps its records.

A record holds one thing, or a JSON array of several: readers hand over things, one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


def things_in(value: bytes) -> list[bytes]:
    """What a record holds: the elements of a JSON array, or else the value itself.

    An array with nothing in it, and what begins like an array and is none, is one thing, and will be rejected as such.
    """
    if value[:1] == b"[":
        with suppress(msgspec.DecodeError, RecursionError):
            return [bytes(one) for one in _ARRAY.decode(value)] or [value]
    return [value]


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
    """What records of one partition hold that follow one another, in columns, and how far it has been read with them.

    Attributes:
        scope: the partition.
        positions: of the record of each, growing; what came in one record has one position.
        arrivals: when it came (seconds since 1970): by Kinesis' clock; with Kafka by the producer's, unless the topic
            says `LogAppendTime`.
        keys: what decided about the partition; empty if nothing did.
        values: what was sent; empty if nothing was.
        standing: how far the partition has been read.
    """

    scope: str
    positions: list[int] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    standing: Standing = field(default_factory=Standing)

    def __len__(self) -> int:
        """How many things."""
        return len(self.values)

    def add_record(self, position: int, arrival: float, key: bytes, value: bytes) -> None:
        """Takes what the next record holds."""
        values = things_in(value)
        self.positions += [position] * len(values)
        self.arrivals += [arrival] * len(values)
        self.keys += [key] * len(values)
        self.values += values

    def add(self, other: Piece) -> None:
        """Takes what follows."""
        self.positions += other.positions
        self.arrivals += other.arrivals
        self.keys += other.keys
        self.values += other.values
        self.standing = other.standing

    def part(self, start: int, end: int) -> Piece:
        """Some of it."""
        return Piece(
            self.scope,
            self.positions[start:end],
            self.arrivals[start:end],
            self.keys[start:end],
            self.values[start:end],
            self.standing,
        )


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
        """What comes within a while: at least a piece for each partition that has moved.

        Args:
            most: with about so many records it is enough.
            seconds: how long; may be exceeded by one call to the stream.

        Raises:
            RecordsLostError: records were gone before we read them.
            SourceUnavailableError: the stream does not answer any more.
        """
        ...

    def close(self) -> None:
        """Lets go of the stream."""
        ...
