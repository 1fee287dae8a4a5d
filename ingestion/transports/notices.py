"""What S3 says about its objects, in whichever envelope it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

MOST_ENVELOPES = 4


@dataclass(frozen=True)
class Notice:
    """One object that was made or removed."""

    bucket: str
    key: str
    made: bool


def notices(body: str) -> list[Notice] | None:
    """What a message says; empty for S3's test message, None if it is no notification of S3.

    Understood are S3's own notifications, the same wrapped by SNS, and EventBridge's events. Events of other kinds
    (tags, restores, life cycle) say nothing about content and are left out.
    """
    try:
        return list(_read(orjson.loads(body), MOST_ENVELOPES))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        return None


def _read(event: Mapping[str, Any], envelopes: int) -> Iterator[Notice]:
    if not envelopes:
        raise ValueError("envelopes without end")
    if event.get("Event") == "s3:TestEvent":
        return
    if "Records" in event:
        for record in event["Records"]:
            if "Sns" in record:
                yield from _read(orjson.loads(record["Sns"]["Message"]), envelopes - 1)
            else:
                yield from _record(record)
    elif event.get("Type") == "Notification":
        yield from _read(orjson.loads(event["Message"]), envelopes - 1)
    elif event["source"] == "aws.s3":
        kind = {"Object Created": True, "Object Deleted": False}.get(event["detail-type"])
        if kind is not None:
            # EventBridge gives the key as it is, S3 itself quotes it
            yield Notice(event["detail"]["bucket"]["name"], event["detail"]["object"]["key"], kind)
    else:
        raise ValueError("not of S3")


def _record(record: Mapping[str, Any]) -> Iterator[Notice]:
    name = str(record["eventName"]).removeprefix("s3:")
    bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
    if name.startswith("ObjectCreated:"):
        yield Notice(bucket, key, made=True)
    elif name.startswith(("ObjectRemoved:", "LifecycleExpiration:")):
        yield Notice(bucket, key, made=False)
