"""Takes the records out of an XML document while it is read, and lets go of the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.parsers import expat

from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.formats.xml import Xml

BATCH_ROWS = 20_000
BATCH_BYTES = 16 << 20
READ_BYTES = 256 << 10
LARGEST_RECORD = 4 << 20
"""Bytes of one record, tag or comment; a row of Redshift holds as many."""

DEEPEST = 256
MOST_NAMES = 10_000

_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"
_NIL = f"{_INSTANCE}nil"

Values = dict[str, Any]
"""A record: text or None by path; a list where an element is repeated; a list of records where it has children."""


def records(described: Xml, stream: BinaryIO) -> Iterator[list[Values]]:
    """The records of a document, in batches.

    Raises:
        IngestError: as `Xml.read` says.
    """
    document = _Document(described)
    found: list[Values] = []
    given = taken = 0
    try:
        for chunk in _without_doctype(stream):
            document.parser.feed(chunk)
            given += len(chunk)
            before = len(found)
            if document.take(found):
                taken = given
            elif given - taken > LARGEST_RECORD:
                raise IngestError(f"an element of the document is larger than {LARGEST_RECORD >> 20} MiB")
            if len(found) >= BATCH_ROWS or (given >= BATCH_BYTES and len(found) > before):
                yield found
                found, given, taken = [], given - taken, 0
        document.parser.close()
        document.take(found, is_whole=True)
    except (ParseError, expat.ExpatError) as error:
        raise IngestError(f"the file is not well-formed XML, or cut short: {error}; ask for it again") from error
    except (LookupError, ValueError) as error:
        raise IngestError(f"the file is in an encoding that is not known: {error}") from error
    if not document.is_around:
        around = "/".join(described.record.split("/")[:-1])
        raise IngestError(f"the document has no {around}: the records are not where they should be")
    if found:
        yield found


def _without_doctype(stream: BinaryIO) -> Iterator[bytes]:
    """The document in pieces; what comes before its first element is looked at first, by the same parser."""
    prologue = expat.ParserCreate()
    begun: list[str] = []
    prologue.StartDoctypeDeclHandler = _refuse_doctype
    prologue.StartElementHandler = lambda name, _: begun.append(name)
    while chunk := stream.read(READ_BYTES):
        if not begun:
            prologue.Parse(chunk, False)
        yield chunk


def _refuse_doctype(*_: object) -> None:
    raise IngestError("the document declares a document type; it was not read, for that is where entities come from")


class _Document:
    """The part of the document that is in memory.

    Attributes:
        parser: what the document is fed to.
        is_around: whether the elements around the records were there.
    """

    def __init__(self, described: Xml) -> None:
        self._record = described.record.split("/")
        self._around = self._record[:-1]
        self._children = {one.path: _Table(one.columns.values(), one.ignore) for one in described.children.values()}
        keys = [path for one in described.children.values() for path in one.keys.values()]
        self._table = _Table((*described.columns.values(), *keys, *self._children), described.ignore)
        self._prefixes = {f"{{{uri}": f"{prefix}:" for prefix, uri in described.namespaces.items()}
        self._names: dict[str, str] = {}
        self._paths: dict[str, dict[str, str]] = {}
        self.is_around = not self._around
        builder = TreeBuilder()
        # the document's own root becomes a child of this element, which is ours to look at at any time
        self._root = builder.start("", {})
        self.parser = XMLParser(target=builder)  # noqa: S314

    def take(self, found: list[Values], *, is_whole: bool = False) -> bool:
        """Takes the finished records, and lets go of every finished element; whether there were any.

        The last child of the last child, and so on, may still be open: it is left alone, unless the document is whole.
        """
        element, path, has_moved = self._root, list[str](), False
        while len(element):
            done = len(element) if is_whole else len(element) - 1
            for child in element[:done]:
                self._visit(child, path, found)
            last = element[-1]
            if done:
                has_moved = True
                del element[:done]
            if is_whole:
                break
            path.append(self._names.get(last.tag) or self._named(last.tag))
            if len(path) > DEEPEST:
                raise IngestError(f"the document nests deeper than {DEEPEST} elements")
            if self._is_record(path):
                _refuse_deep(last, DEEPEST - len(path))
                break
            self.is_around = self.is_around or path[-len(self._around) :] == self._around
            element = last
        return has_moved

    def _visit(self, element: Element, path: list[str], found: list[Values]) -> None:
        """Takes the records in a finished element that is not in one."""
        path.append(self._names.get(element.tag) or self._named(element.tag))
        if self._is_record(path):
            self.is_around = True
            found.append(self._values(element, self._table))
        else:
            if len(path) > DEEPEST:
                raise IngestError(f"the document nests deeper than {DEEPEST} elements")
            self.is_around = self.is_around or path[-len(self._around) :] == self._around
            for child in element:
                self._visit(child, path, found)
        path.pop()

    def _is_record(self, path: list[str]) -> bool:
        return path[-1] == self._record[-1] and path[-len(self._record) :] == self._record

    def _values(self, element: Element, table: _Table) -> Values:
        values: Values = {}
        self._fill(values, element, "", table)
        return table.finished(values)

    def _fill(self, values: Values, element: Element, above: str, table: _Table) -> None:
        paths = self._paths.get(above)
        if paths is None:
            paths = self._below(above)
        if element.keys():
            self._attributes(values, element, above)
        _note_text(values, above or ".", element.text)
        for child in element:
            path = paths.get(child.tag) or self._path(paths, above, child.tag)
            if path in values or len(child) or child.keys() or path in self._children:
                self._fill_one(values, child, path, table)
            else:
                values[path] = child.text
            tail = child.tail
            if tail and not tail.isspace():
                _note_text(values, above or ".", tail)

    def _fill_one(self, values: Values, child: Element, path: str, table: _Table) -> None:
        """An element that is more than a text that comes once."""
        if path in self._children and table is self._table:
            values.setdefault(path, []).append(self._values(child, self._children[path]))
        elif len(child):
            self._fill(values, child, path, table)
        else:
            is_nil = self._attributes(values, child, path)
            _repeat(values, path, None if is_nil else child.text)

    def _below(self, above: str) -> dict[str, str]:
        if above.count("/") > DEEPEST:
            raise IngestError(f"the document nests deeper than {DEEPEST} elements")
        if len(self._paths) > MOST_NAMES:
            raise _too_many_names()
        return self._paths.setdefault(above, {})

    def _path(self, paths: dict[str, str], above: str, tag: str) -> str:
        name = self._names.get(tag) or self._named(tag)
        path = paths[tag] = f"{above}/{name}" if above else name
        return path

    def _attributes(self, values: Values, element: Element, path: str) -> bool:
        """Notes an element's attributes; whether it says that it is null."""
        is_nil = False
        for raw, value in element.attrib.items():
            if raw.startswith(_INSTANCE):
                is_nil = is_nil or (raw == _NIL and value in ("true", "1"))
                continue
            name = self._names.get(raw) or self._named(raw)
            _repeat(values, f"{path}/@{name}" if path else f"@{name}", value)
        return is_nil

    def _named(self, raw: str) -> str:
        uri, _, local = raw.rpartition("}")
        if len(self._names) > MOST_NAMES:
            raise _too_many_names()
        name = self._names[raw] = self._prefixes.get(uri, "") + local
        return name


class _Table:
    """What nobody declared in a record, or in a child inside one."""

    def __init__(self, columns: Iterable[str], ignore: Iterable[str]) -> None:
        self._declared = set(columns)
        self._ignored = set(ignore)
        self._plain = self._declared | self._ignored

    def finished(self, values: Values) -> Values:
        """The values; undeclared ones inside an element become one value of that element."""
        for path in sorted(values.keys() - self._plain):
            top, _, inner = path.partition("/")
            if top in self._ignored:
                del values[path]
            elif not inner or top in self._declared:
                # an attribute of a column, say, is a column beside it
                self._plain.add(path)
            else:
                _put(values, path.split("/"), values.pop(path))
        return values


def _refuse_deep(element: Element, most: int) -> None:
    """Looks at the elements that are open inside this one."""
    while len(element):
        element, most = element[-1], most - 1
        if most < 0:
            raise IngestError(f"the document nests deeper than {DEEPEST} elements")


def _put(values: Values, path: list[str], value: object) -> None:
    """Puts a value where it is in the element; text that stands there already keeps a name of its own."""
    for name in path[:-1]:
        inside = values.get(name)
        if not isinstance(inside, dict):
            inside = values[name] = {} if inside is None else {"#text": inside}
        values = inside
    values[path[-1]] = value


def _too_many_names() -> IngestError:
    return IngestError(f"the document has more than {MOST_NAMES:,} different names: no table holds them")


def _note_text(values: Values, path: str, text: str | None) -> None:
    if text and not text.isspace():
        _repeat(values, path, text)


def _repeat(values: Values, path: str, value: str | None) -> None:
    """Another value where there may be one."""
    if path not in values:
        values[path] = value
        return
    before = values[path]
    values[path] = [*before, value] if isinstance(before, list) else [before, value]
