"""A thread for work that waits for S3 or computes: it can be left behind, and nothing waits for it long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from standin.redshift.s3.errors import cancelled

Result = TypeVar("Result")

# how long `close` waits for a thread that may hang in a request to S3, and for the last work of one that does not
_HANGING_SECONDS = 0.5
_LAST_SECONDS = 30.0


class Worker:
    """Does one piece of work after the other.

    Args:
        name: of its thread.
        pid: of the client's backend, for the error of a cancelled statement.

    Attributes:
        stop: set when the work is to end; long work looks at it now and then.
    """

    def __init__(self, name: str, pid: int) -> None:
        self.stop = threading.Event()
        self._name, self._pid = name, pid
        self._pool: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken: asyncio.Future[None] | None = None
        self._last: asyncio.Future[Any] | None = None

    def start(self, work: Callable[..., Result], *arguments: object) -> asyncio.Future[Result]:
        """Begin a piece of work; its result is for `result`."""
        if self._pool is None or self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._woken = self._loop.create_future()
            self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._name)
        future = self._loop.run_in_executor(self._pool, work, *arguments)
        self._last = future
        return future

    async def result(self, work: asyncio.Future[Result]) -> Result:
        """What the work gave; raises what it raised, and DialectError as soon as it is cancelled."""
        if self._woken is not None:
            await asyncio.wait((work, self._woken), return_when=asyncio.FIRST_COMPLETED)
        self.raise_if_stopped()
        return await work

    async def run(self, work: Callable[..., Result], *arguments: object) -> Result:
        """`start` and `result`."""
        self.raise_if_stopped()
        return await self.result(self.start(work, *arguments))

    def raise_if_stopped(self) -> None:
        """Raise DialectError if the statement was cancelled."""
        if self.stop.is_set():
            raise cancelled(self._pid)

    def cancel(self) -> None:
        """End it, from whichever thread."""
        self.stop.set()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def close(self, finally_: Callable[[], None] | None = None) -> None:
        """Let the thread end, after one more piece of work, which is done even when nobody waits for it any more."""
        self.stop.set()
        if self._pool is None or self._loop is None:
            return
        last = self._last
        after = self._loop.run_in_executor(self._pool, finally_) if finally_ is not None else None
        self._pool.shutdown(wait=False)
        for future in (last, after):
            if future is not None:
                # told already, or of no interest any more
                future.add_done_callback(lambda done: done.cancelled() or done.exception())
        if last is not None:
            await asyncio.wait((last,), timeout=_HANGING_SECONDS)
        if after is not None and (last is None or last.done()):
            await asyncio.wait((after,), timeout=_LAST_SECONDS)
