"""Ingestion as an AWS Lambda function; the same work as a container task is `python -m ingestion run ...`.

What an event is about tells what to do:

* messages of an SQS queue that announce S3 objects: the objects are landed, and the messages that were not done with
  are named in `batchItemFailures`, so that only they come again;
* S3's notification itself, directly, through SNS or through EventBridge: the same; if not all of it has landed, the
  invocation fails, so that Lambda tries it again;
* a schedule: `{"source": "crm"}`, or an EventBridge event whose `detail` says so. `since`, `until` and `full` may stand
  beside it.

A function's time is limited: well before its end nothing more is asked for, what has been read is landed, and the rest
is left for the next invocation. Configure the function with the settings of its sources in the environment, and, for a
queue, with `ReportBatchItemFailures`.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ingestion.errors import IngestError, RunInProgressError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.delivery import Request, Source
    from ingestion.landing import Report
    from ingestion.transports.sqs import Message

log = logging.getLogger(__name__)

RESERVE_MILLISECONDS = 120_000
"""What is kept for landing what has been read; of a short time-out, a quarter."""

LOCK_WAIT_SECONDS = 2

# dlt writes into the home folder otherwise, which a function cannot
os.environ.setdefault("DLT_DATA_DIR", str(Path(tempfile.gettempdir()) / "dlt"))


class Context(Protocol):
    """What Lambda tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        ...


def handle(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Lands what an event is about.

    Args:
        event: as Lambda gives it; see the module's docstring.
        context: Lambda's.

    Returns:
        For messages of a queue, `batchItemFailures`; else `reports`, and `stopped` if something is left to do.

    Raises:
        IngestError: the event is none of those; or, where nothing else would bring it again, it has not landed.
    """
    stop = _nearly_over(context)
    records: Sequence[Mapping[str, Any]] = event.get("Records", ())
    if records and records[0].get("eventSource") == "aws:sqs":
        return {"batchItemFailures": [{"itemIdentifier": one} for one in _land_queued(records, stop)]}
    if records or event.get("source") == "aws.s3":
        return _land_notified(event, stop)
    return _land_scheduled(event, stop)


def _nearly_over(context: Context) -> Callable[[], bool]:
    reserve = min(RESERVE_MILLISECONDS, context.get_remaining_time_in_millis() // 4)
    return lambda: context.get_remaining_time_in_millis() < reserve


def _land_queued(records: Sequence[Mapping[str, Any]], stop: Callable[[], bool]) -> list[str]:
    """Lands what messages announce; gives the ids of those that must come again."""
    from ingestion.transports.sqs import Message

    by_queue: dict[str, list[Message]] = {}
    for record in records:
        queue = str(record["eventSourceARN"]).rpartition(":")[2]
        by_queue.setdefault(queue, []).append(Message(record["messageId"], record["body"], record["receiptHandle"]))
    unfinished: list[str] = []
    for queue, messages in by_queue.items():
        source = _of_queue(queue)
        given = source.transport.given(messages)  # type: ignore[union-attr]
        try:
            _land(replace(source, transport=given), stop)
        except IngestError as error:
            # what has not landed comes again, and ends among the dead letters if it never can
            log.error("%s: %s", source.name, error)
        unfinished += given.unfinished()
    return unfinished


def _land_notified(event: Mapping[str, Any], stop: Callable[[], bool]) -> dict[str, Any]:
    """Lands what S3 itself says.

    Raises:
        IngestError: not all of it has landed.
    """
    from ingestion.transports.notices import notices
    from ingestion.transports.sqs import Message

    message = Message("event", json.dumps(event), "")
    found = notices(message.body)
    if found == []:
        # a test message, or of a kind that says nothing about content
        return {"reports": []}
    keys = [notice.key for notice in found or ()]
    source = _of_keys(keys, event)
    given = source.transport.given([message])  # type: ignore[union-attr]
    report = _land(replace(source, transport=given), stop)
    if given.unfinished():
        raise IngestError(f"{source.name}: not all of {', '.join(keys)} has landed; it has to be tried again")
    return {"reports": [_plain(report)]}


def _land_scheduled(event: Mapping[str, Any], stop: Callable[[], bool]) -> dict[str, Any]:
    from ingestion import sources

    detail = event.get("detail")
    said: Mapping[str, Any] = detail if isinstance(detail, Mapping) and detail else event
    names = said.get("sources") or [said.get("source")]
    if not names or any(name not in sources.NAMES for name in names):
        raise IngestError(
            f'this event is no S3 notification, no message of a queue, and no {{"source": one of '
            f"{', '.join(sources.NAMES)}}}: {json.dumps(event, default=str)[:500]}"
        )
    reports: list[dict[str, Any]] = []
    failures: list[IngestError] = []
    for name in names:
        if stop():
            return {"reports": reports, "stopped": True}
        try:
            reports.append(_plain(_land(sources.find(name), stop, _request(said))))
        except IngestError as error:
            log.error("%s: %s", name, error)
            failures.append(error)
    if failures:
        raise failures[0]
    return {"reports": reports, "stopped": any(report["stopped"] for report in reports)}


def _request(said: Mapping[str, Any]) -> Request:
    from ingestion.delivery import Request

    def moment(name: str) -> datetime | None:
        if said.get(name) is None:
            return None
        parsed = datetime.fromisoformat(said[name])
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)

    return Request(since=moment("since"), until=moment("until"), full=said.get("full") is True)


def _land(source: Source, stop: Callable[[], bool], request: Request | None = None) -> Report:
    """Lands a source; where another run is under way, waits for its end as long as there is time."""
    from ingestion import landing
    from ingestion.delivery import EVERYTHING_NEW

    warehouse = Warehouse.from_environment()
    while True:
        try:
            report = landing.land(source, warehouse, request=request or EVERYTHING_NEW, stop=stop, say=log.info)
        except RunInProgressError:
            if stop():
                raise
            time.sleep(LOCK_WAIT_SECONDS)
        else:
            log.info("%s", json.dumps(_plain(report)))
            return report


def _of_queue(queue: str) -> Source:
    """The source whose notifications come on this queue."""
    from ingestion.config import optional_setting

    for source in _announced():
        if optional_setting(source.name, "queue") == queue:
            return source
    raise IngestError(f"no source has the queue {queue}; set SOURCES__<SOURCE>__QUEUE for this function")


def _of_keys(keys: Sequence[str], event: Mapping[str, Any]) -> Source:
    """The source that has a table for all of these objects."""
    from ingestion.transports.s3_objects import table_of

    for source in _announced():
        objects = source.transport.objects  # type: ignore[union-attr]
        if keys and all(table_of(objects, key) for key in keys):
            return source
    raise IngestError(f"no source has a table for what this event announces: {json.dumps(event, default=str)[:500]}")


def _announced() -> list[Source]:
    from ingestion import sources
    from ingestion.transports.s3_events import S3Events

    found = (sources.find(name) for name in sources.NAMES)
    return [source for source in found if isinstance(source.transport, S3Events)]


def _plain(report: Report) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(report), default=str))
    return plain
