"""Where events go: onto the stream, or, as long as it does not take them, into the spool and from there onto it.

There are two states, and between them a turn, during which callers wait for a moment:

- *direct*: a call returns when the stream has its records. When the stream gives one up, or more is on its way to it
  than may be, the outlet turns: it waits until everything on its way is settled, writes what was given up into the
  spool in the order in which it came, and lets in whoever came meanwhile, behind it.
- *spooling*: a call returns when the spool has its records. A task puts the spool's segments onto the stream, the
  oldest first, and tries again for as long as it takes. When little is left it turns back: callers wait until the rest
  is on the stream, and then go to it directly.

So records of one key reach the stream in the order in which they came, whichever way they went.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ingestion.collector.spool import SEGMENT_BYTES, Segment, Spool, SpoolFailedError
from ingestion.streams.producer import Producer, Record
from ingestion.transports.patience import Patience

RECORDS_AT_ONCE = 1_000
"""Records of the spool that are on their way to the stream at once."""

_PAUSES = Patience(pause=0.25, longest_pause=5.0)
_MOMENT = 0.01

_log = logging.getLogger(__name__)


class Outlet:
    """Takes records, and says when they are safe. Belongs to the event loop that runs when it is made."""

    def __init__(self, producer: Producer, spool: Spool, most_in_flight: int) -> None:
        """Goes on with what the spool has from an earlier process.

        Args:
            producer: puts records onto the stream.
            spool: keeps them meanwhile.
            most_in_flight: bytes that may be on their way to the stream at once.
        """
        self._producer = producer
        self._spool = spool
        self._most_in_flight = most_in_flight
        self.is_direct = spool.is_empty
        self.bytes_in_flight = 0
        self.turns = 0
        self.relayed = 0
        self._calls_in_flight = 0
        self._calls = 0
        self._given_up: list[tuple[int, Sequence[Record], asyncio.Future[None]]] = []
        # closed during a turn
        self._gate = asyncio.Event()
        self._gate.set()
        self._is_turning = False
        self._has_spooled = asyncio.Event()
        if not self.is_direct:
            _log.info("the spool has %d bytes from before: they go onto the stream first", spool.bytes)
            self._has_spooled.set()
        self._relay = asyncio.get_running_loop().create_task(self._empty_spool())

    @property
    def trouble(self) -> str:
        """What is wrong with the stream; empty if nothing is known to be."""
        return self._producer.trouble

    @property
    def is_sound(self) -> bool:
        """Whether what is in the spool is being put onto the stream, or tried to."""
        return not self._relay.done()

    @property
    def spool_bytes(self) -> int:
        """What waits on disk."""
        return self._spool.bytes

    async def put(self, records: Sequence[Record]) -> None:
        """Waits until the records are safe, on the stream or in the spool.

        Raises:
            SpoolFullError: neither has room; some of the records may be on the stream.
            SpoolFailedError: the disk refuses; the same.
        """
        while not self._gate.is_set():
            await self._gate.wait()
        size = 0
        for record in records:
            size += len(record.value)
        if self.is_direct and self.bytes_in_flight + size > self._most_in_flight and self._calls_in_flight:
            self._turn(f"more than {self._most_in_flight:,} bytes are on their way to the stream")
            while not self._gate.is_set():
                await self._gate.wait()
        if not self.is_direct:
            if not self.is_sound:
                raise SpoolFailedError("nobody empties the spool any more")
            await self._spool.append(records)
            self._has_spooled.set()
            return
        self._calls += 1
        call = self._calls
        self._calls_in_flight += 1
        self.bytes_in_flight += size
        given_up: Sequence[Record] = ()
        kept: asyncio.Future[None] | None = None
        try:
            given_up = await self._producer.send(records)
            if given_up:
                kept = asyncio.get_running_loop().create_future()
                self._given_up.append((call, given_up, kept))
        finally:
            self._calls_in_flight -= 1
            self.bytes_in_flight -= size
            if given_up:
                self._turn(self._producer.trouble)
            if self._is_turning and not self._calls_in_flight:
                self._go_spooling()
        if kept:
            await kept

    async def close(self, patience: float) -> None:
        """Puts what it can onto the stream, and lets go of everything. Nobody may call `put` any more.

        Args:
            patience: seconds to wait for the spool to become empty; what is left stays for the next process.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not self._spool.is_empty:
                    await asyncio.sleep(_MOMENT)
        self._relay.cancel()
        with suppress(asyncio.CancelledError):
            await self._relay
        await self._producer.close()
        # callers whose clients have left, and whom nobody waits for
        while self._calls_in_flight:
            await asyncio.sleep(_MOMENT)
        await self._spool.close()
        if self._spool.bytes:
            _log.warning("stopped with %d bytes in the spool: the next collector on it sends them", self._spool.bytes)

    def _turn(self, why: str) -> None:
        """No more to the stream directly."""
        if self._is_turning or not self.is_direct:
            return
        _log.warning("events go into the spool: %s", why)
        self.turns += 1
        self._is_turning = True
        self._gate.clear()

    def _go_spooling(self) -> None:
        """The end of a turn: everything that was on its way is settled."""
        loop = asyncio.get_running_loop()
        self._is_turning = False
        self.is_direct = False
        # tasks begin in this order, and before those who wait at the gate go on
        for _, records, kept in sorted(self._given_up, key=lambda one: one[0]):
            loop.create_task(self._keep(records, kept))  # noqa: RUF006 - the future is held by who waits for it
        self._given_up = []
        self._gate.set()
        self._has_spooled.set()

    async def _keep(self, records: Sequence[Record], kept: asyncio.Future[None]) -> None:
        try:
            await self._spool.append(records)
        except Exception as error:
            if not kept.done():
                kept.set_exception(error)
        else:
            if not kept.done():
                kept.set_result(None)

    async def _empty_spool(self) -> None:
        try:
            while True:
                await self._has_spooled.wait()
                self._has_spooled.clear()
                while not self.is_direct:
                    try:
                        await self._take_turn()
                    except OSError as error:
                        _log.error("the spool cannot be read: %s", error)
                        await asyncio.sleep(_PAUSES.longest_pause)
        finally:
            # whatever ends this, nobody waits for it
            self._gate.set()

    async def _take_turn(self) -> None:
        """The oldest segment onto the stream; when there is none, back to the stream directly."""
        segment = await self._spool.oldest()
        if segment is not None:
            await self._send(segment)
            await self._spool.remove(segment)
            if self._spool.bytes <= SEGMENT_BYTES:
                # those who come now wait until the rest is on the stream
                self._gate.clear()
        elif self._spool.is_empty:
            _log.info("the spool is empty: events go directly onto the stream again")
            self.is_direct = True
            self._gate.set()
        else:
            await asyncio.sleep(_MOMENT)

    async def _send(self, segment: Segment) -> None:
        """A segment onto the stream, however long it takes."""
        for records in _pieces(segment):
            left: Sequence[Record] = records
            failures = 0
            while left := await self._producer.send(left):
                # nobody has to wait for that
                self._gate.set()
                failures += 1
                await asyncio.sleep(_PAUSES.seconds(failures))
            self.relayed += len(records)


def _pieces(segment: Segment) -> Iterator[list[Record]]:
    """What is put on the stream at once."""
    piece: list[Record] = []
    for records in segment.records():
        piece += records
        if len(piece) >= RECORDS_AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece
