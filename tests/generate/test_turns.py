from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, DeadlineExceeded
from ragbraid.generate.turns import Turn, Turns, turn_of


class Asker:
    """Runs ask, one after the other; whose turn comes when is their names in that order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Turn]] = []

    def ask(self, name: str, timeout: float | None, requests: int = 1) -> Asker:
        run = Context(Cancellation(timeout))
        for _ in range(requests):
            self.asked.append((name, turn_of(run, [turn for _, turn in self.asked])))
        return self

    @property
    def order(self) -> list[str]:
        return [name for name, _ in sorted(self.asked, key=lambda each: each[1].due)]


def test_the_earliest_deadline_comes_first() -> None:
    assert Asker().ask("late", 9).ask("none", None).ask("soon", 3).order == ["soon", "late", "none"]


def test_one_question_needs_not_wait_for_a_batch() -> None:
    assert Asker().ask("batch", None, 100).ask("one", None).order.index("one") <= 2


def test_a_batch_with_a_deadline_does_not_shut_others_out() -> None:
    order = Asker().ask("batch", 5, 100).ask("none", None).ask("soon", 6).order
    assert order.index("soon") <= 2
    assert order.index("none") <= 60


@given(st.lists(st.tuples(st.sampled_from([None, 1.0, 30.0]), st.integers(1, 9)), max_size=9))
def test_requests_of_one_run_keep_their_order(runs: list[tuple[float | None, int]]) -> None:
    asker = Asker()
    for at, (timeout, requests) in enumerate(runs):
        asker.ask(str(at), timeout, requests)
    for at in range(len(runs)):
        own = [turn.due for name, turn in asker.asked if name == str(at)]
        assert own == sorted(own)


def test_a_run_is_one_caller_and_brings_its_deadline() -> None:
    run = Context(Cancellation(5.0))
    one, other = turn_of(run), turn_of(Context(run.cancellation, "another step"))
    assert one.caller is other.caller
    assert one.due == run.cancellation.deadline
    assert turn_of(None).caller is not turn_of(None).caller


def test_no_more_run_than_there_are_places_and_the_due_one_is_first() -> None:
    turns, said, inside, most = Turns(2), [], [0], [0]
    lock, gate = threading.Lock(), threading.Event()

    def work(name: str, timeout: float) -> None:
        with turns.taken(Context(Cancellation(timeout))):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                said.append(name)
            gate.wait(5)
            with lock:
                inside[0] -= 1

    def begun(name: str, timeout: float, waiting: int) -> threading.Thread:
        thread = threading.Thread(target=work, args=(name, timeout))
        thread.start()
        for _ in range(500):
            if len(said) + len(turns._waiting) >= waiting:
                break
            threading.Event().wait(0.01)
        return thread

    threads = [begun(f"x{at}", 50, at + 1) for at in range(2)]
    threads += [begun("late", 90, 3), begun("soon", 60, 4), begun("last", 99, 5)]
    gate.set()
    for each in threads:
        each.join()
    assert most[0] == 2
    assert set(said[:2]) == {"x0", "x1"}
    assert said[2] == "soon"


def test_who_waits_in_vain_is_told() -> None:
    turns = Turns(1)
    with turns.taken():
        with pytest.raises(DeadlineExceeded), turns.taken(Context(Cancellation(0.05))):
            pass
        cancelled = Cancellation()
        cancelled.cancel()
        with pytest.raises(Cancelled), turns.taken(Context(cancelled)):
            pass
        with turns.taken(stopped=lambda: True):
            pass
    with turns.taken():
        pass
    assert not turns._waiting
    assert not turns._running
