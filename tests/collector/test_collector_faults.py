"""kill -9 and outages under load, over the real protocols: every acknowledged event is on the stream."""

import asyncio
import time
import uuid

from benchmarks.collecting import Collector, Topic, kafka_source
from benchmarks.event_faults import Senders, compare, settle
from ingestion.collector.spool import Spool


def test_kills_and_an_outage_under_load_lose_nothing(kafka, tmp_path):
    """Killed with the stream there, killed with events in the spool, and then told to stop in order."""
    stream = f"faults-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(stream, 2)
    topic = Topic(kafka, stream)
    collector = Collector(tmp_path, kafka_source(kafka, stream), stream_seconds=1)
    try:
        collector.start()
        with Senders(collector, "fault", count=3, pause=0.005) as senders:
            _more(senders)
            collector.kill()
            collector.start()
            _more(senders)
            kafka.down()
            # what is in flight is given up, and then events go into the spool
            _until(lambda: any((tmp_path / "spool").glob("*.spool")))
            _more(senders)
            collector.kill()
            left = sum(path.stat().st_size for path in (tmp_path / "spool").glob("*.spool"))
            collector.start()
            _more(senders)
            kafka.up()
            _more(senders)
        settle(collector)
        assert left > 0
        assert collector.stop() == 0
        assert list((tmp_path / "spool").glob("*.spool")) == []
        missing, repeated = compare(topic.read(), senders.acknowledged)
        assert missing == 0, f"of {len(senders.acknowledged)}"
        # only what a kill interrupted, or a give-up that was none, is there twice
        assert repeated < len(senders.acknowledged)
        assert set(senders.statuses) == {200}
    finally:
        kafka.up()
        collector.end()
        topic.close()


def test_it_stops_in_order_while_the_stream_is_away(kafka, tmp_path):
    """It stops accepting, and what it has acknowledged stays on disk for the next one."""
    stream = f"stops-{uuid.uuid4().hex[:8]}"
    collector = Collector(tmp_path, kafka_source(kafka, stream), stream_seconds=0.5, shutdown_seconds=0.5)
    kafka.down()
    try:
        collector.start()
        with Senders(collector, "stop", count=2) as senders:
            _more(senders)
            # with callers under way
            assert collector.stop() == 0
        assert "bytes in the spool: the next collector on it sends them" in collector.log
        left = asyncio.run(_spooled(tmp_path / "spool"))
        assert compare(left, senders.acknowledged)[0] == 0
    finally:
        kafka.up()
        collector.end()


async def _spooled(folder):
    """Key and value of each record in a spool."""
    spool = Spool(folder, 1 << 30)
    found = []
    while segment := await spool.oldest():
        found += [(record.key, record.value) for records in segment.records() for record in records]
        await spool.remove(segment)
    await spool.close()
    return found


def _more(senders, count=100):
    """Until so many more are acknowledged."""
    before = len(senders.acknowledged)
    _until(lambda: len(senders.acknowledged) > before + count)


def _until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
