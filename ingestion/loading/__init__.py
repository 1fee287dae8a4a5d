"""How rows get into raw tables: one load is one transaction, on Postgres and on Redshift alike.

`tables.declare` makes the tables, through dlt, before a load begins. A load then takes Arrow tables, delivery by
delivery; `commit` writes its line into dlt's `_dlt_loads` and commits everything at once. A load that was not committed
has never been: the warehouse shows nothing of it, whatever stopped it, and the next run starts where this one did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa

    from ingestion.warehouse import Connection, Warehouse

ARRIVAL = "_arrival"
"""Counts the rows of a merge in the order in which they came: of two with one key, the later one stays."""


NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})


class Load(Protocol):
    """One transaction's worth of rows."""

    load_id: str
    """As dlt makes them: seconds since 1970, unique within a dataset."""

    def delivery(self) -> AbstractContextManager[None]:
        """A block whose rows stay out if it raises; the load itself goes on."""
        ...

    def add(self, table: str, rows: pa.Table) -> None:
        """Adds rows. Columns are matched by name; one that the table lacks is added to it as text.

        Args:
            table: name of a raw table that `tables.declare` has made.
            rows: typed as the table is; every column named.
        """
        ...

    def commit(
        self,
        counts_as: dlt.Schema | None = None,
        replaced: Mapping[str, Sequence[str]] = NOTHING,
        first: Callable[[], None] = lambda: None,
        named: Collection[str] = (),
    ) -> int:
        """Commits everything.

        Args:
            counts_as: dlt's schema of the dataset; with it the load gets its line in `_dlt_loads`. Without it, the rows
                carry the ids of loads that have theirs.
            replaced: uris by table; the rows that earlier loads brought from there are deleted.
            first: called within the transaction, on Redshift before its first statement; if it raises, nothing counts.
            named: the load ids that the rows carry, where that is not the load's own; each gets a line.

        Returns:
            How many rows of earlier loads were deleted.
        """
        ...


def new_load_id() -> str:
    """A load id like dlt's own."""
    return str(time.time())


def load_id_after(load_id: str, moment: str) -> str:
    """An id that is new, and sorts right behind another load's: for rows that belong with that load's and come later.

    Load ids are compared as texts, and as numbers of seconds. As a text this one comes after `load_id` and before the
    id of any later load; as a float, which holds seven decimals of today's seconds, it is the same.

    Args:
        load_id: of the load to come after.
        moment: the id of the load that brings the rows; of two, the later one's come last.
    """
    seconds, _, decimals = load_id.partition(".")
    return f"{seconds}.{decimals:0<8}{moment.replace('.', '')}"


@contextmanager
def begin(
    connection: Connection, warehouse: Warehouse, dataset: str, keys: Mapping[str, Sequence[str]] | None = None
) -> Iterator[Load]:
    """A load on this connection; leaving the block without `commit` undoes it.

    Args:
        connection: not in a transaction.
        warehouse: what it is connected to.
        dataset: the raw schema.
        keys: for tables whose new rows replace those of the same key, the key's columns.
    """
    if warehouse.engine == "redshift":
        from ingestion.loading.redshift import RedshiftLoad as EngineLoad
    else:
        from ingestion.loading.postgres import PostgresLoad as EngineLoad  # type: ignore[assignment]
    with EngineLoad.begin(connection, warehouse, dataset, keys or {}) as load:
        yield load
