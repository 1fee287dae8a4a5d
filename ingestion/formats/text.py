"""Files of text in any encoding, as a stream of UTF-8 that Arrow can parse."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from ingestion.errors import IngestError

LONGEST_HEADER = 1 << 20
LONGEST_TRAILER = 4 << 10

MARK = "\U0010fffe"
"""Stands, with two hexadecimal digits, for a byte that the encoding does not know; no text holds this code point."""


def _marked(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"{MARK}{byte:02x}" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("ingestion.marked", _marked)


class Text:
    """A file of text, read as UTF-8 without a byte order mark.

    Bytes that are not in the encoding do not end the file: they are marked, and `has_marks` is set, so that the rows
    that hold them can be found.

    Attributes:
        has_marks: whether some bytes so far were not in the encoding.
        trailer_line: the trailer, once the file was read to its end.
    """

    def __init__(self, stream: BinaryIO, encoding: str, trailer: str | None = None) -> None:
        """Starts to read.

        Args:
            stream: the file.
            encoding: its encoding, by the name that Python knows it by.
            trailer: what its last line starts with; that line is not part of the text.
        """
        self._stream = stream
        self._is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
        self._decoder = codecs.getincrementaldecoder("utf-8" if self._is_utf8 else encoding)("ingestion.marked")
        self._undecoded = b""
        self._ended = False
        self._trailer = trailer
        self.has_marks = False
        self.trailer_line = ""
        self.closed = False
        self._ahead = b""
        self._fetch(LONGEST_TRAILER)
        self._ahead = self._ahead.removeprefix(codecs.BOM_UTF8)

    def line(self) -> str | None:
        r"""The next line without its end, which is `\n`, `\r` or `\r\n`; None if there is none.

        Raises:
            IngestError: it is longer than `LONGEST_HEADER`.
        """
        searched = 0
        while (end := _line_end(self._ahead, searched)) is None and not self._ended:
            searched = max(0, len(self._ahead) - 1)
            if searched > LONGEST_HEADER:
                raise IngestError(f"a line at the start is longer than {LONGEST_HEADER >> 20} MiB: this is no table")
            self._fetch(max(LONGEST_TRAILER, len(self._ahead)))
        if not self._ahead:
            return None
        line, after = (self._ahead, len(self._ahead)) if end is None else (self._ahead[: end[0]], end[1])
        self._ahead = self._ahead[after:]
        return line.decode().rstrip("\r\n")

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._fetch_past_trailer(1) == 0

    def read(self, size: int = -1) -> bytes:
        """So many bytes of UTF-8; fewer only at the end.

        Raises:
            IngestError: the file ends without its trailer.
        """
        if size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        most = min(size, self._fetch_past_trailer(size))
        chunk, self._ahead = self._ahead[:most], self._ahead[most:]
        return chunk

    def close(self) -> None:
        """Says that nothing more will be read."""
        self.closed = True

    def _fetch_past_trailer(self, size: int) -> int:
        """Reads on until there are so many bytes that cannot be the trailer; returns how many there are."""
        kept = 0 if self._trailer is None else LONGEST_TRAILER
        while (missing := size + kept - len(self._ahead)) > 0 and not self._ended:
            self._fetch(max(missing, LONGEST_TRAILER))
        return len(self._ahead) - (0 if self._ended else kept)

    def _fetch(self, size: int) -> None:
        data = self._undecoded + self._stream.read(size)
        self._ended = len(data) == len(self._undecoded)
        self._ahead += self._in_utf8(data)
        if self._ended and self._trailer is not None:
            self._cut_trailer(self._trailer)

    def _in_utf8(self, data: bytes) -> bytes:
        if self._is_utf8:
            try:
                used = codecs.utf_8_decode(data, "strict", self._ended)[1]
            except UnicodeDecodeError:
                text, used = codecs.utf_8_decode(data, "ingestion.marked", self._ended)
                self.has_marks = True
                self._undecoded = data[used:]
                return text.encode()
            self._undecoded = data[used:]
            return data[:used] if self._undecoded else data
        try:
            text = self._decoder.decode(data, final=self._ended)
        except UnicodeError as error:
            raise IngestError(f"the file cannot be read in its encoding: {error}") from error
        self.has_marks = self.has_marks or MARK in text
        return text.encode("utf-8", "replace")

    def _cut_trailer(self, trailer: str) -> None:
        lines = self._ahead.rstrip(b"\r\n \x1a").replace(b"\r", b"\n")
        start = lines.rfind(b"\n") + 1
        if not lines[start:].startswith(trailer.encode()):
            raise IngestError(f"the file does not end with its trailer {trailer!r}: it is cut short; ask for it again")
        self.trailer_line = lines[start:].decode()
        self._ahead = self._ahead[:start]


def _line_end(text: bytes, searched: int) -> tuple[int, int] | None:
    """Where the first line ends and the next begins; None if its end is not there yet."""
    newline, carriage = text.find(b"\n", searched), text.find(b"\r", searched)
    if carriage >= 0 and (newline < 0 or carriage < newline):
        if carriage + 1 == len(text):
            return None
        return carriage, carriage + (2 if text[carriage + 1] == ord("\n") else 1)
    return (newline, newline + 1) if newline >= 0 else None
