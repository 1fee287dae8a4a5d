"""The collector's process."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from ingestion.collector.app import Collector
from ingestion.collector.outlet import Outlet
from ingestion.collector.settings import Settings
from ingestion.collector.spool import Spool
from ingestion.errors import IngestError
from ingestion.streams.producer import open_producer

LONGEST_HEAD = 64 << 10
"""Bytes; the server refuses longer ones with 431, and more than a hundred headers, too."""
_BACKLOG = 1024
_OBJECTS_BETWEEN_SEARCHES = 50_000
_LOGGING = {
    "handlers": {},
    # through ours, to standard error
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}

_log = logging.getLogger(__name__)


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Takes events until SIGTERM or Ctrl-C; then answers who is waiting, and empties the spool if it can.

    Args:
        settings: what to do.
        ready: is told the address when events are taken.

    Raises:
        IngestError: the spool or the port cannot be used, or a setting is missing.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    uvloop.run(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[str], None]) -> None:
    # before anything is opened: nothing has to be closed if it is missing
    stream = settings.stream
    producer = open_producer(settings.source, settings.stream_seconds)
    try:
        spool = Spool(settings.folder, round(settings.spool_megabytes * (1 << 20)))
    except IngestError:
        await producer.close()
        raise
    outlet = Outlet(producer, spool, round(settings.in_flight_megabytes * (1 << 20)))
    try:
        server = Server(
            Collector(settings, outlet),
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=_BACKLOG,
            backpressure=settings.connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=round(settings.header_seconds * 1000), max_buffer_size=LONGEST_HEAD
            ),
            log_level=LogLevels.error,
            log_dictconfig=_LOGGING,
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.stop)
        serving = loop.create_task(server.serve())
        # its first step binds the port
        await asyncio.sleep(0)
        if not serving.done():
            _log.info("events for the stream %s at http://%s:%d", stream, settings.host, settings.port)
            _leave_to_itself()
            ready(f"http://{settings.host}:{settings.port}")
        try:
            await serving
        except RuntimeError as error:
            # a backtrace of the server's own follows the first line
            why = str(error).partition("\n")[0]
            raise IngestError(f"the port {settings.port} of {settings.host} cannot be used: {why}") from None
    finally:
        await outlet.close(settings.shutdown_seconds)
    _log.info("stopped")


def _leave_to_itself() -> None:
    """What is there now stays, and what a request makes goes with it: cycles need not be looked for all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_SEARCHES)
