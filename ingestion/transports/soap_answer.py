"""Reads the answer of a SOAP service from a file, record by record."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from lxml import etree

from ingestion.delivery import Batch
from ingestion.errors import IngestError
from ingestion.names import snake_case

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20
LONGEST_SILENCE = 32 << 20
"""Bytes without a whole record, after which the answer is not what its WSDL describes."""

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
HAS_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"


class FaultError(Exception):
    """The service's own word for what is wrong."""

    def __init__(self, code: str, told: str) -> None:
        super().__init__(f"{told or 'no reason given'} ({code})")
        self.is_ours = code.rpartition(":")[2].partition(".")[0] in ("Client", "Sender")
        self.is_login = any(word in code for word in ("FailedAuthentication", "InvalidSecurity", "FailedCheck"))


@dataclass
class Answer:
    """What one answer says besides its records; known when they have been read.

    Attributes:
        record: name of the element that repeats.
        told: names of the elements beside it whose text is wanted.
        types: of the record's columns, as the WSDL has them: `boolean` and `dateTime` are of interest.
        texts: what those elements say.
    """

    record: str
    told: Collection[str]
    types: Mapping[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    is_answer: bool = False

    def batches(self, stream: BinaryIO, before: int) -> Iterator[Batch]:
        """The records, in batches whose columns are text.

        Args:
            stream: the whole answer.
            before: how many records earlier answers had.

        Raises:
            FaultError: the answer is a fault.
            IngestError: it is not well-formed, has a document type, or is not what its WSDL describes.
        """
        rows: list[dict[str, str | None]] = []
        watched = _Watched(stream)
        since_batch = 0
        for element in self._records(watched):
            row: dict[str, str | None] = {}
            for child in element:
                tag = child.tag
                text = _nested(child) if len(child) else child.text
                row[tag] = f"{row[tag]}, {text}" if tag in row else text
            rows.append(row)
            watched.silence = 0
            if len(rows) >= BATCH_ROWS or watched.taken - since_batch > BATCH_BYTES:
                yield self._batch(rows, before)
                before, since_batch = before + len(rows), watched.taken
                rows = []
        if rows:
            yield self._batch(rows, before)

    def _records(self, stream: _Watched) -> Iterator[Any]:
        """Each record's element while it is whole, then forgotten."""
        wanted = {self.record, *self.told}
        # a record may have a field that is called as it is, or as what stands beside it
        within = 0
        try:
            context = etree.iterparse(
                stream,
                events=("start", "end"),
                tag=[f"{{*}}{name}" for name in (*wanted, "Envelope", "Fault")],
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            for event, element in context:
                name = etree.QName(element.tag).localname
                if event == "start":
                    if not self.is_answer:
                        self._refuse_stranger(element, name)
                    within += name == self.record
                elif name == self.record:
                    within -= 1
                    if within == 0:
                        yield element
                        _forget(element)
                elif within == 0 and name in self.told:
                    self.texts[name] = (element.text or "").strip()
                elif within == 0 and name == "Fault":
                    raise _fault(element)
        except etree.XMLSyntaxError as error:
            raise IngestError(f"the answer is not XML, or not whole: {error.msg}") from error
        if not self.is_answer:
            raise IngestError("the answer is not a SOAP envelope")

    def _refuse_stranger(self, element: Any, name: str) -> None:
        if element.getroottree().docinfo.doctype:
            raise IngestError("the answer has a document type; DTDs and entities have no place in one, it was not read")
        if name != "Envelope" or element.getparent() is not None:
            raise IngestError("the answer is not a SOAP envelope")
        self.is_answer = True

    def _batch(self, rows: list[dict[str, str | None]], before: int) -> Batch:
        columns: dict[str, pa.Array] = {}
        for tag, values in _columns(rows):
            name = _name(tag)
            column = pa.array(values, pa.string())
            kind = self.types.get(name)
            if kind in _TYPED:
                column = _TYPED[kind](column)
            # the same name in two namespaces is one column
            columns[name] = pc.coalesce(columns[name], column) if name in columns else column
        return Batch(pa.table(columns), pa.array(range(before + 1, before + 1 + len(rows)), pa.int64()))


def _columns(rows: list[dict[str, str | None]]) -> Iterable[tuple[str, Sequence[str | None]]]:
    """The rows' values by tag. Records mostly have the same fields in the same order; then none is looked up."""
    tags = list(rows[0])
    if all(map(tags.__eq__, map(list, rows))):
        return zip(tags, zip(*map(dict.values, rows), strict=True), strict=True)
    every = dict.fromkeys(tag for row in rows for tag in row)
    return ((tag, [row.get(tag) for row in rows]) for tag in every)


def moment_of(text: str) -> datetime:
    """An xsd:dateTime, in UTC; one without a zone is in UTC by the service's description.

    Raises:
        IngestError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise IngestError(f"{text!r} is no dateTime") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


class _Watched:
    """A stream that notices when nothing comes of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.taken = 0
        self.silence = 0

    def read(self, size: int = -1) -> bytes:
        if self.silence > LONGEST_SILENCE:
            raise IngestError(f"the answer has {self.silence:,} bytes without a record; it was not read on")
        chunk = self._stream.read(size)
        self.taken += len(chunk)
        self.silence += len(chunk)
        return chunk


def _forget(element: Any) -> None:
    element.clear()
    parent = element.getparent()
    while element.getprevious() is not None:
        del parent[0]


def _name(tag: str) -> str:
    """The column of a field."""
    try:
        return snake_case(etree.QName(tag).localname)
    except ValueError as error:
        raise IngestError(f"the answer has a field that cannot be a column: {error}") from error


def _nested(element: Any) -> str:
    """A field with fields of its own, as JSON text."""
    return orjson.dumps(_tree(element)).decode()


def _tree(element: Any) -> object:
    if not len(element):
        return None if element.get(NIL) in ("true", "1") else element.text
    found: dict[str, Any] = {}
    for child in element:
        name, value = etree.QName(child.tag).localname, _tree(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _fault(element: Any) -> FaultError:
    """SOAP 1.1 has faultcode and faultstring, 1.2 has Code/Value and Reason/Text."""
    texts = {etree.QName(one.tag).localname: (one.text or "").strip() for one in element.iter("{*}*")}
    code = texts.get("faultcode") or texts.get("Value") or "no code"
    told = texts.get("faultstring") or texts.get("Text") or ""
    return FaultError(code[:100], " ".join(told.split())[:300])


def _booleans(column: pa.Array) -> pa.Array:
    # xsd:boolean may be written as a number
    text = pc.utf8_trim_whitespace(column)
    as_word = pc.if_else(pc.equal(text, "1"), "true", pc.if_else(pc.equal(text, "0"), "false", text))
    return as_word.cast(pa.string())


def _times(column: pa.Array) -> pa.Array:
    # an xsd:dateTime may come without a zone; the service's clock is UTC by its description
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.match_substring_regex(text, HAS_ZONE), text, pc.binary_join_element_wise(text, "Z", ""))


_TYPED = {"boolean": _booleans, "dateTime": _times}
