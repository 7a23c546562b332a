"""What a plan is made of: operations over numbered slots, in stages whose operations may run side by side."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from ragbraid.errors import StepError
from ragbraid.pipeline.model import Constant
from ragbraid.pipeline.signature import Signature

if TYPE_CHECKING:
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.schedule import Turn
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State

SlotArgument: TypeAlias = "int | Constant | tuple[int, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A component's call: reads its arguments' slots, writes `output`."""

    step: str
    component: Any
    signature: Signature
    arguments: tuple[SlotArgument, ...]
    output: int

    def writes(self) -> tuple[int, ...]:
        """The slots that it writes."""
        return (self.output,)

    def reads(self) -> set[int]:
        """The slots that it reads."""
        return {
            slot
            for each in self.arguments
            if not isinstance(each, Constant)
            for slot in ((each,) if isinstance(each, int) else each)
        }


class Operation(Protocol):
    """What is decided between calls, by values that are there already."""

    @property
    def output(self) -> int:
        """The slot of what it gives."""
        ...

    def writes(self) -> tuple[int, ...]:
        """The slots that it writes and others may read, its output's among them."""
        ...

    def reads(self) -> set[int]:
        """The slots that it reads from outside of itself."""
        ...

    def inner(self) -> Sequence[Stages]:
        """Its sub-plans."""
        ...

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        """Do it for the questions that are alive; yields what its sub-plans have to call."""
        ...

    def recipe(self, recipes: Recipes) -> str:
        """What makes its output what it is; notes the recipes of its sub-plans on the way."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A sub-plan and the slot of what it comes to; `done` is told of the value, where it was streamed."""

    stages: Stages
    output: int
    done: Callable[[Any], None] | None = None


@runtime_checkable
class Ending(Protocol):
    """An operation whose output is that of one sub-plan, so that it streams where this does."""

    @property
    def output(self) -> int:
        """The slot of what it gives."""
        ...

    def ends_in(self, state: State, run: Run) -> tuple[Way, Run] | None:
        """The sub-plan for the first question, and the run that it is part of; None where it has failed."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The first k hits of a slot: a request's `k` is the length of the result."""

    hits: int
    k: int
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        return {self.hits, self.k}

    def inner(self) -> Sequence[Stages]:
        return ()

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:  # noqa: ARG002
        slots = state.slots
        for index in state.alive:
            try:
                slots[self.output][index] = first(slots[self.hits][index], slots[self.k][index])
            except StepError as error:
                state.fail(index, error)
        yield from ()

    def recipe(self, recipes: Recipes) -> str:
        return recipes.hashed("cut", recipes.slots[self.hits], recipes.slots[self.k])


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """A list of the values of several slots."""

    slots: tuple[int, ...]
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        return set(self.slots)

    def inner(self) -> Sequence[Stages]:
        return ()

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:  # noqa: ARG002
        for index in state.alive:
            state.slots[self.output][index] = [state.slots[each][index] for each in self.slots]
        yield from ()

    def recipe(self, recipes: Recipes) -> str:
        return recipes.hashed("gather", *(recipes.slots[each] for each in self.slots))


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """Operations that depend on earlier stages alone. `threads`: two or more of its calls are worth one."""

    calls: tuple[Call, ...]
    others: tuple[Operation, ...]
    threads: bool


Stages: TypeAlias = tuple[Stage, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A flow, ready to run. `last` is the call that gives the output, where a single call does."""

    flow: str
    inputs: Mapping[str, int]
    required: frozenset[str]
    """The inputs that have no default."""
    initial: tuple[Any, ...]
    """What each slot holds when a run begins: a constant, an input's default, else None."""
    stages: Stages
    output: int
    last: Call | None
    kept: tuple[int, ...] = ()
    """Slots of further values that the caller wants to read."""

    def calls(self) -> Iterable[Call]:
        """Every call in it, those of sub-plans too."""
        return calls_of(self.stages)


def calls_of(stages: Stages) -> Iterable[Call]:
    """Every call in these stages, those of sub-plans too."""
    for stage in stages:
        yield from stage.calls
        for each in stage.others:
            for inner in each.inner():
                yield from calls_of(inner)


def staged(operations: Sequence[Call | Operation]) -> Stages:
    """Group operations by the longest way to them, each level one stage."""
    level_of: dict[int, int] = {}
    levels: list[list[Call | Operation]] = []
    for each in operations:
        level = max((level_of[slot] + 1 for slot in each.reads() if slot in level_of), default=0)
        level_of.update(dict.fromkeys(each.writes(), level))
        while len(levels) <= level:
            levels.append([])
        levels[level].append(each)
    return tuple(_stage(each) for each in levels)


def _stage(operations: Sequence[Call | Operation]) -> Stage:
    calls = tuple(each for each in operations if isinstance(each, Call))
    others = tuple(each for each in operations if not isinstance(each, Call))
    return Stage(calls, others, sum(each.signature.flag("blocking", False) for each in calls) > 1)


def read_inside(stages: Stages) -> set[int]:
    """The slots that a sub-plan's operations read, those that it writes itself too."""
    calls = {slot for stage in stages for each in stage.calls for slot in each.reads()}
    return calls | {slot for stage in stages for each in stage.others for slot in each.reads()}


def first(hits: Any, k: int) -> Any:
    """The first k of the hits. Raises `StepError` where they are no list."""
    try:
        return hits[:k]
    except TypeError:
        raise StepError(
            f"The hits to cut to k are of type {type(hits).__name__}, not a list.",
            "The step that gives them says list[Hit], and returns something else.",
        ) from None
