"""The elements of an array in a JSON document of any size, one after another, without reading the document whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import orjson

from ingestion.errors import IngestError

READ_BYTES = 1 << 20
LONGEST_ELEMENT = 16 << 20

_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_SPACE = re.compile(rb"[ \t\r\n]*+")
_TOKEN = re.compile(rb"[\[\]{},:]|" + _STRING + rb'|[^ \t\r\n\[\]{},:"]++', re.DOTALL)
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|' + _STRING + rb")*+[{}\[\]]", re.DOTALL)


def elements(stream: BinaryIO, path: Sequence[str]) -> Iterator[bytes]:
    """The texts of an array's elements.

    Only the array's own structure is checked here; whether an element is JSON shows when it is parsed.

    Args:
        stream: the document.
        path: names of the objects around the array, from the outside; none if the document is the array.

    Raises:
        IngestError: the document is cut short, has no array there, something follows it, or an element is longer than
            `LONGEST_ELEMENT`.
    """
    document = _Document(stream)
    for name in path:
        document.enter(name)
    yield from document.array()
    document.leave(len(path))


class _Document:
    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._text = b""
        self._at = 0

    def enter(self, name: str) -> None:
        """Goes to the value of a name of the object that begins here."""
        if self._token() != b"{":
            raise IngestError(f"there is no object that could hold {name!r}: the records are not where they should be")
        token = self._token()
        while token != b"}":
            if not token.startswith(b'"'):
                raise self._malformed()
            found = _name(token)
            if self._token() != b":":
                raise self._malformed()
            if found == name:
                return
            self._skip()
            token = self._token()
            if token == b",":
                token = self._token()
        raise IngestError(f"the document has no {name!r}: the records are not where they should be")

    def array(self) -> Iterator[bytes]:
        if self._token() != b"[":
            raise IngestError("there is no JSON array where the records should be")
        if self._peek() == b"]":
            self._token()
            return
        while True:
            yield self._value()
            token = self._token()
            if token == b"]":
                return
            if token != b",":
                raise self._malformed()

    def leave(self, depth: int) -> None:
        """Reads on to the end of the document, which is that many objects away."""
        while depth:
            token = self._token()
            if token == b",":
                self._token()
                if self._token() != b":":
                    raise self._malformed()
                self._skip()
            elif token == b"}":
                depth -= 1
            else:
                raise self._malformed()
        if self._peek():
            raise IngestError("something follows the JSON document's end")

    def _value(self) -> bytes:
        """The value that begins here."""
        if self._peek() not in (b"{", b"["):
            return self._token()
        depth, at = 0, self._at
        while not (depth == 0 and at > self._at):
            found = _TO_BRACKET.match(self._text, at)
            if found is None:
                before = self._at
                self._more()
                at -= before - self._at
                continue
            at = found.end()
            depth += 1 if self._text[at - 1] in b"{[" else -1
        value = self._text[self._at : at]
        self._at = at
        return value

    def _skip(self) -> None:
        """Passes over the value that begins here, however large it is."""
        if self._peek() not in (b"{", b"["):
            self._token()
            return
        depth = 0
        while True:
            found = _TO_BRACKET.match(self._text, self._at)
            if found is None:
                self._more()
                continue
            self._at = found.end()
            depth += 1 if self._text[self._at - 1] in b"{[" else -1
            if depth == 0:
                return

    def _peek(self) -> bytes:
        """The next byte that is no space; none at the end of the document."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text) or not self._reads_on():
                return self._text[self._at : self._at + 1]

    def _token(self) -> bytes:
        self._peek()
        while True:
            found = _TOKEN.match(self._text, self._at)
            # a number that reaches the end of what was read may go on
            if found and (found.end() < len(self._text) or found[0][:1] in b'[]{},:"' or not self._reads_on()):
                self._at = found.end()
                return found[0]
            if not found:
                self._more()

    def _more(self) -> None:
        if not self._reads_on():
            raise IngestError("the JSON document ends too early: it is cut short; ask for it again")

    def _reads_on(self) -> bool:
        if len(self._text) - self._at > LONGEST_ELEMENT:
            raise IngestError(f"a record of the JSON document is longer than {LONGEST_ELEMENT >> 20} MiB")
        # as much again as there is: what is not finished yet is looked at from its beginning each time
        chunk = self._stream.read(max(READ_BYTES, len(self._text) - self._at))
        self._text = self._text[self._at :] + chunk
        self._at = 0
        return bool(chunk)

    def _malformed(self) -> IngestError:
        quoted = self._text[max(0, self._at - 20) : self._at + 20].decode(errors="replace")
        return IngestError(f"the file is not a JSON document: what comes at {quoted!r} should not be there")


def _name(token: bytes) -> object:
    try:
        return orjson.loads(token)
    except orjson.JSONDecodeError as error:
        raise IngestError(f"the file is not a JSON document: {error}") from error
