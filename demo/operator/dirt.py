"""What goes wrong on the way: rows that break their contract, rows sent twice.

Malformed rows are extra rows, made from a good one under an identity of their own, so that excluding them leaves the
clean data exactly as it was. No row is both malformed and a duplicate.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import orjson
import pyarrow as pa

if TYPE_CHECKING:
    import random

    from demo.operator.settings import OperatorSettings

Row = TypeVar("Row")
Key = TypeVar("Key", bound=Hashable)
Breaker = Callable[[Row], Row]
Line = list[str]
Record = dict[str, Any]


@dataclass
class Dirty(Generic[Row]):
    """Rows as they are sent, with what is wrong about them counted."""

    rows: list[Row]
    malformed: int = 0
    duplicates: int = 0


def breakers(settings: OperatorSettings, kinds: Sequence[Breaker[Row]], few: int = 1) -> list[Breaker[Row]]:
    """All the kinds for an operator of some size; the first ones for a small one, whose loads are tiny."""
    return list(kinds) if settings.customers >= 300 else list(kinds[:few])


def soil(
    clean: dict[Key, list[Row]],
    kinds: Sequence[Breaker[Row]],
    repeats: int,
    dice: random.Random,
    spare: Sequence[Key] = (),
) -> dict[Key, Dirty[Row]]:
    """Put malformed and repeated rows into the fullest batches, if there are any; those of `spare` are left alone."""
    dirty = {key: Dirty(list(rows)) for key, rows in clean.items()}
    fullest = sorted((key for key in clean if clean[key] and key not in spare), key=lambda key: -len(clean[key]))
    if not fullest:
        return dirty
    for place, kind in enumerate(kinds):
        batch = dirty[fullest[place % min(len(fullest), 12)]]
        good = clean[fullest[place % min(len(fullest), 12)]]
        batch.rows.insert(dice.randrange(len(batch.rows) + 1), kind(dice.choice(good)))
        batch.malformed += 1
    for place in range(repeats):
        key = fullest[(place + 3) % min(len(fullest), 12)]
        batch = dirty[key]
        batch.rows.append(dice.choice(clean[key]))
        batch.duplicates += 1
    return dirty


# --- lines of a CSV file: the first field is the identity -------------------------------------------------


def cell(place: int, value: str) -> Breaker[Line]:
    """One field replaced by something that its column cannot hold."""

    def broken(line: Line) -> Line:
        return [f"{line[0]}-X{place}", *line[1:place], value, *line[place + 1 :]]

    return broken


def too_many_fields(line: Line) -> Line:
    """A stray separator, as an unquoted text would leave it."""
    return [f"{line[0]}-XM", *line[1:], "", "?"]


def too_few_fields(line: Line) -> Line:
    """A line cut off."""
    return [f"{line[0]}-XF", *line[1:3]]


# --- records (CRM, inventory) -------------------------------------------------------------------------------


def put(identity: str, **values: Any) -> Breaker[Record]:
    """A record with some fields replaced (None: left out) and an identity of its own."""

    def broken(record: Record) -> Record:
        name = "-".join(values)
        return {**record, identity: f"{record[identity]}-X-{name}", **values}

    return broken


# --- JSON lines -------------------------------------------------------------------------------------------


def truncated(line: bytes) -> bytes:
    """A line of which the end is missing."""
    text = line.decode()
    return text[: len(text) * 2 // 3].encode()


def json_put(identity: str, **values: Any) -> Breaker[bytes]:
    """The same as `put` for a line of JSON."""
    change = put(identity, **values)

    def broken(line: bytes) -> bytes:
        return orjson.dumps({key: value for key, value in change(orjson.loads(line)).items() if value is not None})

    return broken


# --- Arrow tables -----------------------------------------------------------------------------------------


USAGE_KINDS: tuple[Record, ...] = (
    {"product_id": None},
    {"usage_type": "fax"},
    {"data_bytes": -1},
    {"rated_amount": "-0.0690"},
    {"usage_date": None},
)


def broken_usage(row: Record, change: Record) -> Record:
    """A usage row that its contract refuses."""
    changed = {key: Decimal(value) if key == "rated_amount" else value for key, value in change.items()}
    return {**row, "usage_id": f"{row['usage_id']}-X-{'-'.join(change)}", **changed}


def usage_parts(
    clean: pa.Table, changes: Sequence[Record], repeats: int, dice: random.Random
) -> tuple[list[pa.Table], int]:
    """Two members: malformed rows end the first, repeats of rows of the first end the second. Gives the rows sent."""
    half = clean.num_rows // 2
    first, second = clean.slice(0, half), clean.slice(half)
    if changes and half:
        rows = [broken_usage(first.slice(dice.randrange(half), 1).to_pylist()[0], change) for change in changes]
        first = pa.concat_tables([first, pa.Table.from_pylist(rows, schema=clean.schema)])
    if repeats and half:
        second = pa.concat_tables([second, *(clean.slice(dice.randrange(half), 1) for _ in range(repeats))])
    return [first, second], first.num_rows + second.num_rows
