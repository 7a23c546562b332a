"""Whose turn it is: earliest deadline first, and no caller keeps the others waiting with many requests.

Earliest deadline first (Liu and Layland 1973). A request without a deadline is due a minute after it was
made, so that those with one can't keep it out for ever; and one that comes while others of its run wait or
run is due a second later for each of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from ragbraid.context import Cancellation, Context

_PATIENCE = 60.0
"""Seconds in which a request without a deadline is due."""
_PUT_OFF = 1.0
"""Seconds that a run's request is put off by another of the same run."""
_LOOK = 0.02
"""Seconds between two looks at a waiting run's cancellation."""


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A request that waits or runs: whose it is, and when it is due by `time.monotonic`."""

    caller: Cancellation
    due: float


def turn_of(context: Context | None, others: Iterable[Turn] = ()) -> Turn:
    """A turn for a request of this run, beside what waits and runs; without a run it has its own caller."""
    cancellation = Cancellation() if context is None else context.cancellation
    due = monotonic() + _PATIENCE if cancellation.deadline is None else cancellation.deadline
    return Turn(cancellation, due + _PUT_OFF * sum(each.caller is cancellation for each in others))


class Turns:
    """Places for as many requests as can run at once."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._waiting: list[Turn] = []
        self._running: list[Turn] = []
        self._state = threading.Condition()

    @contextmanager
    def taken(
        self, context: Context | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[None]:
        """A place, once it is this run's turn; a run that is cancelled or `stopped` waits no longer.

        Raises what the context raises.
        """
        with self._state:
            turn = turn_of(context, self._waiting + self._running)
            self._waiting.append(turn)
            try:
                while not self._may_run(turn) and not stopped():
                    self._state.wait(_LOOK)
                    if context is not None:
                        context.check()
            finally:
                self._waiting.remove(turn)
                self._state.notify_all()
            self._running.append(turn)
        try:
            yield
        finally:
            with self._state:
                self._running.remove(turn)
                self._state.notify_all()

    def _may_run(self, turn: Turn) -> bool:
        return len(self._running) < self._places and min(self._waiting, key=lambda each: each.due) is turn
