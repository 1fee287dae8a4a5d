"""What people type for times and for lengths of time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    Parameter = click.Parameter | None
    Context = click.Context | None

_LENGTH = re.compile(r"([1-9][0-9]*)(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class UtcTime(click.ParamType[datetime]):
    """`2026-01-31`, `2026-01-31T12:00`, or a time with a zone; without one it is UTC."""

    name = "time"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> datetime:
        """The time in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            parsed = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-01-31, or 2026-01-31T12:00 (UTC)", param, ctx)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


class Length(click.ParamType[timedelta]):
    """`90m`, `36h`, `7d`, `2w`."""

    name = "length"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> timedelta:
        """The length of time."""
        if isinstance(value, timedelta):
            return value
        match = _LENGTH.fullmatch(value)
        if not match:
            self.fail(f"{value!r} is no length of time; write 90m, 36h, 7d or 2w", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
