"""Rejected rows as text that every destination can hold."""

from __future__ import annotations

import orjson

MAX_PAYLOAD_BYTES = 65_000
"""What a quarantined row may carry: Redshift's longest varchar is 65,535 bytes."""


def to_json(value: object) -> str:
    """JSON text that every destination can hold, as `storable` makes it."""
    return storable(orjson.dumps(value, default=str).decode().replace("\\u0000", "\\ufffd"))


def storable(text: str) -> str:
    """Text that every destination can hold: NULs replaced, cut to `MAX_PAYLOAD_BYTES` of UTF-8."""
    encoded = text.replace("\x00", "\ufffd").encode(errors="replace")
    return encoded[:MAX_PAYLOAD_BYTES].decode(errors="ignore")
