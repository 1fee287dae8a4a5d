"""Archives whose members are all of one format."""

from __future__ import annotations

import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from ingestion.contract import Notation
from ingestion.delivery import Batch, Format
from ingestion.errors import IngestError
from ingestion.formats.compression import LARGEST_RATIO, SMALLEST_PACKED, Bzip2, Gzip, Zstd, seekable

__all__ = ["Bzip2", "Gzip", "Tar", "TarGz", "TarZst", "Zip", "Zstd"]

LARGEST_MEMBER = 4 << 30
MOST_MEMBERS = 10_000
LARGEST_TAR_HEADER = 1 << 20
LARGEST_DIRECTORY = 4 << 20
"""Bytes of a zip's directory, which is read whole; enough for `MOST_MEMBERS` with long names."""


@dataclass(frozen=True)
class Tar:
    """A tar archive, read as a stream.

    Members are never written under their own names, so a hostile name can do no harm; it is refused all the same.

    Attributes:
        inner: the format of every member; `Gzip(Csv())` for members that are themselves packed.
        members: which members are read, as a shell pattern; the others are passed over.
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
            IngestError: a member is a link or a device, has an absolute path or `..`, is too large or twice there;
                the archive holds too many members, is damaged or cut short.
        """
        names = _Names()
        try:
            with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20, tarinfo=_TarInfo) as archive:
                for member in archive:
                    names.add(member.name)
                    if not (member.isfile() or member.isdir()) or member.issparse():
                        kind = "a sparse file" if member.issparse() else "a link or a device"
                        raise IngestError(f"the archive's member {member.name!r} is {kind}; it was not read")
                    _refuse_large(member.name, member.size)
                    content = archive.extractfile(member)
                    if content and fnmatch(member.name, self.members):
                        yield from _member(self.inner, member.name, _Stream(cast("BinaryIO", content)))
        except (tarfile.TarError, EOFError) as error:
            raise IngestError(f"the archive is damaged or cut short: {error}; ask for it again") from error


@dataclass(frozen=True)
class TarGz:
    """A gzipped tar archive: `Gzip(Tar(inner, members))`."""

    inner: Format
    members: str = "*"

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The batches of every member; raises what `Gzip.read` and `Tar.read` do."""
        yield from Gzip(Tar(self.inner, self.members)).read(stream)


@dataclass(frozen=True)
class TarZst:
    """A tar archive packed with Zstandard: `Zstd(Tar(inner, members))`."""

    inner: Format
    members: str = "*"

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The batches of every member; raises what `Zstd.read` and `Tar.read` do."""
        yield from Zstd(Tar(self.inner, self.members)).read(stream)


@dataclass(frozen=True)
class Zip:
    """A zip archive; its members are stored or deflated, as every tool does unless told otherwise.

    Attributes:
        inner: the format of every member.
        members: which members are read, as a shell pattern; the others are passed over.
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
            IngestError: a member is encrypted, a link, packed in another way, unpacks to more than `LARGEST_RATIO`
                times its size, shares its bytes with another, has an absolute path or `..`, is too large or twice
                there; the archive holds too many members, is damaged or cut short.
        """
        try:
            with _opened_zip(seekable(stream)) as archive:
                for member in archive.infolist():
                    if not member.is_dir() and fnmatch(member.filename, self.members):
                        with archive.open(member) as content:
                            yield from _member(self.inner, member.filename, _Stream(cast("BinaryIO", content)))
        except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError) as error:
            raise IngestError(f"the archive is damaged or cut short: {error}; ask for it again") from error


class _TarInfo(tarfile.TarInfo):
    """A member's header; tarfile reads the long ones, names and extended attributes, whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        extended = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
        is_long = self.type in (*extended, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
        if is_long and self.size > LARGEST_TAR_HEADER:
            raise IngestError(f"the archive's member {self.name!r} has a header of {self.size:,} bytes")
        return cast("tarfile.TarInfo", super()._proc_member(archive))  # type: ignore[misc]


@dataclass
class _Names:
    """The members so far."""

    seen: set[str] = field(default_factory=set)

    def add(self, name: str) -> None:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or name[1:2] == ":" or "\x00" in name:
            raise IngestError(f"the archive's member {name!r} points outside the archive; it was not read")
        # rows are known by the member that they came from
        if name in self.seen:
            raise IngestError(f"the archive has two members {name!r}; it was not read")
        self.seen.add(name)
        if len(self.seen) > MOST_MEMBERS:
            raise IngestError(f"the archive has more than {MOST_MEMBERS:,} members; it was not read on")


class _Stream:
    """A member as a stream that does not seek: going back would unpack it again."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self.closed = False

    def seekable(self) -> bool:
        return False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)


def _member(inner: Format, name: str, content: _Stream) -> Iterator[Batch]:
    try:
        for batch in inner.read(cast("BinaryIO", content)):
            yield replace(batch, member=f"{name}/{batch.member}" if batch.member else name)
    except IngestError as error:
        raise IngestError(f"member {name!r}: {error}") from error


def _refuse_large(name: str, size: int) -> None:
    if size > LARGEST_MEMBER:
        raise IngestError(f"the archive's member {name!r} is over {LARGEST_MEMBER >> 30} GiB; it was not read")


def _refuse_hostile(members: Sequence[zipfile.ZipInfo]) -> None:
    names, end = _Names(), 0
    for member in sorted(members, key=lambda one: one.header_offset):
        names.add(member.filename)
        _refuse_large(member.filename, member.file_size)
        what = f"the archive's member {member.filename!r}"
        if member.flag_bits & 0x1:
            raise IngestError(f"{what} is encrypted; ask the sender for it without a password")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise IngestError(f"{what} is a link or a device; it was not read")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise IngestError(f"{what} is packed in a way that is not read here; stored and deflated are")
        if member.header_offset < end:
            raise IngestError(f"{what} overlaps the one before it; it was not read")
        end = member.header_offset + 30 + member.compress_size
        if member.file_size > LARGEST_RATIO * max(member.compress_size, SMALLEST_PACKED):
            raise IngestError(f"{what} unpacks to more than {LARGEST_RATIO} times its size; it was not read")


def _opened_zip(file: BinaryIO) -> zipfile.ZipFile:
    try:
        # the directory is read whole: its size is looked at first, where zipfile itself is about to look
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        if end and end[5] > LARGEST_DIRECTORY:
            raise IngestError(f"the archive's directory has {end[5]:,} bytes: it has too many members, or it lies")
        archive = zipfile.ZipFile(file)
    except (OSError, ValueError, NotImplementedError, struct.error) as error:
        raise zipfile.BadZipFile(str(error)) from error
    _refuse_hostile(archive.infolist())
    return archive
