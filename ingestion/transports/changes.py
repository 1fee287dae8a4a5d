"""How an API is asked only for what has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.delivery import Request


@dataclass(frozen=True)
class Changes:
    """The parameters that ask for changes, and where the next run goes on.

    An API that takes the end of a window too is asked for windows by our clock that meet without a gap: the next run
    starts where this one ended. An API that does not is asked from the latest change on that has landed; what it gives
    again of that very moment is recognised by its content.

    Attributes:
        since: parameter that takes the beginning of the window, which is part of it.
        until: parameter that takes the end of the window, which is not part of it.
        field: JMESPath of the time, or the number, of a record's last change. Needed where there is no `until`.
        start: what the first run asks for; without it, for everything.
        lag_seconds: how far a window ends before now, for changes that become visible late and clocks that differ.
    """

    since: str
    until: str | None = None
    field: str | None = None
    start: str | None = None
    lag_seconds: int = 60

    def __post_init__(self) -> None:
        if not self.until and not self.field:
            raise ValueError("changes need a parameter `until`, or the `field` that tells when a record changed")

    def window(self, cursor: str | None, request: Request, now: datetime) -> Window:
        """What this run asks for.

        Args:
            cursor: where the last run ended, as `Window.cursor` gave it.
            request: a window of its own stands above the cursor.
            now: with its zone.
        """
        landed, known = _read_cursor(cursor)
        since = written(request.since) if request.since else landed or self.start
        until = request.until
        if self.until and until is None:
            until = now - timedelta(seconds=self.lag_seconds)
        if until and not self.until and not self.field:
            raise IngestError("this collection cannot be asked for changes until a time")
        return Window(self, since, until, known)


class Window:
    """A stretch of changes, and what has been seen of it."""

    def __init__(self, changes: Changes, since: str | None, until: datetime | None, known: frozenset[str]) -> None:
        self.since = since
        self._changes = changes
        self._until = until
        self._known = known
        self._latest: str | None = since
        self._at_latest = set(known)

    def params(self) -> dict[str, str]:
        """The parameters of the request."""
        params = {self._changes.since: self.since} if self.since else {}
        if self._changes.until and self._until:
            params[self._changes.until] = written(self._until)
        return params

    def new(self, records: Iterable[Any]) -> Iterator[Any]:
        """Those that have not landed, in their order."""
        if not self._changes.field:
            yield from records
            return
        import jmespath

        path = jmespath.compile(self._changes.field)
        since = None if self.since is None else _place(self.since)
        for record in records:
            changed = path.search(record) if isinstance(record, dict) else None
            if changed is None:
                # the contract has a word to say about it, not we
                yield record
                continue
            place = _place(changed)
            if self._until and not self._changes.until and place >= _place(written(self._until)):
                continue
            if place == since and _hash(record) in self._known:
                continue
            self._note(changed, place, record)
            yield record

    def cursor(self) -> str | None:
        """Where the next run goes on; known when all records have been seen."""
        if self._changes.until and self._until:
            return written(self._until)
        return None if self._latest is None else orjson.dumps([self._latest, sorted(self._at_latest)]).decode()

    def _note(self, changed: Any, place: tuple[int, float, str], record: Any) -> None:
        latest = None if self._latest is None else _place(self._latest)
        if latest is None or place > latest:
            self._latest, self._at_latest = str(changed), set()
            latest = place
        if place == latest:
            self._at_latest.add(_hash(record))


def written(moment: datetime) -> str:
    """A time as APIs read it: ISO 8601 in UTC with a Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _read_cursor(cursor: str | None) -> tuple[str | None, frozenset[str]]:
    if cursor and cursor.startswith("["):
        value, hashes = orjson.loads(cursor)
        return str(value), frozenset(hashes)
    return cursor, frozenset()


def _place(value: object) -> tuple[int, float, str]:
    """Something that compares as the times, numbers or words do that an API writes."""
    text = str(value)
    try:
        return 0, float(text), ""
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 2, 0.0, text
    return 1, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), ""


def _hash(record: Any) -> str:
    return hashlib.sha256(orjson.dumps(record, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
