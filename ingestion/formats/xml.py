"""XML records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from ingestion.contract import ISO, Notation
from ingestion.delivery import Batch
from ingestion.formats.children import Children, ChildrenOf
from ingestion.formats.shape import Getter, Shape
from ingestion.formats.xml_records import records


@dataclass(frozen=True)
class Xml:
    """A document that repeats one element, at any depth.

    A path leads from the record's element inwards: `name/familyName`, `address/@type`, `.` for its own text. Names
    stand without their namespace, unless `namespaces` gives it a prefix. An element without text, or with `xsi:nil`, is
    null. An element that comes several times where a column expects one is a JSON array.

    Attributes:
        record: the repeated element: its name, or the end of its path, `customers/customer`.
        columns: path of each column that is not simply called what its element or attribute is called.
        ignore: elements and attributes (`@id`) of the record that are known and not wanted. One that is neither here
            nor in a path is new: it lands, as JSON text if there are elements inside.
        namespaces: namespace by prefix, for names that need one.
        children: elements inside the records, by the table that they land in.
        notation: how text writes numbers and dates; XML Schema's way is ISO 8601.
    """

    record: str
    columns: Mapping[str, str]
    ignore: frozenset[str] = frozenset()
    namespaces: Mapping[str, str] = field(default_factory=dict)
    children: Mapping[str, Children] = field(default_factory=dict)
    notation: Notation = ISO

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The document's records, counted from 1. Children follow their parents' batch.

        Raises:
            IngestError: the document is cut short, not well-formed, declares a document type (which is where entities
                come from), nests too deep, has a record that is too large, or lacks the elements around the records.
        """
        shape = _shape(self.columns, self.ignore, [children.path for children in self.children.values()])
        kinds = [
            ChildrenOf(
                resource,
                children,
                _getter(children.path),
                {column: _getter(path) for column, path in children.keys.items()},
                _shape(children.columns, children.ignore, reserved=(*children.keys, children.position)),
            )
            for resource, children in self.children.items()
        ]
        first = 1
        for some in records(self, stream):
            rows = range(first, first + len(some))
            yield shape.of_records(rows, some)
            for kind in kinds:
                yield from kind.of_records(rows, some)
            first += len(some)


def _shape(
    columns: Mapping[str, str], ignore: Iterable[str], also_known: Iterable[str] = (), reserved: Iterable[str] = ()
) -> Shape:
    getters = {column: _getter(path) for column, path in columns.items()}
    return Shape(getters, {*columns.values(), *ignore, *also_known}, reserved)


def _getter(path: str) -> Getter:
    return lambda record: record.get(path)
