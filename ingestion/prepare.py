"""Makes the tables of a source before anything has landed in them, so that models which read them can be built."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dlt

    from ingestion.delivery import Source
    from ingestion.warehouse import Warehouse


def prepare(source: Source, warehouse: Warehouse) -> list[str]:
    """Makes what is missing of a source's raw schema; lands nothing. Gives the names of its tables.

    Raises:
        RunInProgressError: the source is being landed.
        IngestError: see `make_tables`.
    """
    from ingestion import ledger as ledgers
    from ingestion.landing import contracts

    with (
        warehouse.connect() as connection,
        ledgers.run_lock(connection, warehouse, source.dataset, ledgers.turn_seconds(source)),
    ):
        make_tables(source, warehouse)
        if source.is_streamed:
            ledgers.index(connection, warehouse, source)
    return [f"{source.dataset}.{table}" for table in contracts(source)]


def make_tables(source: Source, warehouse: Warehouse) -> dlt.Schema:
    """The same for somebody who holds the source's lock. Gives dlt's schema of it all.

    Raises:
        LoadRefusedError: a table no longer fits its contract.
        IngestError: the warehouse cannot be used, or refuses.
    """
    from ingestion.landing import contracts
    from ingestion.loading import tables

    return tables.declare(source.name, source.dataset, contracts(source), warehouse)
