"""Staying awake for a moment while one backend, and no other, owes an answer.

Who sleeps must be woken, and on an idle machine its core, too: together they take longer than most answers. So the
loop looks for messages again before it sleeps, until `_SECONDS` after the question. That is to cost nobody anything.
Where several backends compute, they may need the core. As soon as the kernel gives it to somebody else meanwhile, or an
answer takes longer, it is tried with one question in many only, until it pays again.
"""

from __future__ import annotations

import asyncio
import resource
import time

_SECONDS = 0.000_4
# so many questions are let pass after a vigil in vain, and each time twice as many
FEW, _MANY = 64, 4096
# of this thread, where the kernel tells
_WHO = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)


class Vigil:
    """Keeps an event loop awake while an answer is owed.

    Attributes:
        is_kept: the loop does not sleep now.
    """

    def __init__(self) -> None:
        self.is_kept = False
        self._loop = asyncio.get_running_loop()
        self._owed: set[object] = set()
        self._until = 0.0
        # how often we had lost the core when it began
        self._displaced = 0
        self._pause = 0
        self._next_pause = FEW

    def asked(self, who: object) -> None:
        """Somebody owes an answer."""
        self._owed.add(who)
        if self.is_kept or len(self._owed) > 1:
            return
        if self._pause:
            self._pause -= 1
        else:
            self.is_kept = True
            self._until = time.perf_counter() + _SECONDS
            self._displaced = resource.getrusage(_WHO).ru_nivcsw
            self._loop.call_soon(self._look)

    def answered(self, who: object) -> None:
        """Somebody owes nothing any more."""
        self._owed.discard(who)

    def _look(self) -> None:
        """Called in each turn of the loop; what waits to be called keeps it from sleeping."""
        if resource.getrusage(_WHO).ru_nivcsw != self._displaced or time.perf_counter() > self._until:
            self.is_kept = False
            self._pause = self._next_pause
            self._next_pause = min(2 * self._next_pause, _MANY)
        elif len(self._owed) == 1:
            self._loop.call_soon(self._look)
        else:
            # answered; or several ask, and one of them will be answered soon enough
            self.is_kept = False
            self._next_pause = FEW
