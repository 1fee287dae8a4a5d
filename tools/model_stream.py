"""Runs the models of what streams as soon as new loads have landed, until told to stop.

    python -m tools.model_stream [--select SELECTION] [--target dev] [--every 5] [--once]

At the root of the project, with the environment that dbt has. dbt needs seconds to start and to read the project; here
it has done so once, so that a run takes as long as its statements. What is deployed anew is read when this is started
anew.

Whether there is anything to do is one question to the warehouse. A run that fails is tried again, ever less often;
models take up what they have not seen, so nothing is missed, and after MOST_FAILURES in a row this ends with code 1.
SIGTERM: the run ends first. Killed at any line, a model has been built, or has not.

One at a time, and beside it no other run of the same models: see docs/web-sessions.md.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from ingestion.errors import IngestError
from ingestion.transports.patience import Patience
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dbt.contracts.graph.manifest import Manifest

SELECTION = "tag:streamed,config.materialized:incremental"
EVERY_SECONDS = 5.0
LOGGED_EVERY_SECONDS = 60.0
"""So often a run leaves a record of itself in the warehouse: one of every few seconds would soon be most of the log."""

MOST_FAILURES = 10
_PATIENCE = Patience(pause=1, longest_pause=60)

_log = logging.getLogger(__name__)


class Models:
    """The models of a selection, in a dbt that has read the project."""

    def __init__(self, selection: str, options: Sequence[str] = ()) -> None:
        """Reads the project.

        Args:
            selection: dbt's.
            options: for every dbt command: target, folders.

        Raises:
            RuntimeError: the project cannot be read.
        """
        from dbt.cli.main import dbtRunner

        self._options = [*options, "--quiet"]
        self._selection = selection
        self._logged_at = float("-inf")
        parsed = dbtRunner().invoke(["parse", *self._options])
        if not parsed.success:
            raise RuntimeError(f"dbt cannot read the project: {parsed.exception}")
        self._manifest: Manifest = parsed.result  # type: ignore[assignment]

    def run(self) -> bool:
        """Runs the models. Gives whether all went well; dbt has told what did not."""
        from dbt.cli.main import dbtRunner

        is_logged = time.monotonic() - self._logged_at >= LOGGED_EVERY_SECONDS
        words = ["run", "--select", self._selection, "--vars", f"is_run_logged: {str(is_logged).lower()}"]
        # what it asks of the warehouse beforehand is only about these models
        done = dbtRunner(manifest=self._manifest).invoke([*words, "--cache-selected-only", *self._options])
        if done.success and is_logged:
            self._logged_at = time.monotonic()
        if done.exception is not None:
            _log.error("dbt: %s", done.exception)
        return bool(done.success)


def follow(models: Models, warehouse: Warehouse, stop: threading.Event, *, every: float, once: bool = False) -> bool:
    """Runs the models whenever a load has been finished since the last run.

    Args:
        models: which.
        warehouse: where loads of `raw_events` are looked for.
        stop: ends it.
        every: seconds between two looks.
        once: ends it after one look.

    Returns:
        Whether it may be relied on: False if the last run failed, and it was the only one or one too many.
    """
    failures = 0
    modelled: Any = None
    while not stop.is_set():
        began = time.monotonic()
        try:
            finished = _last_finished(warehouse)
            if finished is not None and finished != modelled:
                if models.run():
                    modelled, failures = finished, 0
                    _log.info("modelled what had landed by %s, in %.1f s", finished, time.monotonic() - began)
                else:
                    failures += 1
        except IngestError as error:
            _log.error("%s", error)
            failures += 1
        if failures >= MOST_FAILURES or once:
            break
        pause = _PATIENCE.seconds(failures) if failures else began + every - time.monotonic()
        stop.wait(max(0.0, pause))
    return not failures or (not once and failures < MOST_FAILURES)


def _last_finished(warehouse: Warehouse) -> Any:
    """When the last finished load of events was; in the words that raw has an index for (`ingestion/ledger.py`)."""
    with warehouse.connect() as connection, warehouse.named_errors():
        query = "select max(inserted_at at time zone 'UTC') from raw_events._dlt_loads"
        return connection.execute(query).fetchone()[0]


def main(words: Sequence[str] | None = None) -> int:
    """The program; gives its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--select", default=SELECTION, help=f"which models (default: {SELECTION})")
    parser.add_argument("--target", help="dbt's target; without it, the profile's")
    parser.add_argument("--every", type=float, default=EVERY_SECONDS, help="seconds between two looks (default: 5)")
    parser.add_argument("--once", action="store_true", help="look once, and end")
    asked = parser.parse_args(words)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        warehouse = Warehouse.from_environment()
        models = Models(asked.select, ["--target", asked.target] if asked.target else [])
    except (IngestError, RuntimeError) as error:
        _log.error("%s", error)
        return 1
    _log.info("following raw_events")
    return 0 if follow(models, warehouse, stop, every=asked.every, once=asked.once) else 1


if __name__ == "__main__":
    sys.exit(main())
