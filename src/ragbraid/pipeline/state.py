"""The values of a run: a list per slot with one entry for each question, and who has failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ragbraid.errors import RagbraidError
from ragbraid.pipeline.operations import Plan, SlotArgument


class State:
    """Slots of a run over `size` questions. A view of some of them shares the slots."""

    __slots__ = ("alive", "errors", "size", "slots")

    def __init__(self, plan: Plan, requests: Sequence[Mapping[str, Any]]) -> None:
        self.size = size = len(requests)
        self.slots: list[list[Any]] = [[each] * size for each in plan.initial]
        self.alive: list[int] = list(range(size))
        self.errors: dict[int, RagbraidError] = {}
        for index, request in enumerate(requests):
            for name, value in request.items():
                self.slots[plan.inputs[name]][index] = value

    def view(self, alive: list[int]) -> State:
        """The same slots, for some of the questions."""
        part = object.__new__(State)
        part.size, part.slots, part.errors, part.alive = self.size, self.slots, self.errors, alive
        return part

    def apart(self) -> State:
        """The same slots and questions, with errors of its own: for a call that runs beside others."""
        part = self.view(list(self.alive))
        part.errors = {}
        return part

    def detached(self) -> State:
        """A copy for a part of a run that may have to be abandoned: what it writes stays there."""
        part = self.apart()
        part.slots = [list(each) for each in self.slots]
        return part

    def take(self, part: State) -> None:
        """Take over what a detached part came to."""
        for mine, theirs in zip(self.slots, part.slots, strict=True):
            for index in part.alive:
                mine[index] = theirs[index]
        self.join([part])

    def join(self, parts: Iterable[State]) -> None:
        """Take over what failed apart; of several errors of a question the first part's."""
        for part in parts:
            for index, error in part.errors.items():
                self.errors.setdefault(index, error)
        self.settle()

    def fail(self, index: int, error: RagbraidError) -> None:
        """Note that a question has failed; later steps leave it out."""
        self.errors[index] = error
        self.alive = [each for each in self.alive if each != index]

    def settle(self) -> None:
        """Leave out what failed in a view of this state."""
        if self.errors:
            self.alive = [each for each in self.alive if each not in self.errors]

    def arguments(self, wanted: Sequence[SlotArgument], index: int) -> list[Any]:
        """A call's arguments for one question."""
        slots = self.slots
        return [
            slots[each][index]
            if type(each) is int
            else [slots[slot][index] for slot in each]
            if type(each) is tuple
            else each.value  # type: ignore[union-attr]  # a Constant, by elimination
            for each in wanted
        ]

    def result(self, slot: int, index: int) -> Any:
        """A question's value, or its error."""
        return self.errors[index] if index in self.errors else self.slots[slot][index]
