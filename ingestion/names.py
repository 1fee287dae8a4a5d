"""How a source's names become column names."""

import re

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")

LONGEST = 63
"""Postgres cuts longer identifiers silently; Redshift allows 127 bytes."""


def snake_case(name: str) -> str:
    """`paymentDueDate`, `Payment Due Date` and `customerID` as `payment_due_date` and `customer_id`.

    Raises:
        ValueError: nothing is left of the name, or more than 63 characters are.
    """
    words = _OTHER.sub("_", _BOUNDARY.sub("_", name.strip()).lower()).strip("_")
    if words[:1].isdigit():
        words = f"_{words}"
    if not words or len(words) > LONGEST:
        raise ValueError(f"{name!r} gives no column name of 1 to {LONGEST} letters, digits and underscores")
    return words
