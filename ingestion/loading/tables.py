"""Raw tables and dlt: what contracts declare, what the warehouse has, and whether the two still agree.

dlt writes the DDL of both engines and keeps its record of schema versions in `_dlt_version`, so that its own tools know
a raw schema. Nothing is created by the first row that comes: a table stands from a source's first run on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ingestion.errors import IngestError, LoadRefusedError

if TYPE_CHECKING:
    import dlt
    from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns

    from ingestion.contract import Contract
    from ingestion.warehouse import Warehouse


def declare(name: str, dataset: str, contracts: Mapping[str, Contract], warehouse: Warehouse) -> dlt.Schema:
    """Makes the tables of a raw schema, adds the columns that are new, and gives dlt's schema of it all.

    Raises:
        LoadRefusedError: a table has a column that cannot hold what the contract now allows.
        IngestError: the warehouse refuses the DDL.
    """
    from dlt.common.schema.utils import new_table
    from dlt.destinations.exceptions import DatabaseException

    schema = _schema(name)
    for table, contract in contracts.items():
        schema.update_table(new_table(table, columns=contract.dlt_columns()))
    client = _client(warehouse, schema, dataset)
    try:
        with client:
            client.initialize_storage()
            there = _columns(client, contracts)
            # a column that came as news in an earlier run is known by now
            for table, columns in there.items():
                drifted = [
                    column for column_name, column in columns.items() if not _declares(schema, table, column_name)
                ]
                if drifted:
                    schema.update_table(new_table(table, columns=drifted))
            for table, contract in contracts.items():
                _refuse_misfits(client, f"{dataset}.{table}", contract, there[table])
            # dlt refuses to store a schema that was changed after it was made
            schema = client.schema = schema.from_stored_schema(schema.to_dict())
            client.update_stored_schema()
    except DatabaseException as error:
        raise IngestError(f"{name}: the warehouse refuses to make the tables of {dataset}: {error}") from error
    return schema


def _schema(name: str) -> dlt.Schema:
    import dlt

    dlt.config["runtime.dlthub_telemetry"] = False
    return dlt.Schema(name)


def _client(warehouse: Warehouse, schema: dlt.Schema, dataset: str) -> Any:
    destination = warehouse.destination()
    return destination.client(schema, destination.spec()._bind_dataset_name(dataset))


def _columns(client: Any, contracts: Mapping[str, Contract]) -> dict[str, TTableSchemaColumns]:
    return dict(client.get_storage_tables(list(contracts)))


def _declares(schema: dlt.Schema, table: str, column: str) -> bool:
    return column in schema.get_table(table)["columns"]


def _refuse_misfits(client: Any, table: str, contract: Contract, there: TTableSchemaColumns) -> None:
    """Rows travel in binary form, so a column of another type would not fail but hold nonsense."""
    for wanted in contract.dlt_columns():
        column = there.get(str(wanted["name"]))
        if column is None:
            continue
        remedy = _misfit(wanted, column)
        if remedy:
            wanted_type = client.type_mapper.to_destination_type(wanted, {"name": table, "columns": {}})
            actual_type = client.type_mapper.to_destination_type(column, {"name": table, "columns": {}})
            raise LoadRefusedError(
                f"{table}.{wanted['name']} {remedy}: the contract says {wanted_type}"
                f"{'' if wanted.get('nullable', True) else ' not null'}, the table has {actual_type}"
                f"{'' if column.get('nullable', True) else ' not null'}. Nothing was landed. Change the contract back, "
                f"or the table (`alter table`; as a last resort drop it and run `ingest run --full`)."
            )


def _misfit(wanted: TColumnSchema, there: TColumnSchema) -> str | None:
    if wanted["data_type"] != there["data_type"]:
        return "has another type"
    if wanted.get("nullable", True) and not there.get("nullable", True):
        return "may not be null in the warehouse, and may be in the contract"
    room, needed = there.get("precision"), wanted.get("precision")
    if wanted["data_type"] == "text" and room is not None and (needed is None or needed > room):
        return "is too short"
    if wanted["data_type"] == "decimal" and (room, there.get("scale")) != (needed, wanted.get("scale")):
        return "has other digits"
    if wanted["data_type"] == "bigint" and (room or 64) != (needed or 64):
        return "has another width"
    return None
