"""Keeps a file that is sent again from bringing an erased person back.

`privacy.suppressed_identifiers` holds keyed hashes of what led to her. Whatever lands is held against it: her rows are
counted as rejected, and neither they nor their payload are kept. Where the law keeps a row, what leads to her in it is
replaced, by the same token every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract.declare import CONTACT_POINTS, IDENTIFIERS
from ingestion.privacy.identifiers import Key, canonical, words_of
from ingestion.warehouse import has_table

if TYPE_CHECKING:
    from ingestion.contract import Checked, Rejection
    from ingestion.contract.column import Column
    from ingestion.delivery import Resource
    from ingestion.warehouse import Connection

BLANK = "[erased]"

REPLACED = tuple(kind for kind in IDENTIFIERS if kind != "bill")
BLANKED = (*CONTACT_POINTS, "name")
"""What becomes of an erased person's values where the law keeps the row. A bill keeps its number: its payments have it,
and it names nobody once the bill does not."""

SCHEMA = "privacy"
SUPPRESSED = "suppressed_identifiers"


@dataclass(frozen=True)
class Suppression:
    """The hashes of what led to erased people, and the key that they were made with."""

    hashes: frozenset[str]
    key: Key

    def knows(self, value: str) -> bool:
        """Whether a canonical value led to somebody who has been erased."""
        return self.key.hash(value) in self.hashes

    def screen(
        self, resource: Resource, checked: Checked, rejections: Sequence[Rejection]
    ) -> tuple[Checked, list[Rejection], int]:
        """What of a batch may land, which of its rejected rows may be kept, and how many rows may not be."""
        kept = [one for one in rejections if not any(map(self.knows, words_of(f"{one.payload}\n{one.reason}")))]
        dropped = len(rejections) - len(kept)
        if not len(checked.accepted):
            return checked, kept, dropped
        mine = self._mine(resource, checked.accepted)
        if resource.kept_by_law:
            checked = replace(checked, accepted=self._replaced(resource, checked.accepted, mine))
        elif count := pc.sum(mine).as_py():
            others = pc.invert(mine)
            checked = replace(checked, accepted=checked.accepted.filter(others), rows=checked.rows.filter(others))
            dropped += count
        return replace(checked, accepted=self._without_mentions(resource, checked.accepted)), kept, dropped

    def _mine(self, resource: Resource, rows: pa.Table) -> pa.Array:
        """True for the rows of erased people: where a customer is named, it is she; elsewhere anything of hers."""
        named = pa.array([False] * len(rows))
        of_customers, of_others = named, named
        for column in resource.contract.columns:
            if column.personal == "customer":
                values = _one_chunk(rows, column.name)
                named = pc.or_(named, pc.is_valid(values))
                of_customers = pc.or_(of_customers, self._known(values, "customer"))
            elif column.personal in (*IDENTIFIERS, *CONTACT_POINTS):
                of_others = pc.or_(of_others, self._known(_one_chunk(rows, column.name), column.personal))
        return pc.or_(of_customers, pc.and_not(of_others, named))

    def _known(self, values: pa.Array, kind: str) -> pa.Array:
        return _each(values, lambda value: self.knows(canonical(kind, value)))

    def _replaced(self, resource: Resource, rows: pa.Table, mine: pa.Array) -> pa.Table:
        if not pc.any(mine).as_py():
            return rows
        for column in resource.contract.columns:
            values = _one_chunk(rows, column.name)
            if column.personal in REPLACED:
                tokens = pa.array(
                    [None if value is None else self.key.token(value) for value in values.to_pylist()], pa.string()
                )
                rows = _with(rows, column, pc.if_else(mine, tokens, values))
            elif column.personal in BLANKED:
                rows = _with(rows, column, pc.if_else(mine, blank_of(column), values))
        return rows

    def _without_mentions(self, resource: Resource, rows: pa.Table) -> pa.Table:
        """Other people's texts, without those that speak of somebody who has been erased."""
        declared = {column.name: column for column in resource.contract.columns}
        for name in rows.column_names:
            column = declared.get(name)
            if column is not None and column.personal != "text":
                continue
            values = _one_chunk(rows, name)
            speaks = _each(values, lambda text: any(map(self.knows, words_of(text))))
            if pc.any(speaks, min_count=0).as_py():
                rows = _with(rows, column or name, pc.if_else(speaks, blank_of(column), values))
        return rows


def read(connection: Connection) -> Suppression | None:
    """Whom a landing has to keep out; None if nobody has ever been erased.

    Raises:
        IngestError: somebody has, and the key is missing that she would be known by.
    """
    from psycopg import sql

    if not has_table(connection, SCHEMA, SUPPRESSED):
        return None
    query = sql.SQL("select identifier_hash from {}").format(sql.Identifier(SCHEMA, SUPPRESSED))
    hashes = frozenset(value for (value,) in connection.execute(query))
    return Suppression(hashes, Key.from_settings()) if hashes else None


def blank_of(column: Column | None) -> str | None:
    """What stands where a name or a text was."""
    if column is None or column.nullable:
        return None
    return "{}" if column.json == "object" else "[]" if column.json else BLANK


def _each(values: pa.Array, holds: Callable[[str], bool]) -> pa.Array:
    """Asks once for every value that is there."""
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return pa.array([False] * len(values))
    found = pc.unique(values).to_pylist()
    wanted = [value for value in found if value is not None and holds(value)]
    return pc.is_in(values, value_set=pa.array(wanted, pa.string()))


def _one_chunk(rows: pa.Table, name: str) -> pa.Array:
    column = rows.column(name)
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _with(rows: pa.Table, column: Column | str, values: pa.Array) -> pa.Table:
    name = column if isinstance(column, str) else column.name
    position = rows.schema.get_field_index(name)
    return rows.set_column(position, rows.schema.field(position), values)
