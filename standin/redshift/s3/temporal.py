"""Dates and times in the forms that DATEFORMAT and TIMEFORMAT describe, and in those that 'auto' recognises.

Source: "DATEFORMAT and TIMEFORMAT strings" and "Using automatic recognition" of the SQL reference. Years outside of
1 to 9999 are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {
    "z": 0, "utc": 0, "gmt": 0, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "cet": 60, "cest": 120, "eet": 120, "eest": 180, "bst": 60, "wet": 0, "jst": 540,
}  # fmt: skip
_MONTH = r"(?P<mon>[A-Za-z]{3,9})"
_ZONE = r"(?P<zone>[+-]\d{1,2}(?::?\d{2})?|[A-Za-z]{1,5})"
_FIELDS = (
    ("yyyy", r"(?P<year>\d{4})"),
    ("yy", r"(?P<short>\d{2})"),
    ("month", _MONTH),
    ("mon", _MONTH),
    ("mm", r"(?P<month>\d{1,2})"),
    ("ddd", r"(?P<dayofyear>\d{1,3})"),
    ("dd", r"(?P<day>\d{1,2})"),
    ("hh24", r"(?P<hour>\d{1,2})"),
    ("hh12", r"(?P<hour>\d{1,2})"),
    ("hh", r"(?P<hour>\d{1,2})"),
    ("mi", r"(?P<minute>\d{1,2})"),
    ("ss", r"(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?"),
    ("am", r"(?P<half>[AaPp][Mm])"),
    ("pm", r"(?P<half>[AaPp][Mm])"),
    ("of", _ZONE),
    ("tz", _ZONE),
)
_TIME = (
    r"(?:[T ]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?)?"
    rf"(?:\s*(?P<half>[AaPp][Mm]))?(?:\s*{_ZONE})?)?"
)
_PACKED = rf"(?:[T ](?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})(?:\.(?P<fraction>\d+))?(?:\s*{_ZONE})?)?"
_DATES = (
    r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})",
    r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})[-/.](?P<year>\d{4})",
    r"(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<short>\d{2})",
    rf"(?P<day>\d{{1,2}})[- ]{_MONTH}[- ](?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[- ]{_MONTH}[- ](?P<day>\d{{1,2}})",
    rf"{_MONTH}[- ](?P<day>\d{{1,2}}),?[- ](?P<year>\d{{4}})",
    rf"{_MONTH}[- ](?P<day>\d{{1,2}}),?[- ](?P<short>\d{{2}})",
    rf"(?P<day>\d{{1,2}})[- ]{_MONTH}[- ](?P<short>\d{{2}})",
    r"(?P<year>\d{4})\.(?P<dayofyear>\d{3})",
    r"J(?P<julian>\d+)",
)
_AUTO = (
    *(re.compile(each + _TIME + r"\s*") for each in _DATES),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _PACKED),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME),
    re.compile(r"(?P<short>\d{2})(?P<month>\d{2})(?P<day>\d{2})" + _PACKED),
    re.compile(
        rf"(?P<day>\d{{1,2}}) {_MONTH} (?P<hour>\d{{1,2}}):(?P<minute>\d{{2}}):(?P<second>\d{{2}})"
        r"(?:\.(?P<fraction>\d+))?"
        rf" (?P<year>\d{{4}})(?:\s*{_ZONE})?"
    ),
)
_JULIAN_OF_YEAR_ONE = 1721426
_DEFAULT_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?:[T ].*)?")
_DEFAULT_TIMESTAMP = re.compile(_DATES[0].replace("[-/]", "-") + _TIME.replace("[T ]", " ", 1))
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?)?"
    rf"(?:\s*(?P<half>[AaPp][Mm]))?(?:\s*{_ZONE})?"
)


@dataclass(frozen=True)
class Moment:
    """A point in local time, and how far from UTC that is, in minutes; None if the text does not say."""

    local: datetime
    offset: int | None = None

    def utc(self) -> datetime:
        """The point in UTC; a text without zone is taken as UTC."""
        moved = self.local - timedelta(minutes=self.offset or 0)
        return moved.replace(tzinfo=UTC)


def parse_date(text: str, form: str | None) -> date:
    """A date in a form of DATEFORMAT (None: YYYY-MM-DD); raises ValueError. Time of day is dropped."""
    return _parse(text, form, _DEFAULT_DATE).local.date()


def parse_moment(text: str, form: str | None) -> Moment:
    """A timestamp in a form of TIMEFORMAT (None: YYYY-MM-DD HH:MI:SS); raises ValueError."""
    if form in ("epochsecs", "epochmillisecs"):
        from decimal import Decimal, InvalidOperation

        try:
            number = Decimal(text.strip()) * (1_000_000 if form == "epochsecs" else 1000)
            return Moment(datetime(1970, 1, 1) + timedelta(microseconds=int(number)), 0)
        except (InvalidOperation, OverflowError) as error:
            raise ValueError(text) from error
    return _parse(text, form, _DEFAULT_TIMESTAMP)


def parse_time(text: str) -> Moment:
    """A time of day, on the first day of 1970; raises ValueError."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return _moment({"year": "1970", "month": "1", "day": "1", **found.groupdict()})


def _parse(text: str, form: str | None, default: re.Pattern[str]) -> Moment:
    text = text.strip()
    if form is None:
        found = default.fullmatch(text)
        return _moment(found.groupdict() if found else {})
    if form != "auto":
        found = _compiled(form).fullmatch(text)
        return _moment(found.groupdict() if found else {})
    for pattern in _AUTO:
        found = pattern.fullmatch(text)
        if found:
            return _moment(found.groupdict())
    raise ValueError(text)


@lru_cache(maxsize=64)
def _compiled(form: str) -> re.Pattern[str]:
    """The pattern of a format string; raises ValueError where it can describe nothing."""
    pattern, at, lower = "", 0, form.lower()
    while at < len(form):
        for name, piece in _FIELDS:
            if lower.startswith(name, at):
                pattern += piece
                at += len(name)
                break
        else:
            pattern += re.escape(form[at])
            at += 1
    # a fraction may also be spelled out: SS.SSS, SS.FF, SS.US
    pattern = re.sub(r"(\\\.)(?:\(\?P<second>.*?\)\?)?(?:[sSfFuUmM]+\d?)$", "", pattern)
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(form) from error


def _moment(found: dict[str, str | None]) -> Moment:
    """Raises ValueError when the parts are no date."""
    day = _day(found)
    hour = int(found.get("hour") or 0)
    half = (found.get("half") or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError("an hour of a half day is between 1 and 12")
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    fraction = ((found.get("fraction") or "") + "000000")[:6]
    local = datetime(day.year, day.month, day.day) + timedelta(0)
    second = int(found.get("second") or 0)
    local = local.replace(hour=hour, minute=int(found.get("minute") or 0), second=second, microsecond=int(fraction))
    zone = found.get("zone")
    return Moment(local, None if zone is None else _offset(zone))


def _day(found: dict[str, str | None]) -> date:
    if found.get("julian"):
        return date.fromordinal(int(found["julian"] or 0) - _JULIAN_OF_YEAR_ONE + 1)
    if found.get("year"):
        year = int(found["year"] or 0)
    elif found.get("short"):
        # as Postgres: 70 and later belong to the last century
        short = int(found["short"] or 0)
        year = short + (1900 if short >= 70 else 2000)
    else:
        raise ValueError("no year")
    if found.get("dayofyear"):
        day = date(year, 1, 1) + timedelta(days=int(found["dayofyear"] or 0) - 1)
        if day.year != year:
            raise ValueError("no such day of the year")
        return day
    name = (found.get("mon") or "").lower()[:3]
    month = _MONTHS.index(name) + 1 if name else int(found.get("month") or 1)
    return date(year, month, int(found.get("day") or 1))


def _offset(zone: str) -> int:
    if zone[0] not in "+-":
        if zone.lower() not in _ZONES:
            raise ValueError(zone)
        return _ZONES[zone.lower()]
    digits = zone[1:].replace(":", "")
    hours, minutes = (digits, "0") if len(digits) <= 2 else (digits[:-2], digits[-2:])
    return (1 if zone[0] == "+" else -1) * (int(hours) * 60 + int(minutes))
