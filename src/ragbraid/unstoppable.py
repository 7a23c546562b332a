"""Work that nothing can stop: it is waited for as long as it may take, and then left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from ragbraid.context import Cancellation

T = TypeVar("T")

PATIENCE = 0.05
"""Seconds between looks at the cancellation."""


def ended(future: Future[Any], whole: Cancellation, part: Cancellation) -> bool:
    """Wait for work until its own time, that of `part`, is up; whether it is done by then.

    Raises `Stopped` as soon as the whole is to stop.
    """
    while not wait([future], timeout=PATIENCE).done:
        whole.check()
        if part.remaining() == 0.0:
            whole.check()  # it may be the whole's deadline that came between
            return False
    return True


class Apart:
    """Calls in threads of their own, of which no more than `most` go on after their time."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._left: set[Future[Any]] = set()

    def within(self, seconds: float, whole: Cancellation, function: Callable[[], T]) -> Future[T]:
        """The future of a call that has ended, well or not.

        Raises `TimeoutError` where it takes longer, or isn't made since too many such calls go on already,
        and `Stopped` where the run stops.
        """
        if len(self._left) >= self._most:
            raise TimeoutError(f"isn't called: {self._most} calls of it go on that were given up")
        future: Future[T] = Future()
        threading.Thread(target=_settle, args=(future, function), name="ragbraid-apart", daemon=True).start()
        part = Cancellation(seconds, whole.questions, whole=whole)
        try:
            if not ended(future, whole, part):
                raise TimeoutError(f"took longer than {seconds:g} s")
        finally:
            if not future.done():
                self._left.add(future)
                future.add_done_callback(self._left.discard)
        return future


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
