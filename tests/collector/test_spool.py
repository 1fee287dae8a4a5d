"""The spool on disk: what is durable is found again, in order, whatever was going on when the process died."""

import asyncio
import errno
import os
import subprocess
import sys

import pytest

from ingestion.collector import spool as spooling
from ingestion.collector.spool import Spool, SpoolFailedError, SpoolFullError
from ingestion.errors import IngestError
from ingestion.streams.producer import Record

MOST = 1 << 20


def record(number, size=10):
    return Record("s", f"d-{number % 3}", b"%d" % number + b"x" * size)


def numbers(batches):
    return [int(one.value.rstrip(b"x")) for batch in batches for one in batch]


def with_spool(folder, work, most=MOST):
    async def run():
        spool = Spool(folder, most)
        try:
            return await work(spool)
        finally:
            await spool.close()

    return asyncio.run(run())


async def emptied(spool):
    found = []
    while segment := await spool.oldest():
        found += numbers(segment.records())
        await spool.remove(segment)
    return found


def test_what_one_process_leaves_the_next_finds_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(spooling, "SEGMENT_BYTES", 2_000)

    async def write(spool, first):
        for start in range(first, first + 100, 10):
            # ten callers at once share the disk's syncs
            await asyncio.gather(*(spool.append([record(start + one)]) for one in range(10)))

    with_spool(tmp_path, lambda spool: write(spool, 0))
    with_spool(tmp_path, lambda spool: write(spool, 100))
    assert len(list(tmp_path.glob("*.spool"))) > 2

    async def read(spool):
        assert not spool.is_empty
        assert spool.bytes == sum(path.stat().st_size for path in tmp_path.glob("*.spool"))
        found = await emptied(spool)
        assert spool.is_empty
        return found

    assert with_spool(tmp_path, read) == list(range(200))
    assert list(tmp_path.glob("*.spool")) == []


def test_half_a_frame_at_the_end_is_nobodys(tmp_path):
    async def write(spool):
        for number in range(5):
            await spool.append([record(number)])

    with_spool(tmp_path, write)
    (path,) = tmp_path.glob("*.spool")
    whole = path.read_bytes()
    end = len(whole)
    for cut, kept in ((end - 1, 4), (end - 20, 4), (3, 0), (len(whole) * 3 // 5 + 2, 3)):
        path.write_bytes(whole[:cut])
        assert with_spool(tmp_path, emptied) == list(range(kept))
        assert path.with_suffix(".damaged").read_bytes() == whole[kept * end // 5 : cut]
    # a byte that the disk has turned is noticed
    path.write_bytes(whole[: end // 2] + bytes([whole[end // 2] ^ 1]) + whole[end // 2 + 1 :])
    assert with_spool(tmp_path, emptied) == [0, 1]


def test_what_is_told_to_be_safe_survives_a_kill(tmp_path):
    """The process says what it was told, and is killed in the middle of it."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from ingestion.collector.spool import Spool\n"
        "from ingestion.streams.producer import Record\n"
        "async def one(spool, n):\n"
        "    while True:\n"
        "        await spool.append([Record('s', 'k', b'%d' % n)])\n"
        "        print(n, flush=True)\n"
        "        n += 10\n"
        "async def main():\n"
        "    spool = Spool(Path(sys.argv[1]), 1 << 30)\n"
        "    await asyncio.gather(*(one(spool, n) for n in range(10)))\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    told = [int(process.stdout.readline()) for _ in range(500)]
    process.kill()
    told += [int(line) for line in process.stdout.read().splitlines()]
    process.wait()
    found = with_spool(tmp_path, emptied)
    assert set(told) <= set(found)
    assert len(found) == len(set(found))


def test_a_full_spool_takes_nothing_until_there_is_room(tmp_path):
    async def work(spool):
        taken = 0
        while spool.bytes + 150 <= 2_000:
            await spool.append([record(taken, size=100)])
            taken += 1
        with pytest.raises(SpoolFullError):
            await spool.append([record(taken, size=200)])
        assert spool.bytes <= 2_000
        assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) == spool.bytes
        assert await emptied(spool) == list(range(taken))
        await spool.append([record(0)])

    with_spool(tmp_path, work, most=2_000)


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_what_the_disk_refuses_is_not_told_to_be_safe(tmp_path, monkeypatch, call):
    """The disk is full, or breaks: callers hear it, and what was safe before stays so."""

    async def work(spool):
        await spool.append([record(0)])
        with monkeypatch.context() as broken:

            def fails(*_):
                raise OSError(errno.EIO, "the disk is broken")

            broken.setattr(os, call, fails)
            with pytest.raises(SpoolFailedError, match="the disk is broken"):
                await spool.append([record(1)])
        await spool.append([record(2)])
        assert await emptied(spool) == [0, 2]
        assert spool.is_empty

    with_spool(tmp_path, work)


def test_a_spool_belongs_to_one_process(tmp_path):
    async def work(_):
        with pytest.raises(IngestError, match="another collector uses the spool"):
            Spool(tmp_path, MOST)

    with_spool(tmp_path, work)
    with_spool(tmp_path, emptied)
    with pytest.raises(IngestError, match=r"cannot be used: .*see collector.spool_folder"):
        Spool(tmp_path / "lock" / "spool", MOST)
