"""Runs sources by name: what the command line, the demo and the tests call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.delivery import EVERYTHING_NEW
from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.delivery import Request
    from ingestion.landing import Report
    from ingestion.warehouse import Warehouse


def run(
    name: str,
    warehouse: Warehouse,
    *,
    paths: Sequence[Path] = (),
    request: Request = EVERYTHING_NEW,
    allow_shrink: bool = False,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Lands what is new of one source.

    Args:
        name: one of `ingestion.sources.NAMES`, or `files`.
        warehouse: where to land.
        paths: for `files`, what to land.
        request: what to ask the source for.
        allow_shrink: land deliveries that are much smaller than their earlier versions.
        stop: asked before each delivery; once it says so, what has been read is landed and the rest is left.
        say: called with short sentences of progress.

    Raises:
        IngestError: the text says what happened and what to do; its `report` tells what had landed before.
    """
    from ingestion import landing, sources
    from ingestion.sources import files

    if name != "files":
        if paths:
            raise IngestError(f"--path is for the source files; {name} knows where its data is")
        return landing.land(
            sources.find(name), warehouse, request=request, allow_shrink=allow_shrink, stop=stop, say=say
        )
    if not paths:
        raise IngestError("files needs to be told what to land: ingest run files --path FILE")
    with warehouse.connect() as connection:
        frozen = files.frozen_contracts(connection)
    source, inferred = files.source(paths, frozen)
    return landing.land(
        source, warehouse, request=request, allow_shrink=allow_shrink, frozen=inferred, stop=stop, say=say
    )
