"""The thread that ends what takes too long."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ragbraid.load.watchdog import Watchdog


class Acts:
    """Counts what a watchdog does."""

    def __init__(self) -> None:
        self.acted = threading.Event()
        self.dog = Watchdog(self.acted.set)


@pytest.fixture
def acts() -> Iterator[Acts]:
    made = Acts()
    yield made
    made.dog.close()


def test_a_block_that_takes_too_long_is_acted_on(acts: Acts) -> None:
    with acts.dog.within(0.02):
        assert acts.acted.wait(10)
    assert acts.dog.over


def test_a_block_in_time_is_left_alone(acts: Acts) -> None:
    with acts.dog.within(0.1):
        pass
    assert not acts.acted.wait(0.3)
    assert not acts.dog.over


def test_a_shorter_time_after_a_longer_one_holds(acts: Acts) -> None:
    with acts.dog.within(600):
        pass
    with acts.dog.within(0.02):
        assert acts.acted.wait(10)
    assert acts.dog.over


def test_a_longer_time_after_a_shorter_one_holds(acts: Acts) -> None:
    with acts.dog.within(0.05):
        pass
    with acts.dog.within(600):
        assert not acts.acted.wait(0.3)
    with acts.dog.within(0.05):
        assert acts.acted.wait(10)


def test_a_long_rest_is_survived(acts: Acts) -> None:
    with acts.dog.within(0.02):
        pass
    assert not acts.acted.wait(0.2)
    with acts.dog.within(0.02):
        assert acts.acted.wait(10)


def test_any_time_may_be_given(acts: Acts) -> None:
    with acts.dog.within(1e300):
        pass
    assert not acts.dog.over


def test_it_leaves_no_thread() -> None:
    before = threading.active_count()
    dog = Watchdog(lambda: None)
    with dog.within(600):
        assert threading.active_count() == before + 1
    dog.close()
    assert threading.active_count() == before
