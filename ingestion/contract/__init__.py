"""What a good row is, declared once as a Python class and checked on whole Arrow columns.

A contract is written the way the data reads::

    class Bill(Row, key="bill_no"):
        '''A bill as it was sent to a customer.'''

        bill_no: Annotated[str, MaxBytes(20), Pattern("[0-9]+")]
        period_start: date
        period_end: Annotated[date, AtLeast(Field("period_start"))]
        amount_due: Annotated[Decimal, Numeric(18, 4)]
        state: Literal["sent", "paid"]
        paid_on: Annotated[date, RequiredWhen(state="paid")] | None
        extra: dict | None

`X | None` may be null, and may be missing from a delivery altogether; everything else is required. `Literal` is an
enumeration, `dict` and `list` are JSON. Text lengths are bytes of UTF-8, because that is what Redshift's `varchar(n)`
counts; text without a length has Redshift's longest. `ingestion/contract/declare.py` has every constraint.

Declared once, a contract is the check of every batch (`Contract.check`), the columns of the raw table
(`Contract.dlt_columns`), and the source's page of the data dictionary (`ingest dictionary`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, get_origin, get_type_hints

import pyarrow as pa

from ingestion.contract.checking import Checked, Rejection, check
from ingestion.contract.column import Column, column_of, compared_faults
from ingestion.contract.declare import (
    AtLeast,
    AtMost,
    Between,
    Bits,
    Field,
    MaxBytes,
    MinBytes,
    NotBlank,
    Numeric,
    Pattern,
    Personal,
    RequiredWhen,
    Row,
    Rule,
)
from ingestion.contract.payload import MAX_PAYLOAD_BYTES, storable, to_json
from ingestion.contract.reading import ISO, Notation

if TYPE_CHECKING:
    from dlt.common.schema.typing import TColumnSchema

__all__ = [
    "ISO",
    "MAX_PAYLOAD_BYTES",
    "AtLeast",
    "AtMost",
    "Between",
    "Bits",
    "Checked",
    "Column",
    "Contract",
    "Field",
    "MaxBytes",
    "MinBytes",
    "NotBlank",
    "Notation",
    "Numeric",
    "Pattern",
    "Personal",
    "Rejection",
    "RequiredWhen",
    "Row",
    "Rule",
    "storable",
    "to_json",
]


@dataclass(frozen=True)
class Contract:
    """The columns of one raw table, in order.

    Attributes:
        columns: what each column holds.
        key: the columns that tell rows apart; empty if the source promises none. All are required columns.
        rules: what has to be true between the columns of a row, beyond what the columns say themselves.
        description: what a row is; the first paragraph of the class's docstring.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    description: str = ""

    @classmethod
    def of(cls, row: type[Row]) -> Contract:
        """The contract that a `Row` class declares.

        Raises:
            TypeError: the class says something that no row could keep, or that this package does not know.
        """
        hints = get_type_hints(row, include_extras=True)
        columns = tuple(column_of(name, hint) for name, hint in hints.items() if get_origin(hint) is not ClassVar)
        by_name = {column.name: column for column in columns}
        faults = compared_faults(columns)
        faults += [f"the key column {name} is not declared" for name in row.row_key if name not in by_name]
        faults += [
            f"the key column {name} may be null" for name in row.row_key if name in by_name and by_name[name].nullable
        ]
        if faults:
            raise TypeError(f"{row.__name__}: {'; '.join(faults)}")
        paragraph = " ".join((row.__doc__ or "").split("\n\n")[0].split())
        return cls(columns, row.row_key, row.row_rules, paragraph)

    def including(self, row: type[Row]) -> Contract:
        """This contract with another row's columns after its own."""
        return Contract((*self.columns, *Contract.of(row).columns), self.key, self.rules, self.description)

    def schema(self) -> pa.Schema:
        """Arrow schema of accepted rows."""
        return self._schema

    def dlt_columns(self) -> list[TColumnSchema]:
        """Column hints for dlt."""
        return [column.dlt_hints() for column in self.columns]

    def check(self, table: pa.Table, rows: pa.Array, notation: Notation = ISO) -> Checked:
        """Splits a batch into rows that keep the contract and rows that do not.

        Args:
            table: the batch; columns are text, or of whatever type the file declares.
            rows: int64, the position of each row in its delivery, counted from 1.
            notation: how text columns write numbers and dates.

        Returns:
            `accepted` in the contract's columns and types, then the columns that it does not know, as text. When no row
            is rejected, its `rows` is the very array that was given.
        """
        return check(self.columns, self.rules, self._schema, table=table, rows=rows, notation=notation)

    @cached_property
    def _schema(self) -> pa.Schema:
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])
