"""The stream, or else the spool: nothing that was taken is lost, and of one key nothing overtakes."""

import asyncio
import uuid
from collections import defaultdict

import pytest

from benchmarks.collecting import Topic, kafka_source
from ingestion.collector.outlet import Outlet
from ingestion.collector.spool import Spool, SpoolFullError
from ingestion.streams.producer import Record, open_producer

PATIENCE = 1.0


@pytest.fixture
def stream(kafka, monkeypatch):
    name = f"outlet-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(name, 2)
    for key, value in kafka_source(kafka, name).items():
        monkeypatch.setenv(f"SOURCES__EVENTS__{key.upper()}", value)
    yield name
    kafka.up()


def with_outlet(folder, work, most_bytes=1 << 24, most_in_flight=1 << 20):
    async def run():
        outlet = Outlet(open_producer("events", PATIENCE), Spool(folder, most_bytes), most_in_flight)
        try:
            return await work(outlet)
        finally:
            await outlet.close(0)

    return asyncio.run(run())


class Callers:
    """Each with a key of its own, one call after the other; they remember what was safe."""

    def __init__(self, outlet, stream, count=5):
        self.outlet, self.stream = outlet, stream
        self.safe = defaultdict(list)
        self.refused = 0
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._call(f"k{number}")) for number in range(count)]

    async def _call(self, key):
        number = 0
        while not self._stop.is_set():
            number += 1
            try:
                await self.outlet.put([Record(self.stream, key, b"%d" % number)])
            except SpoolFullError:
                self.refused += 1
                await asyncio.sleep(0.01)
            else:
                self.safe[key].append(number)
            await asyncio.sleep(0.001)

    async def stop(self):
        self._stop.set()
        await asyncio.gather(*self._tasks)


async def until(condition, seconds=20):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def on_stream(kafka, stream):
    """The numbers of each key, and each number once: those that stand twice were sent again."""
    topic = Topic(kafka, stream)
    found = defaultdict(list)
    for key, value in topic.read():
        found[key.decode()].append(int(value))
    topic.close()
    return {key: list(dict.fromkeys(numbers)) for key, numbers in found.items()}


def test_an_outage_loses_nothing_and_keeps_the_order(kafka, stream, tmp_path):
    async def work(outlet):
        callers = Callers(outlet, stream)
        await until(lambda: all(len(numbers) > 5 for numbers in callers.safe.values()) and len(callers.safe) == 5)
        # at its start a busy machine may be too slow for the stream's patience
        await until(lambda: outlet.is_direct)
        kafka.down()
        await until(lambda: not outlet.is_direct)
        waiting = sum(map(len, callers.safe.values()))
        await until(lambda: sum(map(len, callers.safe.values())) > waiting + 50)
        assert outlet.spool_bytes
        assert outlet.trouble
        kafka.up()
        await until(lambda: outlet.is_direct)
        waiting = sum(map(len, callers.safe.values()))
        await until(lambda: sum(map(len, callers.safe.values())) > waiting + 50)
        await callers.stop()
        # a busy machine may have been too slow for the stream's patience once more
        await until(lambda: outlet.is_direct)
        assert (outlet.spool_bytes, outlet.trouble) == (0, "")
        return callers.safe

    safe = with_outlet(tmp_path, work)
    found = on_stream(kafka, stream)
    for key, numbers in safe.items():
        assert found[key] == sorted(found[key]), "something has overtaken"
        assert set(numbers) <= set(found[key])


def test_what_is_left_in_the_spool_goes_first_after_a_restart(kafka, stream, tmp_path):
    kafka.down()

    async def during(outlet):
        for number in range(20):
            await outlet.put([Record(stream, "k", b"%d" % number)])
        assert not outlet.is_direct

    with_outlet(tmp_path, during)
    kafka.up()

    async def afterwards(outlet):
        assert not outlet.is_direct
        await outlet.put([Record(stream, "k", b"20")])
        await until(lambda: outlet.is_direct)
        assert outlet.relayed == 21

    with_outlet(tmp_path, afterwards)
    assert on_stream(kafka, stream) == {"k": list(range(21))}


def test_a_full_spool_sends_callers_away_and_comes_round(kafka, stream, tmp_path):
    async def work(outlet):
        kafka.down()
        callers = Callers(outlet, stream)
        await until(lambda: callers.refused > 20)
        kafka.up()
        await until(lambda: outlet.is_direct)
        await callers.stop()
        return callers.safe

    safe = with_outlet(tmp_path, work, most_bytes=2_000)
    found = on_stream(kafka, stream)
    assert all(set(numbers) <= set(found[key]) for key, numbers in safe.items())


def test_more_than_may_be_in_flight_goes_to_the_disk(kafka, stream, tmp_path):
    """The stream takes everything, only slowly: memory is bounded all the same."""

    async def work(outlet):
        kafka.slow(400)
        most = 0
        big = [Record(stream, "k", b"%d" % number + b" " * 2_000) for number in range(40)]

        async def watch():
            nonlocal most
            while True:
                most = max(most, outlet.bytes_in_flight)
                await asyncio.sleep(0.001)

        watching = asyncio.create_task(watch())
        await asyncio.gather(*(outlet.put([record]) for record in big))
        kafka.slow(0)
        watching.cancel()
        assert outlet.turns == 1
        assert most <= 10_000
        await until(lambda: outlet.is_direct)

    try:
        with_outlet(tmp_path, work, most_in_flight=10_000)
    finally:
        kafka.slow(0)
    assert on_stream(kafka, stream) == {"k": list(range(40))}
