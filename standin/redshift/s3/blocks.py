"""An object's bytes, decompressed, in UTF-8, and cut into blocks of whole records."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from typing import IO, Any, cast

from standin.redshift.s3.errors import failure, unsupported

BLOCK_BYTES = 4 * 1024**2
# the reference allows 4 MB for a row; what has no end after this has none
_LONGEST_RECORD = 64 * 1024**2


def decompressed(raw: io.RawIOBase, compression: str | None) -> IO[bytes]:
    """The content of a file that holds one or more members of this compression.

    Args:
        raw: the file.
        compression: gzip, bzip2, zstd or None.
    """
    file = cast("IO[bytes]", raw)
    if compression == "gzip":
        import gzip

        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if compression == "bzip2":
        import bz2

        return cast("IO[bytes]", bz2.BZ2File(file))
    if compression == "zstd":
        import pyarrow as pa

        return cast("IO[bytes]", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
    if compression is not None:
        raise unsupported(f"COPY option {compression.upper()}")
    return file


def chunks(file: IO[bytes], name: str, encoding: str, compression: str | None) -> Iterator[bytes]:
    """The content in UTF-8, in pieces of any length; raises DialectError when it can't be read as announced."""
    decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
    first = True
    while True:
        try:
            content = file.read(BLOCK_BYTES)
        except (OSError, EOFError) as error:
            # zlib, bz2 and Arrow name what is wrong with the stream
            kind = (compression or "file").upper()
            raise failure(f"The file could not be decompressed as {kind}: {name}: {error}") from None
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise failure(f"The file could not be decompressed as GZIP: {name}: {error}") from None
        if decoder is not None:
            try:
                text = decoder.decode(content, final=not content)
            except UnicodeError as error:
                raise failure(
                    f"The file is not encoded in {encoding.upper()} as ENCODING says: {name}: {error}"
                ) from None
            ended, content = not content, text.encode()
        else:
            ended = not content
        if first and content:
            content = content.removeprefix(codecs.BOM_UTF8)
            first = False
        if content:
            yield content
        if ended:
            return


def whole_records(pieces: Iterator[bytes], cut: Callable[[bytes], int], name: str) -> Iterator[bytes]:
    """Blocks that end where a record does.

    Args:
        pieces: the content.
        cut: the length of the longest beginning that is whole records; 0 if there is none.
        name: the file's, for the error about a record without end.
    """
    rest = b""
    for piece in pieces:
        rest = rest + piece if rest else piece
        length = cut(rest)
        if length:
            yield rest[:length]
            rest = rest[length:]
        elif len(rest) > _LONGEST_RECORD:
            raise failure(f"Missing newline: a record of {name} is longer than {_LONGEST_RECORD} bytes")
    if rest:
        yield rest


def cut_lines(content: bytes) -> int:
    """The length of the lines that have an end."""
    return content.rfind(b"\n") + 1


def cut_escaped_lines(content: bytes) -> int:
    """The length of the lines whose end is not escaped by a backslash."""
    end = len(content)
    while (found := content.rfind(b"\n", 0, end)) >= 0:
        before = content[:found]
        if (len(before) - len(before.rstrip(b"\\"))) % 2 == 0:
            return found + 1
        end = found
    return 0


def cut_quoted_lines(quote: bytes) -> Callable[[bytes], int]:
    """A cut after the last line end that is not between quotes."""

    def cut(content: bytes) -> int:
        end = content.rfind(b"\n")
        if end < 0:
            return 0
        odd = content.count(quote, 0, end) % 2
        while odd:
            earlier = content.rfind(b"\n", 0, end)
            if earlier < 0:
                return 0
            odd ^= content.count(quote, earlier, end) % 2
            end = earlier
        return end + 1

    return cut


def without_lines(pieces: Iterator[Any], count: int) -> Iterator[bytes]:
    """The content after this many lines."""
    for piece in pieces:
        at = 0
        while count and (end := piece.find(b"\n", at)) >= 0:
            at = end + 1
            count -= 1
        if not count:
            if at < len(piece):
                yield piece[at:]
            break
    yield from pieces
