"""Puts records on Kinesis streams: many in a call, and what a call refuses tried again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from ingestion.aws import client, failure
from ingestion.streams.producer import Record
from ingestion.transports.patience import Patience

RECORDS_A_CALL = 500
BYTES_A_CALL = 5_000_000
"""Kinesis' limits of PutRecords: 500 records, 5 MB with their keys."""

LANES = 4
"""Calls under way at once for a stream; records of one key always take the same lane."""

_PAUSES = Patience(pause=0.1, longest_pause=2.0)


class KinesisProducer:
    """Collects records into calls of PutRecords, which run in threads.

    A lane has one call under way at a time, and goes on when the last record of it is settled. So records of one key
    keep their order, with the exception that Kinesis makes: of two in the same call, the first can be refused (its
    shard is busy) and the second taken.
    """

    def __init__(self, source: str, patience: float) -> None:
        from botocore.config import Config

        self.trouble = ""
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        # a lane does its own trying again, of what was refused only
        config = Config(
            retries={"max_attempts": 1}, connect_timeout=patience, read_timeout=patience, max_pool_connections=2 * LANES
        )
        self._kinesis = client(source, "kinesis", config)
        self._threads = ThreadPoolExecutor(2 * LANES, thread_name_prefix="kinesis")
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def send(self, records: Sequence[Record]) -> Sequence[Record]:
        """As `Producer.send` promises."""
        if not records:
            return ()
        sending = _Sending(self._loop.create_future(), len(records))
        until = self._loop.time() + self._patience
        for record in records:
            key = (record.stream, crc32(record.key.encode()) % LANES)
            lane = self._lanes.setdefault(key, _Lane())
            lane.waiting.append(_Waiting(record, until, sending))
            if not lane.is_running:
                lane.is_running = True
                task = self._loop.create_task(self._run(record.stream, lane))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
        await sending.settled
        return sending.given_up

    async def close(self) -> None:
        """Waits for what is under way, and ends the threads."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        self._threads.shutdown()
        self._kinesis.close()

    async def _run(self, stream: str, lane: _Lane) -> None:
        """Until nothing waits in the lane."""
        while lane.waiting:
            batch = lane.take(self._loop.time())
            failures = 0
            while batch:
                refused = await self._loop.run_in_executor(self._threads, self._put, stream, batch)
                failures += 1
                pause = _PAUSES.seconds(failures)
                goes_on_until = self._loop.time() + pause
                again = []
                for waiting, is_refused in zip(batch, refused, strict=True):
                    if is_refused and goes_on_until < waiting.until:
                        again.append(waiting)
                    else:
                        waiting.sending.settle(waiting.record if is_refused else None)
                if batch := again:
                    await asyncio.sleep(pause)
        lane.is_running = False

    def _put(self, stream: str, batch: Sequence[_Waiting]) -> Sequence[bool]:
        """One call; whether each record was refused. In a thread."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        entries = [{"PartitionKey": waiting.record.key, "Data": waiting.record.value} for waiting in batch]
        try:
            answer = self._kinesis.put_records(StreamName=stream, Records=entries)
        except (BotoCoreError, ClientError, HTTPClientError) as error:
            self.trouble = failure(error)
            return [True] * len(batch)
        codes = [result.get("ErrorCode") for result in answer["Records"]]
        if not all(codes):
            self.trouble = ""
        if any(codes):
            refusals = [result for result in answer["Records"] if result.get("ErrorCode")]
            self.trouble = f"{refusals[0]['ErrorCode']}: {refusals[0].get('ErrorMessage', '')}"
        return [code is not None for code in codes]


class _Sending:
    """How many records of a call of `send` are not settled yet, and those that were given up."""

    def __init__(self, settled: asyncio.Future[None], count: int) -> None:
        self.settled = settled
        self.given_up: list[Record] = []
        self._open = count

    def settle(self, given_up: Record | None) -> None:
        """One record is on the stream, or is given up."""
        if given_up is not None:
            self.given_up.append(given_up)
        self._open -= 1
        # nobody waits any more if the caller was cancelled
        if not self._open and not self.settled.done():
            self.settled.set_result(None)


class _Waiting(NamedTuple):
    """A record in a lane.

    Attributes:
        record: what to put.
        until: the loop's time from which on it is given up.
        sending: who has to know.
    """

    record: Record
    until: float
    sending: _Sending


@dataclass
class _Lane:
    """Records of some keys of a stream, in order."""

    waiting: deque[_Waiting] = field(default_factory=deque)
    is_running: bool = False

    def take(self, now: float) -> Sequence[_Waiting]:
        """As many as a call may have; those that have waited too long already are given up."""
        batch: list[_Waiting] = []
        size = 0
        while self.waiting and len(batch) < RECORDS_A_CALL:
            first = self.waiting[0]
            if now > first.until:
                self.waiting.popleft().sending.settle(first.record)
                continue
            size += len(first.record.key.encode()) + len(first.record.value)
            if batch and size > BYTES_A_CALL:
                break
            batch.append(self.waiting.popleft())
        return batch
