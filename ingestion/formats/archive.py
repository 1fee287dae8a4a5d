"""Compressed files and archives around another format."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from ingestion.contract import Notation
from ingestion.delivery import Batch, Format
from ingestion.errors import IngestError

LARGEST_MEMBER = 4 << 30
MOST_MEMBERS = 10_000
LARGEST_RATIO = 200
"""Uncompressed bytes a compressed byte may stand for; real telecom files stay under 30, zip bombs begin at 1,000."""

SPOOL_BYTES = 32 << 20


@dataclass(frozen=True)
class Gzip:
    """A gzipped file."""

    inner: Format

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The inner format's batches.

        Raises:
            IngestError: the file is cut short, is no gzip, or unpacks to more than `LARGEST_RATIO` times its size.
        """
        try:
            yield from self.inner.read(cast("BinaryIO", _Bounded(gzip.GzipFile(fileobj=stream), _size(stream))))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise IngestError(f"the gzip file is damaged or cut short: {error}; ask for it again") from error


@dataclass(frozen=True)
class TarGz:
    """A gzipped tar archive whose members are all of one format.

    Members are never written under their own names, so a hostile name can do no harm; it is refused all the same.
    """

    inner: Format
    members: str = "*"

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The batches of every member, each with its member's name.

        Raises:
            IngestError: a member is a link or a device, has an absolute path or `..`, is too large; the archive holds
                too many members, is damaged, cut short, or unpacks to more than `LARGEST_RATIO` times its size.
        """
        try:
            unpacked = _Bounded(gzip.GzipFile(fileobj=stream), _size(stream))
            with tarfile.open(fileobj=cast("BinaryIO", unpacked), mode="r|") as archive:
                for count, member in enumerate(archive, start=1):
                    _refuse_hostile(member, count)
                    if member.isfile() and fnmatch(member.name, self.members):
                        yield from self._member(archive, member)
        except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise IngestError(f"the archive is damaged or cut short: {error}; ask for it again") from error

    def _member(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[Batch]:
        # Parquet is read from its end, and a stream has none: the member is spooled, to disk if it is large
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as spool:
            content = archive.extractfile(member)
            while content and (chunk := content.read(1 << 20)):
                spool.write(chunk)
            spool.seek(0)
            for batch in self.inner.read(cast("BinaryIO", spool)):
                yield replace(batch, member=member.name)


def _refuse_hostile(member: tarfile.TarInfo, count: int) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise IngestError(f"the archive's member {member.name!r} points outside the archive; it was not read")
    if not (member.isfile() or member.isdir()):
        raise IngestError(f"the archive's member {member.name!r} is a link or a device; it was not read")
    if member.size > LARGEST_MEMBER or count > MOST_MEMBERS:
        raise IngestError(f"the archive has more than {MOST_MEMBERS} members or one over {LARGEST_MEMBER >> 30} GiB")


def _size(stream: BinaryIO) -> int:
    here = stream.tell()
    end = stream.seek(0, 2)
    stream.seek(here)
    return end - here


class _Bounded:
    """A stream that refuses to give more than a plausible multiple of its compressed size."""

    def __init__(self, stream: gzip.GzipFile, compressed: int) -> None:
        self._stream = stream
        self._left = max(compressed, 1 << 12) * LARGEST_RATIO
        self.closed = False

    def _count(self, chunk: bytes) -> bytes:
        self._left -= len(chunk)
        if self._left < 0:
            raise IngestError(f"the file unpacks to more than {LARGEST_RATIO} times its size; it was not read on")
        return chunk

    def read(self, size: int = -1) -> bytes:
        # one byte more than allowed is enough to know, and bounds what a single call can unpack
        most = self._left + 1 if size < 0 else min(size, self._left + 1)
        return self._count(self._stream.read(most))

    def readline(self, size: int = -1) -> bytes:
        most = self._left + 1 if size < 0 else min(size, self._left + 1)
        return self._count(self._stream.readline(most))
