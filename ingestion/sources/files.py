"""Files: any CSV, JSON lines or Parquet file, with a contract that is inferred once and frozen.

The first load of a table looks at the whole file and writes what it found into the schema's `_contracts` table; every
later load of that table is held against it. So a file that somebody hands over lands at once, and stays what it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion import ledger as ledgers
from ingestion.contract import Column, Contract, Notation
from ingestion.delivery import Batch, Format, Resource, Source, read_file
from ingestion.errors import IngestError
from ingestion.formats.archive import Gzip
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json
from ingestion.formats.parquet import Parquet
from ingestion.names import snake_case
from ingestion.transports.local import LocalFiles

if TYPE_CHECKING:
    from ingestion.warehouse import Connection

DATASET = "raw_files"
DECIMAL = pa.decimal128(38, 9)
TIMESTAMP = pa.timestamp("us", "UTC")

BLANK_IS_NULL = Notation(blank_is_null=True)
SNIFFED_BYTES = 64 << 10

TYPES = {
    "text": pa.string(),
    "bigint": pa.int64(),
    "decimal": DECIMAL,
    "double": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": TIMESTAMP,
}
"""The types that a contract can be inferred to, by their names in `_contracts`."""


def source(paths: Sequence[Path], frozen: dict[str, Contract]) -> tuple[Source, list[dict[str, Any]]]:
    """A source of these files, and the `ContractLine`s of those tables that have no contract yet.

    Args:
        paths: the files; each lands in the table that it is named for.
        frozen: the contracts of the tables that have one, from `frozen_contracts`.

    Raises:
        IngestError: a file does not exist, is of no known kind, cannot be read, or two would land in one table.
    """
    files: dict[str, tuple[Path, Format]] = {}
    resources: list[Resource] = []
    lines: list[dict[str, Any]] = []
    for path in paths:
        table, file_format = table_name(path), format_of(path)
        if table in files:
            raise IngestError(f"{path} and {files[table][0]} would both land in {DATASET}.{table}; run them apart")
        files[table] = (path, file_format)
        contract = frozen.get(table)
        if contract is None:
            contract = infer(read_file(file_format, path, str(path)))
            lines += _lines(table, contract)
        resources.append(Resource(table, contract, f"rows of {path.name}"))
    described = Source("files", "files on this machine", tuple(resources), LocalFiles(files))
    return described, lines


def landed(frozen: dict[str, Contract]) -> Source:
    """The source as the warehouse knows it: its tables with their frozen contracts, and no file to land."""
    tables = {table: (Path(table), Csv(notation=BLANK_IS_NULL)) for table in frozen}
    resources = tuple(Resource(table, contract, f"rows of {table}") for table, contract in frozen.items())
    return Source("files", "files on this machine", resources, LocalFiles(tables))


def frozen_contracts(connection: Connection) -> dict[str, Contract]:
    """The contracts in the warehouse, by table."""
    if ledgers.CONTRACTS not in ledgers.tables(connection, DATASET):
        return {}
    found = connection.execute(
        "select resource, column_name, data_type from raw_files._contracts order by resource, position"
    )
    contracts: dict[str, Contract] = {}
    for table, name, data_type in found:
        columns = contracts[table].columns if table in contracts else ()
        contracts[table] = Contract((*columns, Column(name, TYPES[data_type], nullable=True)))
    return contracts


def table_name(path: Path) -> str:
    """The table that a file lands in: its name without its endings."""
    try:
        return snake_case(path.name.partition(".")[0])
    except ValueError as error:
        raise IngestError(f"{path}: a table cannot be named for this file: {error}") from error


def format_of(path: Path) -> Format:
    """How to read a file, by its endings.

    Raises:
        IngestError: the file does not exist or its kind is not known.
    """
    if not path.is_file():
        raise IngestError(f"{path} is no file; --path names one")
    match [suffix.lower() for suffix in path.suffixes[-2:]]:
        case [*_, ".csv"]:
            return _sniffed(path)
        case [*_, (".jsonl" | ".ndjson")]:
            return Json(columns={}, notation=BLANK_IS_NULL)
        case [*_, ".parquet"]:
            return Parquet(notation=BLANK_IS_NULL)
        case [".csv", ".gz"]:
            return Gzip(Csv(notation=BLANK_IS_NULL))
        case [(".jsonl" | ".ndjson"), ".gz"]:
            return Gzip(Json(columns={}, notation=BLANK_IS_NULL))
    raise IngestError(f"{path}: a file is .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet")


def _sniffed(path: Path) -> Csv:
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        sample = stream.read(SNIFFED_BYTES)
    try:
        dialect = csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:
        return Csv(notation=BLANK_IS_NULL)
    return replace(Csv(notation=BLANK_IS_NULL), delimiter=dialect.delimiter)


def infer(batches: Iterator[Batch]) -> Contract:
    """The narrowest types that hold every value of a file; blanks are nulls, and every column may be null.

    Text that looks like a number with a leading zero stays text: it is an identifier, such as a phone number.

    Raises:
        IngestError: the file has no columns.
    """
    possible: dict[str, set[str]] = {}
    for batch in batches:
        for name in batch.table.column_names:
            column = batch.table.column(name).combine_chunks()
            possible.setdefault(name, set(_INFERRED)).intersection_update(_kinds(column))
    if not possible:
        raise IngestError("the file has no rows, so no contract can be inferred from it")
    return Contract(
        tuple(
            # a column of nothing but nulls could be anything: text holds whatever comes
            Column(name, TYPES["text" if kinds == set(_INFERRED) else _narrowest(kinds)], nullable=True)
            for name, kinds in possible.items()
        )
    )


_INFERRED = {
    "bigint": r"^[+-]?(0|[1-9][0-9]{0,17})$",
    "decimal": r"^[+-]?(0|[1-9][0-9]{0,28})(\.[0-9]{1,9})?$",
    "double": r"^[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$",
    "bool": r"^(?i:true|false)$",
    "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "timestamp": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,15}(Z|[+-][0-9:]{4,5})$",
    "text": r"(?s).*",
}
"""The types in the order of preference, with what all texts of a column must look like."""


def _kinds(column: pa.Array) -> set[str]:
    if pa.types.is_integer(column.type):
        # a JSON number may have a fraction in a later batch
        return {"bigint", "decimal", "double", "text"}
    declared = next((name for name, known in TYPES.items() if column.type == known), None)
    if declared is not None and declared != "text":
        return {declared, "text"}
    if pa.types.is_floating(column.type):
        return {"double", "text"}
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    text = text.filter(pc.fill_null(pc.not_equal(text, ""), False))
    return {
        name
        for name, pattern in _INFERRED.items()
        if pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py()
    }


def _narrowest(kinds: set[str]) -> str:
    return next(name for name in _INFERRED if name in kinds)


def _lines(table: str, contract: Contract) -> list[dict[str, Any]]:
    names = {arrow_type: name for name, arrow_type in TYPES.items()}
    return [
        {
            "resource": table,
            "position": position,
            "column_name": column.name,
            "data_type": names[column.type],
            "frozen_at": datetime.now(UTC),
        }
        for position, column in enumerate(contract.columns, start=1)
    ]
