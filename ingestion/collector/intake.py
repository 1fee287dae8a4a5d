"""A body into records for the stream, and a reason for each event that is none. No input, no output, no clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Union

import msgspec

from ingestion.collector.enrichment import Enrichment
from ingestion.collector.schema import VERSION, EventSchema, Moment, Refused
from ingestion.streams.producer import Record

LONGEST_PAYLOAD = 60_000
"""Bytes that a bad event takes along to the stream of bad events: enough for any event of the allowed size."""

RECORD_BYTES = 256 << 10
"""Of the events that share a record: a quarter of what Kinesis and, by default, Kafka take."""

_BLANK = b" \t\r\n"


class UnreadableError(Exception):
    """Nothing of a body can be taken.

    Attributes:
        status: of the answer.
        rule: what it breaks, for grouping.
        reason: a sentence for people.
    """

    def __init__(self, status: int, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.rule = rule
        self.reason = reason


class Rejection(NamedTuple):
    """Why one event was not taken.

    Attributes:
        place: in the batch, counted from 0.
        path: where in it, as a JSONPath.
        rule: what it breaks, for grouping.
        reason: a sentence for people.
    """

    place: int
    path: str
    rule: str
    reason: str


@dataclass
class Taken:
    """What became of a body.

    Attributes:
        records: for the stream, accepted events first, those of a device together; then bad ones, for the stream of bad
            events.
        accepted: how many events were accepted.
        rejected: why the others were not.
        new_ids: the identity that was made for an event, by its place in the batch.
    """

    records: list[Record] = field(default_factory=list)
    accepted: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    new_ids: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What is too much.

    Attributes:
        batch_events: events of a body.
        event_bytes: an event on the stream, with all that is added.
        oldest: how long ago an event may have happened; beyond that the sender's clock is wrong.
        newest: how far in the future.
    """

    batch_events: int = 500
    event_bytes: int = 32 << 10
    oldest: timedelta = timedelta(days=90)
    newest: timedelta = timedelta(days=1)


_Decoded = tuple[list[tuple[int, Any]], list[tuple[Rejection, bytes]]]
"""Events by their place, and what is none with its text."""


class Intake:
    """Takes bodies for one stream."""

    def __init__(self, schemas: Mapping[str, EventSchema], stream: str, limits: Limits) -> None:
        self._schemas = schemas
        self._stream = stream
        self._limits = limits
        self._checks: dict[type, Callable[[Any, Moment], None]] = {one.struct: one.check for one in schemas.values()}
        any_event: Any = Union[tuple(one.struct for one in schemas.values())]  # noqa: UP007 - of as many as there are
        self._one: msgspec.json.Decoder[Any] = msgspec.json.Decoder(any_event)
        self._many: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[any_event])
        self._raw: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
        # a parameter of a query has no type; these are numbers if they look like one
        self._numbers = {
            name
            for schema in schemas.values()
            for name, described in schema.document["properties"].items()
            if {"number", "integer"} & set(described["type"])
        }

    def take(self, body: bytes, now: datetime, enrichment: Enrichment) -> Taken:
        """An event, or an array of events.

        Raises:
            UnreadableError: the body is not JSON, empty, or has too many events.
        """
        events, rejections = self._decoded(body)
        if len(events) + len(rejections) > self._limits.batch_events:
            raise UnreadableError(413, "batch", f"a batch has at most {self._limits.batch_events} events")
        limits = self._limits
        # a backslash may be the beginning of any character
        moment = Moment(now - limits.oldest, now + limits.newest, body.isascii() and b"\\" not in body)
        taken = Taken()
        by_device: dict[str, list[bytes]] = {}
        most = limits.event_bytes
        checks, value_of = self._checks, enrichment.value
        for place, event in events:
            is_new = event.event_id is None
            try:
                checks[type(event)](event, moment)
                value = value_of(event)
                if len(value) > most:
                    raise Refused("$", "size", f"the event has more than {most:,} bytes")
            except Refused as refused:
                rejections.append((Rejection(place, refused.path, refused.rule, refused.reason), _plain(event)))
                continue
            taken.accepted += 1
            by_device.setdefault(event.device_id, []).append(value)
            if is_new:
                taken.new_ids[place] = event.event_id
        for device_id, values in by_device.items():
            taken.records += [Record(self._stream, device_id, value) for value in _put_together(values)]
        rejections.sort()
        for rejection, payload in rejections:
            taken.rejected.append(rejection)
            taken.records.append(self.bad_record(rejection.reason, payload, enrichment))
        return taken

    def body_of(self, parameters: Mapping[str, str]) -> bytes:
        """The body that says what the parameters of a query say."""
        return msgspec.json.encode(
            {
                name: msgspec.Raw(text) if name in self._numbers and _NUMBER.fullmatch(text) else text
                for name, text in parameters.items()
            }
        )

    def bad_record(self, reason: str, payload: bytes, enrichment: Enrichment) -> Record:
        """What the stream of bad events gets."""
        text = payload[:LONGEST_PAYLOAD].decode(errors="replace").replace("\x00", "\ufffd")
        value = {
            "received_at": enrichment.received_at,
            "site_id": enrichment.site_id,
            "reason": reason,
            "payload": text,
        }
        return Record(f"{self._stream}-bad", enrichment.site_id, msgspec.json.encode(value))

    def _decoded(self, body: bytes) -> _Decoded:
        """The events that msgspec takes, and the others."""
        start = body.lstrip(_BLANK)[:1]
        try:
            if start == b"[":
                events = list(enumerate(self._many.decode(body)))
                if not events:
                    raise UnreadableError(400, "empty", "the batch is empty")
                return events, []
            if start == b"{":
                return [(0, self._one.decode(body))], []
        except (msgspec.ValidationError, UnicodeDecodeError, RecursionError):
            return self._one_by_one(body, is_batch=start == b"[")
        except msgspec.DecodeError as error:
            raise UnreadableError(400, "json", _malformed(error)) from None
        raise UnreadableError(400, "json", "the body is neither a JSON object nor an array of them")

    def _one_by_one(
        self, body: bytes, *, is_batch: bool
    ) -> tuple[list[tuple[int, Any]], list[tuple[Rejection, bytes]]]:
        """The same when an event is wrong: the others are not, for that."""
        try:
            texts = [bytes(raw) for raw in self._raw.decode(body)] if is_batch else [body]
        except RecursionError:
            raise UnreadableError(400, "depth", "the body is nested too deep") from None
        except msgspec.DecodeError as error:
            raise UnreadableError(400, "json", _malformed(error)) from None
        events: list[tuple[int, Any]] = []
        rejections: list[tuple[Rejection, bytes]] = []
        for index, text in enumerate(texts):
            try:
                events.append((index, self._one.decode(text)))
            except msgspec.ValidationError as error:
                rejections.append((Rejection(index, *self._explained(str(error))), text))
            except UnicodeDecodeError:
                rejections.append((Rejection(index, "$", "encoding", "the event is not in UTF-8"), text))
            except RecursionError:
                rejections.append((Rejection(index, "$", "depth", "the event is nested too deep"), text))
            except msgspec.DecodeError as error:
                rejections.append((Rejection(index, "$", "json", _malformed(error)), text))
        return events, rejections

    def _explained(self, said: str) -> tuple[str, str, str]:
        """Path, rule and reason of what msgspec says."""
        sentence, _, path = said.partition(" - at `")
        path = path.rstrip("`") or "$"
        if VERSION in (path.removeprefix("$."), sentence.partition("required field `")[2].rstrip("`")):
            return f"$.{VERSION}", VERSION, f"{VERSION} is not one of {', '.join(self._schemas)}"
        # the last pattern fits everything
        rule, reason, found = next(
            (rule, reason, found) for pattern, rule, reason in _RULES if (found := pattern.fullmatch(sentence))
        )
        if rule in ("required", "unknown_field"):
            path = f"{path}.{found[1]}"
        name = path.removeprefix("$.") if path != "$" else "the event"
        return path, rule, reason.format(name, *found.groups())


_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

_RULES = [
    (re.compile(pattern), rule, reason)
    for pattern, rule, reason in (
        (r"Object missing required field `(.*)`", "required", "{0} is missing"),
        (
            r"Object contains unknown field `(.*)`",
            "unknown_field",
            "{0} is no field of this version; what only your site knows belongs into properties",
        ),
        (r"Invalid enum value (.*)", "one_of", "{0} {1} is none that this version knows"),
        (r"Expected `str` of length <= ([0-9]+)", "length", "{0} is longer than {1} bytes"),
        (r"Expected `str` of length >= 1", "length", "{0} is empty"),
        (r"Expected `float` ([<>]= .*)", "range", "{0} is not {1}"),
        (r"Expected `datetime` with a timezone component", "type", "{0} is a time without a zone"),
        (r"Invalid RFC3339 encoded datetime", "type", "{0} is not a time as in 2026-01-31T12:00:00.000Z"),
        (r"(?:Number|Integer value) out of range", "range", "{0} contains a number that nothing can hold"),
        (r"Expected `(.*)`, got `(.*)`", "type", "{0} is {2} instead of {1}"),
        (r"(?s)(.*)", "type", "{0}: {1}"),
    )
]
"""What msgspec says, and how we call it."""


def _put_together(values: list[bytes]) -> Iterator[bytes]:
    """The events of a device as few values of records: an event, or an array of events."""
    first, size = 0, 0
    for place, value in enumerate(values):
        if first < place and size + len(value) > RECORD_BYTES:
            yield _array(values[first:place])
            first, size = place, 0
        size += len(value)
    yield _array(values[first:])


def _array(values: list[bytes]) -> bytes:
    return values[0] if len(values) == 1 else b"[" + b",".join(values) + b"]"


def _malformed(error: Exception) -> str:
    return f"the body is not JSON: {str(error).removeprefix('JSON is malformed: ')}"


def _plain(event: Any) -> bytes:
    """An event as it would be sent."""
    return msgspec.json.encode(event)
