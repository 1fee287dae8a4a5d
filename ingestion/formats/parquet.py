"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet

from ingestion.contract import ISO, Notation
from ingestion.delivery import Batch
from ingestion.errors import IngestError
from ingestion.names import snake_case

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Parquet:
    """A Parquet file; columns keep the types that it declares until the contract is checked."""

    notation: Notation = ISO

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The file's rows in batches.

        Raises:
            IngestError: the file is cut short or its footer lies.
        """
        try:
            file = pyarrow.parquet.ParquetFile(stream)
            names = [snake_case(name) for name in file.schema_arrow.names]
            row = 0
            for record_batch in file.iter_batches(batch_size=BATCH_ROWS):
                rows = pa.array(range(row + 1, row + 1 + record_batch.num_rows), pa.int64())
                row += record_batch.num_rows
                yield Batch(pa.Table.from_batches([record_batch]).rename_columns(names), rows)
        except (pa.ArrowException, OSError) as error:
            raise IngestError(f"the file cannot be read as Parquet: {error}") from error
