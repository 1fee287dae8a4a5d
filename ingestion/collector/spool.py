"""A bounded spool on disk: what cannot go to the stream now, durable before anybody hears that it was taken.

The folder holds segments, numbered in the order in which they were begun. A segment is a row of frames:

    length (4 bytes) | CRC-32 of the content (4 bytes) | content: MessagePack, an array of records

A frame is what one call of `append` was given, whole or not at all. Frames that come while the disk is busy are written
and synced together (group commit): one `fdatasync` serves them all.

What happens when the process dies:

- in a write, or before its sync: the segment may end with half a frame. Nobody was told that it was taken; readers stop
  before it.
- after the sync: the frame is there at the next start, which reads the oldest segment first, and never writes into
  one that it finds.
- after a segment has been put on the stream, before it is removed: it goes onto the stream again. Readers know events
  by their identity.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ingestion.errors import IngestError
from ingestion.streams.producer import Record

SEGMENT_BYTES = 4 << 20
"""A segment is left when it is longer. So much is sent again at most, if the process dies while it empties a spool."""

_HEAD = struct.Struct(">II")
_SUFFIX = ".spool"
_LOCK = "lock"

_log = logging.getLogger(__name__)


class SpoolFullError(Exception):
    """There is no room for more; nothing of it was kept."""


class SpoolFailedError(Exception):
    """The disk did not take it; nothing of it counts as kept."""


@dataclass(frozen=True)
class Segment:
    """A file that nobody writes into any more."""

    path: Path
    bytes: int

    def records(self) -> Iterator[list[Record]]:
        """What each call of `append` gave, in order."""
        data = self.path.read_bytes()
        place = 0
        while place + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, place)
            content = data[place + _HEAD.size : place + _HEAD.size + length]
            if len(content) < length or zlib.crc32(content) != checksum:
                break
            yield msgspec.msgpack.decode(content, type=list[Record])
            place += _HEAD.size + length
        if place < len(data):
            set_aside = self.path.with_suffix(".damaged")
            set_aside.write_bytes(data[place:])
            _log.warning(
                "the spool's segment %s ends in the middle of a frame, as one does whose writer was killed; "
                "%d bytes that nobody was told are safe are set aside in %s",
                self.path.name,
                len(data) - place,
                set_aside.name,
            )


class Spool:
    """Takes records while the stream does not. Belongs to the event loop that runs when it is made."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Opens the folder, and finds what an earlier process has left there.

        Args:
            folder: of this spool alone; made if it is not there.
            most_bytes: what the segments may take on disk.

        Raises:
            IngestError: another process uses the folder, or it cannot be used.
        """
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = _locked(folder)
        paths = sorted(folder.glob(f"*{_SUFFIX}"))
        self._sealed = deque(Segment(path, path.stat().st_size) for path in paths)
        self._number = int(paths[-1].stem) if paths else 0
        self._open: _OpenSegment | None = None
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        # one thread: writing, sealing and removing come after one another
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self.bytes = sum(segment.bytes for segment in self._sealed)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on disk, nor on its way there."""
        return not self.bytes and not self._sealed

    async def append(self, records: Sequence[Record]) -> None:
        """Waits until the records are safe: the process may die, and the machine.

        Raises:
            SpoolFullError: there is no room.
            SpoolFailedError: the disk refuses.
        """
        content = msgspec.msgpack.encode(records)
        frame = _HEAD.pack(len(content), zlib.crc32(content)) + content
        if self.bytes + len(frame) > self._most_bytes:
            raise SpoolFullError
        self.bytes += len(frame)
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._waiting.append((frame, written))
        if self._writer is None:
            self._writer = loop.create_task(self._write())
        await written

    async def oldest(self) -> Segment | None:
        """The segment whose turn it is; None if everything is on its way to the disk still, or there is nothing."""
        if not self._sealed:
            await asyncio.get_running_loop().run_in_executor(self._disk, self._seal)
        return self._sealed[0] if self._sealed else None

    async def remove(self, segment: Segment) -> None:
        """Forgets the oldest segment, because the stream has it."""
        await asyncio.get_running_loop().run_in_executor(self._disk, segment.path.unlink)
        self._sealed.popleft()
        self.bytes -= segment.bytes

    async def close(self) -> None:
        """Waits for what is being written. What is in the spool stays there for the next process."""
        if self._writer is not None:
            await self._writer
        await asyncio.get_running_loop().run_in_executor(self._disk, self._seal)
        self._disk.shutdown()
        os.close(self._lock)

    async def _write(self) -> None:
        """Everything that waits, at once; then everything that has come to wait meanwhile."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            data = b"".join(frame for frame, _ in group)
            failed: SpoolFailedError | None = None
            try:
                await loop.run_in_executor(self._disk, self._commit, data)
            except OSError as error:
                self.bytes -= len(data)
                failed = SpoolFailedError(str(error))
                _log.error("the spool cannot be written: %s", error)
            for _, written in group:
                # nobody waits any more where the caller was cancelled
                if written.done():
                    continue
                if failed:
                    written.set_exception(failed)
                else:
                    written.set_result(None)
        self._writer = None

    def _commit(self, data: bytes) -> None:
        """In the disk's thread."""
        if self._open is None:
            self._number += 1
            self._open = _OpenSegment(self._folder, self._number)
        try:
            self._open.append(data)
        except OSError:
            # after a failed sync the kernel may call the same pages clean: never write on where one failed
            self._seal()
            raise
        if self._open.bytes > SEGMENT_BYTES:
            self._seal()

    def _seal(self) -> None:
        """In the disk's thread."""
        if self._open is not None:
            sealed, self._open = self._open.close(), None
            if sealed.bytes:
                self._sealed.append(sealed)
            else:
                sealed.path.unlink()


class _OpenSegment:
    """The file that is being written."""

    def __init__(self, folder: Path, number: int) -> None:
        self._path = folder / f"{number:012}{_SUFFIX}"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.bytes = 0
        _sync_folder(folder)

    def append(self, data: bytes) -> None:
        """Raises OSError if the data are not safe; the file ends before them then, if it can be made to."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
            os.fdatasync(self._file)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._file, self.bytes)
            raise
        self.bytes += len(data)

    def close(self) -> Segment:
        os.close(self._file)
        return Segment(self._path, self.bytes)


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise IngestError(f"the spool {folder} cannot be used: {error.strerror}; see collector.spool_folder") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise IngestError(
            f"another collector uses the spool {folder}: give each its own, by collector.spool_folder"
        ) from None
    return lock


def _sync_folder(folder: Path) -> None:
    """A new file's name is safe only when its folder is."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
