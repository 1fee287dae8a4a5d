"""Arrow columns as the bytes of Postgres' COPY: binary where every column has a binary form, CSV otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.columns import Column

# rows that become one message or a few
_ROWS = 16_384


class Encoder:
    """Encodes batches of columns.

    Attributes:
        options: what COPY … FROM STDIN must be told about the form.
    """

    options: str

    def start(self) -> bytes:
        """What comes before the first row."""
        raise NotImplementedError

    def rows(self, columns: Sequence[pa.Array]) -> list[bytes]:
        """The rows of a batch, in pieces of about a megabyte."""
        raise NotImplementedError

    def end(self) -> bytes:
        """What comes after the last row."""
        raise NotImplementedError


def encoder(columns: Sequence[Column]) -> Encoder:
    """The encoder for these columns."""
    return _Binary(columns) if all(column.is_binary_safe for column in columns) else _Text(columns)


class _Binary(Encoder):
    options = "FORMAT binary"

    def __init__(self, columns: Sequence[Column]) -> None:
        import pyarrow as pa
        from pgpq import ArrowToPostgresBinaryEncoder
        from pgpq.encoders import StringEncoderBuilder
        from pgpq.schema import Jsonb

        fields = [pa.field(str(index), column.arrow()) for index, column in enumerate(columns)]
        self._schema = pa.schema(fields)
        builders: dict[str, Any] = {}
        for field, column in zip(fields, columns, strict=True):
            builders[field.name] = (
                StringEncoderBuilder.new_with_output(field, Jsonb())
                if column.type == "jsonb"
                else ArrowToPostgresBinaryEncoder.infer_encoder(field)
            )
        self._encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(self._schema, builders)

    def start(self) -> bytes:
        return self._encoder.write_header()

    def rows(self, columns: Sequence[pa.Array]) -> list[bytes]:
        import pyarrow as pa

        batch = pa.RecordBatch.from_arrays(list(columns), schema=self._schema)
        return [self._encoder.write_batch(batch.slice(at, _ROWS)) for at in range(0, batch.num_rows, _ROWS)]

    def end(self) -> bytes:
        return self._encoder.finish()


class _Text(Encoder):
    # Arrow quotes what is not NULL, so that nothing in quotes is NULL
    options = "FORMAT csv, NULL ''"

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def start(self) -> bytes:
        return b""

    def rows(self, columns: Sequence[pa.Array]) -> list[bytes]:
        import pyarrow as pa
        from pyarrow import csv

        names = [str(index) for index in range(len(columns))]
        batch = pa.RecordBatch.from_arrays([_text(column) for column in columns], names)
        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        pieces = []
        for at in range(0, batch.num_rows, _ROWS):
            sink = pa.BufferOutputStream()
            csv.write_csv(batch.slice(at, _ROWS), sink, write_options=options)
            pieces.append(sink.getvalue().to_pybytes())
        return pieces

    def end(self) -> bytes:
        return b""


def _text(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    if not pa.types.is_binary(values.type):
        return values
    return pa.array([None if value is None else "\\x" + value.hex() for value in values.to_pylist()], pa.string())
