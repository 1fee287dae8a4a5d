"""Records inside records, that land in a table of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from ingestion.contract import MAX_PAYLOAD_BYTES
from ingestion.delivery import Batch, Broken
from ingestion.formats.json_exact import text_of
from ingestion.formats.shape import UNUSABLE, Getter, Record, Shape, kept


@dataclass(frozen=True)
class Children:
    """What the children are, and how they know their parent. Paths are those of the format: JMESPath, or XML's.

    Attributes:
        path: where the children are in the parent; a single one there counts as a list of one.
        columns: path, in the child, of each column that is not simply called what its field is called.
        keys: path, in the parent, of columns that the child takes over, such as the parent's key.
        position: column for the child's place in its parent's list, counted from 1.
        ignore: fields of the child that are known and not wanted.
    """

    path: str
    columns: Mapping[str, str]
    keys: Mapping[str, str]
    position: str = "position"
    ignore: frozenset[str] = frozenset()


class ChildrenOf:
    """The children of one kind in one file. They are counted over the file: that is their row."""

    def __init__(
        self, resource: str, described: Children, found: Getter, keys: Mapping[str, Getter], shape: Shape
    ) -> None:
        """Nothing is counted yet.

        Args:
            resource: the table that they land in.
            described: what they are.
            found: what takes the list of children out of a parent.
            keys: what takes each of `described.keys` out of a parent.
            shape: their own columns.
        """
        self._resource = resource
        self._described = described
        self._found = found
        self._keys = keys
        self._shape = shape
        self._count = 0

    def of_records(self, parent_rows: Sequence[int], parents: Sequence[Record]) -> Iterator[Batch]:
        """The batch of all children of some records, if they have any."""
        rows: list[int] = []
        records: list[Record] = []
        broken: list[Broken] = []
        own: dict[int, dict[str, str | None]] = {}
        for parent_row, parent in zip(parent_rows, parents, strict=True):
            try:
                found = self._found(parent)
                keys = {column: text_of(get(parent)) for column, get in self._keys.items()}
            except UNUSABLE as error:
                self._count += 1
                broken.append(
                    Broken(self._count, f"the children of row {parent_row} cannot be found: {error}", kept(parent))
                )
                continue
            children = [] if found is None else found if isinstance(found, list) else [found]
            for position, child in enumerate(children, start=1):
                self._count += 1
                if isinstance(child, dict):
                    rows.append(self._count)
                    records.append(child)
                    own[self._count] = {**keys, self._described.position: str(position)}
                else:
                    reason = f"{self._described.path} of row {parent_row} holds something that is no object"
                    broken.append(Broken(self._count, reason, (text_of(child) or "null")[:MAX_PAYLOAD_BYTES]))
        if not records and not broken:
            return
        batch = self._shape.of_records(rows, records, broken)
        table = batch.table
        for column in (*self._described.keys, self._described.position):
            values = [own[row][column] for row in batch.rows.to_pylist()]
            table = table.append_column(column, pa.array(values, pa.string()))
        yield replace(batch, table=table, resource=self._resource)
