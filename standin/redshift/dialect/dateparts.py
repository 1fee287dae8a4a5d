"""The date parts of Redshift, under all their names.

Source: "Date parts for date or timestamp functions" in the SQL reference; `m` is minutes, and `n` no date part.
"""

from __future__ import annotations

_NAMES = {
    "millennium": "millennium millennia mil mils",
    "century": "century centuries c cent cents",
    "decade": "decade decades dec decs",
    "year": "year years y yr yrs",
    "quarter": "quarter quarters qtr qtrs",
    "month": "month months mon mons",
    "week": "week weeks w",
    "dayofweek": "dayofweek dow dw weekday",
    "dayofyear": "dayofyear doy dy yearday",
    "day": "day days d",
    "hour": "hour hours h hr hrs",
    "minute": "minute minutes m min mins",
    "second": "second seconds s sec secs",
    "millisecond": "millisecond milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
    "microsecond": "microsecond microseconds us usec usecs usecond useconds microsec microsecs microsecon",
    "epoch": "epoch",
    "timezone": "timezone",
    "timezone_hour": "timezone_hour",
    "timezone_minute": "timezone_minute",
}
CANONICAL = {name: part for part, names in _NAMES.items() for name in names.split()}
