"""Whether a source could be landed now, in either warehouse: asked without moving data.

What a contract declares is held against both destinations offline, so that what lands in the local Postgres is known to
fit into Redshift.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion.errors import IngestError, SourceUnavailableError

if TYPE_CHECKING:
    from ingestion.contract import Column, Contract
    from ingestion.delivery import Resource, Source
    from ingestion.warehouse import Warehouse

POSTGRES_NAME_BYTES = 63
REDSHIFT_NAME_BYTES = 127
REDSHIFT_VARCHAR_BYTES = 65_535
MOST_COLUMNS = 1_600
"""Of a table, on either: Postgres' limit; Redshift's is the same."""

MERGE_PREFIX_BYTES = len("_incoming_")
"""Rows with a key are collected in a temporary table of that name first."""

# dlt makes other names of others, and the contract's column would not be found again
_NAME = re.compile(r"_?[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: a source, or `warehouse`.
        what: `contract`, `source` or `warehouse`.
        is_good: whether it is as it must be.
        told: what was found, in words.
        is_passing: for what is not good, whether it may be good later, without anybody doing anything.
    """

    subject: str
    what: str
    is_good: bool
    told: str
    is_passing: bool = False


def check(sources: Sequence[Source], warehouse: Warehouse) -> Iterator[Finding]:
    """Everything that a run needs, looked at one after another."""
    yield from check_warehouse(warehouse)
    for source in sources:
        yield from check_contracts(source)
        yield from check_source(source)


def check_warehouse(warehouse: Warehouse) -> Iterator[Finding]:
    """Whether the warehouse lets us in, and lets us make a schema."""
    try:
        with warehouse.connect() as connection:
            (may_create,) = connection.execute(
                "select has_database_privilege(current_user, current_database(), 'create')"
            ).fetchone()
    except IngestError as error:
        yield Finding("warehouse", "warehouse", False, str(error), is_passing=True)
        return
    told = f"{warehouse.engine} at {warehouse.name} lets {warehouse.user} in"
    if may_create:
        yield Finding("warehouse", "warehouse", True, f"{told}, and make schemas")
    else:
        remedy = f"grant create on database {warehouse.database} to {warehouse.user}"
        yield Finding("warehouse", "warehouse", False, f"{told}, but not make schemas: {remedy}")


def check_contracts(source: Source) -> Iterator[Finding]:
    """Whether what a source declares fits into Postgres and into Redshift. Asks neither."""
    from ingestion.landing import contracts

    faults = [] if _NAME.fullmatch(source.name) else [f"{source.name} is no name for a schema: {_NAME.pattern}"]
    for resource in source.resources:
        faults += [f"{resource.name}: {fault}" for fault in resource_faults(resource)]
    ours = {resource.name for resource in source.resources} & set(contracts(_without_resources(source)))
    faults += [f"{name} is a name of ours; call the table something else" for name in sorted(ours)]
    for fault in faults:
        yield Finding(source.name, "contract", False, fault)
    if not faults:
        columns = sum(len(resource.contract.columns) for resource in source.resources)
        told = f"{len(source.resources)} tables with {columns} columns fit into Postgres and Redshift"
        yield Finding(source.name, "contract", True, told)


def check_source(source: Source) -> Iterator[Finding]:
    """Whether the source is there and lets us in. Moves no data."""
    try:
        for told in source.transport.check():
            yield Finding(source.name, "source", True, told)
    except IngestError as error:
        yield Finding(source.name, "source", False, str(error), is_passing=isinstance(error, SourceUnavailableError))


def resource_faults(resource: Resource) -> list[str]:
    """What keeps a table's rows out of one warehouse or the other; empty if nothing does."""
    longest = POSTGRES_NAME_BYTES
    if resource.lands == "merge":
        longest -= MERGE_PREFIX_BYTES
    faults = _name_faults(resource.name, longest)
    if resource.lands == "merge" and not resource.contract.key:
        faults.append('rows are to replace those of the same key, and the contract has none: class X(Row, key="...")')
    return faults + contract_faults(resource.contract)


def contract_faults(contract: Contract) -> list[str]:
    """What of a contract one warehouse or the other does not hold."""
    faults = []
    if len(contract.columns) > MOST_COLUMNS:
        faults.append(f"{len(contract.columns):,} columns; a table has at most {MOST_COLUMNS:,}")
    for column in contract.columns:
        faults += _name_faults(column.name, POSTGRES_NAME_BYTES)
        faults += _type_faults(column)
    return faults


def _name_faults(name: str, longest: int) -> list[str]:
    from sqlglot.dialects.redshift import Redshift

    faults = []
    if not _NAME.fullmatch(name):
        faults.append(f"{name} is not in snake_case, and dlt would make another name of it")
    if len(name.encode()) > REDSHIFT_NAME_BYTES:
        faults.append(f"{name} is longer than the {REDSHIFT_NAME_BYTES} bytes that Redshift takes")
    elif len(name.encode()) > longest:
        faults.append(f"{name} is longer than {longest} bytes; Postgres would cut it off silently")
    if name in Redshift.Generator.RESERVED_KEYWORDS:
        faults.append(f"{name} is a reserved word on Redshift; whoever reads it would have to quote it")
    return faults


def _type_faults(column: Column) -> list[str]:
    if pa.types.is_string(column.type) and (column.max_bytes or 0) > REDSHIFT_VARCHAR_BYTES:
        limit = f"Redshift's longest varchar has {REDSHIFT_VARCHAR_BYTES:,}"
        return [f"{column.name} has up to {column.max_bytes:,} bytes; {limit}"]
    if pa.types.is_time(column.type):
        remedy = 'declare text: Annotated[str, MaxBytes(8), Pattern("[0-9]{2}:[0-9]{2}:[0-9]{2}")]'
        return [f"{column.name} is a time of day, which Redshift does not load from Parquet; {remedy}"]
    return []


def _without_resources(source: Source) -> Source:
    from dataclasses import replace

    return replace(source, resources=())
