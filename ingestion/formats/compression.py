"""Compressed files around another format, unpacked as they are read, and never more of it than is plausible."""

from __future__ import annotations

import bz2
import io
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import pyarrow as pa

from ingestion.contract import Notation
from ingestion.delivery import Batch, Format
from ingestion.errors import IngestError

LARGEST_RATIO = 200
"""Unpacked bytes a packed byte may stand for; real telecom files stay under 30, zip bombs begin at 1,000."""

SMALLEST_PACKED = 64 << 10
"""Up to here the ratio says nothing: every file may unpack to `LARGEST_RATIO` times this."""

LARGEST_SPOOLED = 4 << 30
SPOOL_BYTES = 16 << 20
"""Formats that are read from their end are copied: up to here in memory, from here on to a temporary file."""

PACKED_BLOCK = 128 << 10
UNPACKED_BLOCK = 1 << 20


@dataclass(frozen=True)
class Gzip:
    """A gzipped file, of one member or several."""

    inner: Format

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The inner format's batches.

        Raises:
            IngestError: the file is cut short, is no gzip, goes on after its end, or unpacks to more than
                `LARGEST_RATIO` times its size.
        """
        yield from self.inner.read(_unpacked(stream, "gzip", _gzip))


@dataclass(frozen=True)
class Bzip2:
    """A file packed with bzip2."""

    inner: Format

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The inner format's batches; raises what `Gzip.read` does."""
        yield from self.inner.read(_unpacked(stream, "bzip2", _bzip2))


@dataclass(frozen=True)
class Zstd:
    """A file packed with Zstandard; its window may be up to 128 MiB, as the tool's own default has it."""

    inner: Format

    @property
    def notation(self) -> Notation:
        """The inner format's."""
        return self.inner.notation

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The inner format's batches; raises what `Gzip.read` does."""
        yield from self.inner.read(_unpacked(stream, "Zstandard", _zstd))


def seekable(stream: BinaryIO) -> BinaryIO:
    """The stream itself if it can seek, else a copy that can.

    Raises:
        IngestError: the copy would be larger than `LARGEST_SPOOLED`.
    """
    if stream.seekable():
        return stream
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - closed with its last reader
    while chunk := stream.read(UNPACKED_BLOCK):
        if spool.tell() + len(chunk) > LARGEST_SPOOLED:
            raise IngestError(f"the file unpacks to more than {LARGEST_SPOOLED >> 30} GiB; it was not read on")
        spool.write(chunk)
    spool.seek(0)
    return cast("BinaryIO", spool)


class _Packed(io.RawIOBase):
    """A compressed file that counts what was read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.count += len(chunk)
        return chunk


class _Unpacked(io.RawIOBase):
    """What a compressed file unpacks to; refuses to go on when that is out of proportion to what was read of it."""

    def __init__(self, packed: _Packed, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._packed = packed
        self._chunks = chunks
        self._count = 0
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for; fewer only at the end."""
        parts, missing = [self._rest], size - len(self._rest)
        while missing > 0 or size < 0:
            chunk = next(self._chunks, b"")
            if not chunk:
                break
            self._count += len(chunk)
            if self._count > LARGEST_RATIO * max(self._packed.count, SMALLEST_PACKED):
                raise IngestError(f"the file unpacks to more than {LARGEST_RATIO} times its size; it was not read on")
            parts.append(chunk)
            missing -= len(chunk)
        found = b"".join(parts)
        found, self._rest = (found, b"") if size < 0 else (found[:size], found[size:])
        return found

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)


def _unpacked(stream: BinaryIO, kind: str, unpack: Callable[[_Packed], Iterator[bytes]]) -> BinaryIO:
    packed = _Packed(stream)

    def chunks() -> Iterator[bytes]:
        try:
            yield from unpack(packed)
        except (EOFError, OSError, zlib.error) as error:
            raise IngestError(f"the {kind} file is damaged or cut short: {error}; ask for it again") from error

    return cast("BinaryIO", _Unpacked(packed, chunks()))


def _gzip(packed: _Packed) -> Iterator[bytes]:
    member, members = None, 0
    while data := packed.read(PACKED_BLOCK):
        while data:
            if member is None:
                # tapes and some tools fill the last block with zeros
                if members and not data.strip(b"\x00"):
                    break
                if members and not b"\x1f\x8b".startswith(data[:2]):
                    raise EOFError("something else comes after its end")
                member, members = zlib.decompressobj(wbits=31), members + 1
            yield from filter(None, [member.decompress(data, UNPACKED_BLOCK)])
            data = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    _refuse_unfinished(member is None and members > 0)


def _bzip2(packed: _Packed) -> Iterator[bytes]:
    member, members = None, 0
    while data := packed.read(PACKED_BLOCK):
        while data or (member and not member.needs_input):
            if member is None:
                member, members = bz2.BZ2Decompressor(), members + 1
            yield from filter(None, [member.decompress(data, UNPACKED_BLOCK)])
            data = member.unused_data if member.eof else b""
            member = None if member.eof else member
    _refuse_unfinished(member is None and members > 0)


def _zstd(packed: _Packed) -> Iterator[bytes]:
    unpacking = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd")
    while chunk := unpacking.read(UNPACKED_BLOCK):
        yield chunk
    _refuse_unfinished(packed.count > 0)


def _refuse_unfinished(finished: bool) -> None:
    if not finished:
        raise EOFError("it ends before its end mark")
