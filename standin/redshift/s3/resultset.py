"""The rows of an UNLOAD's query: which text Postgres sends for them, and that text as columns.

Numbers in floating point come as the bytes of their IEEE form, bytes as hexadecimal: neither depends on settings of the
session, and nothing of them is lost.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.s3.errors import failure

if TYPE_CHECKING:
    import pyarrow as pa

_OIDS = {
    16: "bool", 17: "bytea", 20: "int8", 21: "int2", 23: "int4", 25: "text", 114: "json", 700: "float4",
    701: "float8", 1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp",
    1184: "timestamptz", 1266: "timetz", 1700: "numeric", 3000: "geometry", 3001: "geography", 3802: "jsonb",
    4000: "super", 6551: "bytea",
}  # fmt: skip
_SHOWN = {
    "bool": "boolean", "bytea": "binary varying", "int2": "smallint", "int4": "integer", "int8": "bigint",
    "text": "character varying", "varchar": "character varying", "bpchar": "character", "float4": "real",
    "float8": "double precision", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "json": "super", "jsonb": "super",
}  # fmt: skip
_MOST_DIGITS = 38


@dataclass(frozen=True)
class Field:
    """A column of the query.

    Attributes:
        name: as the client would see it.
        type: the name of its base type as Postgres has it; "other" for what goes as text.
        typmod: its type modifier; -1 for none.
    """

    name: str
    type: str
    typmod: int

    @property
    def is_text(self) -> bool:
        """CHAR and VARCHAR."""
        return self.type in ("text", "varchar", "bpchar")

    @property
    def is_super(self) -> bool:
        """SUPER."""
        return self.type in ("super", "json", "jsonb")

    @property
    def is_number(self) -> bool:
        """Whether JSON writes it without quotes."""
        return self.type in ("int2", "int4", "int8", "numeric", "float4", "float8")

    @property
    def precision(self) -> tuple[int, int] | None:
        """Precision and scale of NUMERIC(p, s); None if they are not known."""
        if self.typmod < 4:
            return None
        return (self.typmod - 4) >> 16 & 0xFFFF, (self.typmod - 4) & 0x7FF

    def schema(self) -> dict[str, object]:
        """The type as a verbose manifest shows it."""
        shown: dict[str, object] = {"base": _SHOWN.get(self.type, self.type)}
        if self.type == "numeric" and self.precision:
            shown["precision"], shown["scale"] = self.precision
        elif self.is_text:
            shown["max_length"] = self.typmod - 4 if self.typmod >= 4 else 65535
        return shown

    def expression(self, column: str, utc: bool) -> str:
        """What is selected for it.

        Args:
            column: the column's name, quoted.
            utc: whether timestamps with time zone lose their zone, as they do in Parquet.
        """
        if self.type in ("float4", "float8"):
            return f"encode(pg_catalog.{self.type}send({column}), 'hex')"
        if self.type == "bytea":
            return f"encode({column}, 'hex')"
        if self.type == "timestamptz" and utc:
            return f"{column} at time zone 'UTC'"
        return column


def read_fields(described: Sequence[tuple[str, int, int]]) -> list[Field]:
    """The columns of a RowDescription: name, type number and modifier of each."""
    return [Field(name, _OIDS.get(oid, "other"), typmod) for name, oid, typmod in described]


def statement(query: str, fields: Sequence[Field], utc: bool) -> str:
    """The COPY that sends the query's rows in the form that `read_rows` reads."""
    names = [f"c{index}" for index in range(len(fields))]
    selected = ", ".join(field.expression(name, utc) for field, name in zip(fields, names, strict=True))
    query = query.strip().rstrip(";")
    # the query may end in a comment
    return f"COPY (SELECT {selected} FROM ({query}\n) AS unloaded({', '.join(names)})) TO STDOUT (FORMAT csv)"  # noqa: S608


def read_rows(content: bytes, count: int) -> list[pa.Array]:
    """Whole rows of such a COPY as text columns; what was not quoted and empty is NULL."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(index) for index in range(count)]
    for block_bytes in (1 << 20, len(content) + 1):
        try:
            table = csv.read_csv(
                pa.BufferReader(content),
                read_options=csv.ReadOptions(column_names=names, block_size=block_bytes),
                parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            # a row longer than the block
            reason = str(error)
            continue
        return [_combined(column) for column in table.columns]
    raise failure(f"The rows of UNLOAD could not be read: {reason}")


def _combined(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def floats(texts: pa.Array, field: Field) -> pa.Array:
    """The numbers of a float column."""
    import pyarrow as pa
    import pyarrow.compute as pc

    code, digits = ("f", 8) if field.type == "float4" else ("d", 16)
    kind = pa.float32() if field.type == "float4" else pa.float64()
    filled = pc.fill_null(texts, "0" * digits)
    start = filled.offset * digits
    content = filled.buffers()[2]
    written = memoryview(content)[start : start + len(filled) * digits] if content is not None else b""
    numbers = array(code, bytes.fromhex(bytes(written).decode()))
    numbers.byteswap()
    found = pa.Array.from_buffers(kind, len(filled), [None, pa.py_buffer(numbers)])
    return pc.if_else(pc.is_null(texts), pa.scalar(None, kind), found) if texts.null_count else found


def typed(texts: pa.Array, field: Field, kind: pa.DataType) -> pa.Array:
    """A column as Parquet stores it; raises DialectError for a number that does not fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if field.type in ("float4", "float8"):
        return floats(texts, field)
    if field.type == "bool":
        return pc.if_else(pc.is_null(texts), pa.scalar(None, pa.bool_()), pc.equal(texts, "t"))
    if field.type == "time":
        return pc.binary_join_element_wise("1970-01-01 ", texts, "").cast(pa.timestamp("us")).cast(kind)
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid as error:
        if field.type != "numeric":
            raise failure(f"Column {field.name} holds a value that Parquet can not store: {error}") from None
        raise failure(
            f"Column {field.name} holds a number that {kind} can not store; cast it to DECIMAL(p, s) in the query"
        ) from None


def parquet_type(field: Field, texts: pa.Array) -> pa.DataType:
    """The Parquet type of a column, given its first rows: they tell the scale of a number that has none declared."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kinds = {
        "bool": pa.bool_(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(), "float4": pa.float32(),
        "float8": pa.float64(), "date": pa.date32(), "time": pa.time64("us"), "timestamp": pa.timestamp("us"),
        # "only the timestamp values are unloaded"
        "timestamptz": pa.timestamp("us"),
    }  # fmt: skip
    if field.type != "numeric":
        return kinds.get(field.type, pa.string())
    if field.precision:
        return pa.decimal128(*field.precision)
    fractions = pc.utf8_length(pc.struct_field(pc.extract_regex(texts, r"^[^.]*\.?(?P<fraction>[0-9]*)$"), "fraction"))
    return pa.decimal128(_MOST_DIGITS, min(pc.max(fractions).as_py() or 0, _MOST_DIGITS - 1))
