"""Fetches the next files while an earlier one is read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")

FILES_AHEAD = 4


def done_ahead(
    items: Iterable[Item], work: Callable[[Item], Done], stop: Callable[[], None], most: int = FILES_AHEAD
) -> Generator[tuple[Item, Done], None, None]:
    """Each item with what the work made of it, in the order of the items; up to `most` are worked on at a time.

    An error of the work is raised when its item's turn comes, so what came before is not lost. Items are asked for
    as they are needed.

    Args:
        items: what there is to do; asked for in the caller's thread.
        work: done in other threads.
        stop: called at the end, also when the caller wants no more; work under way should give up then.
        most: how many items are worked on at a time.
    """
    waiting: deque[tuple[Item, Future[Done]]] = deque()
    with ThreadPoolExecutor(most, thread_name_prefix="fetch") as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(work, item)))
                if len(waiting) >= most:
                    first, result = waiting.popleft()
                    yield first, result.result()
            while waiting:
                first, result = waiting.popleft()
                yield first, result.result()
        finally:
            stop()
            pool.shutdown(wait=True, cancel_futures=True)
