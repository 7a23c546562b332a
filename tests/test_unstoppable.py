"""Calls that nothing can stop are given up in time, and only so many of them go on."""

from __future__ import annotations

import threading
import time

import pytest

from ragbraid.context import Cancellation
from ragbraid.errors import Cancelled
from ragbraid.unstoppable import Apart


def test_a_call_that_ends_tells_what_came_of_it() -> None:
    apart, whole = Apart(), Cancellation()
    assert apart.within(30, whole, lambda: 5).result() == 5
    with pytest.raises(SystemExit):
        apart.within(30, whole, lambda: exit(1)).result()


def test_no_more_calls_are_made_than_may_go_on_after_their_time() -> None:
    apart, whole, release = Apart(most=2), Cancellation(), threading.Event()
    for _ in range(2):
        with pytest.raises(TimeoutError, match=r"took longer than 0\.01 s"):
            apart.within(0.01, whole, lambda: release.wait(30))
    with pytest.raises(TimeoutError, match="isn't called: 2 calls of it go on"):
        apart.within(0.01, whole, lambda: None)
    release.set()
    until = time.monotonic() + 20
    while True:
        try:
            assert apart.within(30, whole, lambda: 5).result() == 5
            break
        except TimeoutError:
            assert time.monotonic() < until
            time.sleep(0.005)


def test_whoever_cancels_need_not_wait_for_the_time_of_a_call() -> None:
    whole, release, began = Cancellation(), threading.Event(), threading.Event()
    threading.Thread(target=lambda: began.wait(30) and whole.cancel()).start()
    with pytest.raises(Cancelled):
        Apart().within(300, whole, lambda: began.set() or release.wait(30))
    release.set()
