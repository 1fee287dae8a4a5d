"""What the collector answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from ingestion.collector.intake import Taken

Headers = tuple[tuple[bytes, bytes], ...]

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A transparent GIF of one pixel."""

_JSON = (b"content-type", b"application/json")
_encode = msgspec.json.Encoder().encode


class Answer(NamedTuple):
    """An answer.

    Attributes:
        status: HTTP's.
        headers: without the length, which is added.
        body: may be empty.
    """

    status: int
    headers: Headers
    body: bytes


class Stop(Exception):  # noqa: N818 - it is an answer, not a failure of ours
    """A request is answered before it has come to its end."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def of_json(value: Any, status: int = 200) -> Answer:
    """Anything as JSON."""
    return Answer(status, (_JSON,), _encode(value))


def refusal(status: int, error: str, reason: str, *headers: tuple[bytes, bytes]) -> Answer:
    """Nothing was taken.

    Args:
        status: HTTP's.
        error: what is wrong, for programs.
        reason: what is wrong and what to do about it, for people.
        headers: more of them.
    """
    return Answer(status, (_JSON, *headers), _encode({"error": error, "reason": reason}))


def later(status: int, error: str, reason: str, seconds: float) -> Answer:
    """Nothing was taken, and the same may be sent again after so many seconds."""
    return refusal(status, error, reason, (b"retry-after", b"%d" % max(1, math.ceil(seconds))))


def of_events(taken: Taken) -> Answer:
    """What became of a body: 200 if every event was accepted, 422 if none was, 207 if some were."""
    said: dict[str, Any] = {"accepted": taken.accepted}
    if taken.new_ids:
        said["new_ids"] = [{"index": place, "event_id": event_id} for place, event_id in taken.new_ids.items()]
    if not taken.rejected:
        return of_json(said)
    said["rejected"] = [
        {"index": place, "path": path, "rule": rule, "reason": reason} for place, path, rule, reason in taken.rejected
    ]
    return of_json(said, 207 if taken.accepted else 422)


def parts(answer: Answer, more: Sequence[tuple[bytes, bytes]]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """An answer as the two messages of ASGI."""
    headers = [*answer.headers, (b"content-length", b"%d" % len(answer.body)), *more]
    return (
        {"type": "http.response.start", "status": answer.status, "headers": headers},
        {"type": "http.response.body", "body": answer.body},
    )
