"""The words that a contract is written in. Importing them costs nothing: no Arrow, no dlt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Rule:
    """Something that has to be true of a row, when no constraint of one column says it.

    ::

        class Bill(Row, rules=[Rule("tax_within_amount", "half of the bill is tax",
                                    lambda bill: pc.less(bill["tax"], pc.divide(bill["amount"], 2)))]):

    Attributes:
        name: for grouping; a rejected row's rule is `row:<name>`.
        broken: what is wrong with a row that breaks it, in words.
        keeps: gives, for the typed columns by name, a boolean array: false breaks the rule, null does not (a value
            that it needs is missing).
    """

    name: str
    broken: str
    keeps: Callable[[Mapping[str, pa.Array]], pa.Array]


class Row:
    """Base of every declared row; its annotations are the contract, its docstring the table's description.

    Args (of the class statement):
        key: the column, or columns, that tell rows apart.
        rules: what has to be true between columns.
    """

    row_key: ClassVar[tuple[str, ...]] = ()
    row_rules: ClassVar[tuple[Rule, ...]] = ()

    def __init_subclass__(cls, *, key: str | Sequence[str] = (), rules: Sequence[Rule] = ()) -> None:
        super().__init_subclass__()
        if key:
            cls.row_key = (key,) if isinstance(key, str) else tuple(key)
        cls.row_rules = (*cls.row_rules, *rules)


@dataclass(frozen=True)
class Field:
    """The value of another column of the same row, as a bound: `AtLeast(Field("period_start"))`.

    A row in which either of the two is null keeps the bound.
    """

    name: str


@dataclass(frozen=True)
class MaxBytes:
    """Longest text, in bytes of UTF-8."""

    limit: int


@dataclass(frozen=True)
class MinBytes:
    """Shortest text, in bytes of UTF-8."""

    limit: int


@dataclass(frozen=True)
class NotBlank:
    """Text must be more than white space."""


@dataclass(frozen=True)
class Pattern:
    """What the whole text looks like.

    Attributes:
        regex: in RE2's syntax; matched against the whole text.
        says: what such a text is, for the reason: "is not <says>"; without it the reason quotes the pattern.
    """

    regex: str
    says: str = ""


IDENTIFIERS = ("customer", "party", "product", "order", "web_order", "bill", "interaction", "recommendation")
"""What one customer alone has, and nobody after her."""

CONTACT_POINTS = ("email", "phone", "device")
"""What several people may share, and what may be another's tomorrow."""

PERSONAL = (*IDENTIFIERS, *CONTACT_POINTS, "name", "text")


@dataclass(frozen=True)
class Personal:
    """The value leads to a person, and what it is to her: docs/privacy.md.

    Attributes:
        kind: an identifier or a contact point says whose row it is. A `name` is blanked where the row has to stay; a
            `text` may speak of anybody, and is searched.
    """

    kind: str


@dataclass(frozen=True)
class Numeric:
    """Decimal digits in all, and after the point."""

    precision: int
    scale: int


@dataclass(frozen=True)
class Bits:
    """Size of a whole number: 16 (smallint), 32 (integer) or 64 (bigint, as without it)."""

    size: int


@dataclass(frozen=True)
class AtLeast:
    """Smallest allowed number, date or time."""

    minimum: Any


@dataclass(frozen=True)
class AtMost:
    """Largest allowed number, date or time."""

    maximum: Any


@dataclass(frozen=True)
class Between:
    """Smallest and largest allowed number, date or time; both are allowed themselves."""

    minimum: Any
    maximum: Any


class RequiredWhen:
    """A column that may be null is required in the rows in which another has one of these values.

    `RequiredWhen(state="paid")`, `RequiredWhen(contact_type=("phone", "sms"))`; several columns are each a reason.
    """

    def __init__(self, **values: object) -> None:
        self.conditions: tuple[tuple[str, tuple[object, ...]], ...] = tuple(
            (name, tuple(value) if isinstance(value, tuple | list | set | frozenset) else (value,))
            for name, value in values.items()
        )
