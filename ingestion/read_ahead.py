"""Reading and checking go on while the warehouse takes in what was read before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")

AHEAD = 1
"""How many things are ready before they are asked for; each is a batch, and a second one costs memory, not time."""


def read_ahead(things: Iterator[T]) -> Generator[T, None, None]:
    """The same things, made in a thread of their own; its error is raised here, and it ends when nobody asks on."""
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(AHEAD)
    given_up = threading.Event()

    def put(thing: T | None, error: BaseException | None) -> None:
        while not given_up.is_set():
            try:
                ready.put((thing, error), timeout=0.1)
            except queue.Full:
                continue
            return

    def make() -> None:
        try:
            for thing in things:
                put(thing, None)
                if given_up.is_set():
                    return
            put(None, StopIteration())
        except BaseException as error:
            put(None, error)

    thread = threading.Thread(target=make, name="read ahead", daemon=True)
    thread.start()
    try:
        while True:
            thing, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield thing  # type: ignore[misc]
    finally:
        given_up.set()
        thread.join()
