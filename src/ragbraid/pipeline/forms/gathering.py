"""An agent's rounds in a run: a call is chosen, made within its time, and told; what it gave is kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ragbraid.answer.join import summed
from ragbraid.context import Context
from ragbraid.generate.tool_calls import ToolCall, ToolSpec
from ragbraid.generate.tool_choice import Chosen, Used, misfit
from ragbraid.pipeline.forms.results import LONGEST, answered, hits_of, shown, united
from ragbraid.pipeline.operations import Stages, read_inside
from ragbraid.pipeline.schedule import Attempt, Turn
from ragbraid.text.stands_in import stands_in
from ragbraid.types import Usage

if TYPE_CHECKING:
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State

_NONE = Usage()
_WORDING = "question"
"""The argument that a model words by itself: what is looked up, and never taken for a fact."""


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """A sub-plan as a tool: the slots of its arguments by name, and that of what it gives."""

    spec: ToolSpec
    stages: Stages
    arguments: Mapping[str, int]
    output: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends an agent: calls, seconds in all, and seconds of one call, if that has a bound of its own."""

    at_most: int
    deadline: float
    call_deadline: float | None


@dataclass(slots=True)
class _Course:
    """How it goes with one question; `ended` is empty as long as it goes on."""

    question: str
    used: list[Used] = field(default_factory=list)
    results: list[tuple[ToolCall, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    usage: Usage = _NONE
    ended: str = ""

    def wrong(self, call: ToolCall, tool: ToolSpec, made_up: bool) -> str | None:
        """Why a call isn't made: its arguments don't fit, or were said by nobody."""
        misfitting = misfit(call.arguments, tool)
        if misfitting or made_up:
            return misfitting
        said = "\n".join([self.question, *(each.result for each in self.used)])
        for name, value in call.arguments.items():
            told = isinstance(value, bool) or "enum" in tool.parameters["properties"][name]
            if name != _WORDING and not told and not stands_in(value, said):
                return f"nobody said {name} {value!r}: it stands neither in the question nor in a result"
        return None

    def failed(self, call: ToolCall, said: str, **more: Any) -> None:
        """Note a call that came to nothing, and tell the model why."""
        self.used.append(Used(call, f"error: {said}"[:LONGEST]))
        self.calls.append({**_told(call), "error": said, **more})

    def gave(self, call: ToolCall, value: Any, ms: float) -> None:
        """Note what a call gave, and tell the model of it."""
        self.used.append(Used(call, shown(value)))
        self.results.append((call, value))
        self.calls.append({**_told(call), "hits": len(hits_of(value)), "ms": ms})


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """Choices and calls in turn, until a reply, a bound, or a call that was made before."""

    step: str
    question: int
    used: int
    choice: Stages
    chosen: int
    tools: Mapping[str, Tool]
    bounds: Bounds
    made_up: bool
    gives_hits: bool
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        inside = (slot for each in self.tools.values() for slot in read_inside(each.stages))
        return {self.question, *inside}

    def inner(self) -> Sequence[Stages]:
        return (self.choice, *(each.stages for each in self.tools.values()))

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        began = perf_counter()
        until = began + self.bounds.deadline
        courses = {index: _Course(str(state.slots[self.question][index])) for index in state.alive}
        for _ in range(self.bounds.at_most):
            going = [each for each in state.alive if not courses[each].ended]
            if not going:
                break
            chosen = yield from self._choose(state, run, going, courses, until)
            for name, calls in self._wanted(chosen, courses).items():
                yield from self._use(self.tools[name], state, run, calls, courses, until)
        context = Context(run.cancellation, self.step, run.scope)
        for index in state.alive:
            course = courses[index]
            state.slots[self.output][index] = (
                united(value for _, value in course.results)
                if self.gives_hits
                else answered(course.question, course.results, course.usage, context)
            )
        told = [{"calls": each.calls, "ended": each.ended or "at_most"} for each in courses.values()]
        run.tell(self.step, began, told[0] if len(told) == 1 else {"questions": told})

    def recipe(self, recipes: Recipes) -> str:
        changing = {slot for each in self.tools.values() for slot in each.arguments.values()}
        inner = recipes.inside(self.choice, self.used)
        told = [inner.slots[self.chosen], str(self.bounds), str(self.made_up)]
        tools = [recipes.inside(each.stages, *changing).slots[each.output] for each in self.tools.values()]
        return recipes.hashed("agent", recipes.slots[self.question], *told, *tools)

    def _choose(
        self, state: State, run: Run, going: list[int], courses: Mapping[int, _Course], until: float
    ) -> Generator[Turn, None, dict[int, ToolCall]]:
        """The next call of each question that has one."""
        for index in going:
            state.slots[self.used][index] = list(courses[index].used)
        part = yield from _attempted(self.choice, state.view(going), run, until - perf_counter())
        calls: dict[int, ToolCall] = {}
        for index in going:
            course = courses[index]
            if part is None:
                course.ended = "deadline"
            elif index in part.errors:
                state.fail(index, part.errors[index])
            else:
                made: Chosen = part.slots[self.chosen][index]
                course.usage = summed([course.usage, made.usage])
                course.ended = made.ended
                if made.call is not None:
                    calls[index] = made.call
        return calls

    def _wanted(
        self, chosen: Mapping[int, ToolCall], courses: Mapping[int, _Course]
    ) -> dict[str, dict[int, ToolCall]]:
        """The calls to be made, by tool and question; what was called before ends in that."""
        found: dict[str, dict[int, ToolCall]] = {}
        for index, call in chosen.items():
            course = courses[index]
            if any(each.call == call for each in course.used):
                course.ended = "no progress"
            elif (said := course.wrong(call, self.tools[call.name].spec, self.made_up)) is not None:
                course.failed(call, said)
            else:
                found.setdefault(call.name, {})[index] = call
        return found

    def _use(
        self,
        tool: Tool,
        state: State,
        run: Run,
        calls: Mapping[int, ToolCall],
        courses: Mapping[int, _Course],
        until: float,
    ) -> Generator[Turn, None, None]:
        """Call a tool for the questions that want it; what fails or takes too long harms nobody else."""
        began = perf_counter()
        for index, call in calls.items():
            for name, slot in tool.arguments.items():
                state.slots[slot][index] = call.arguments[name]
        own = self.bounds.call_deadline
        allowed = until - began if own is None else min(until - began, own)
        part = yield from _attempted(tool.stages, state.view(list(calls)), run, allowed)
        ms = round((perf_counter() - began) * 1000, 3)
        for index, call in calls.items():
            if part is None:
                courses[index].failed(call, f"it took longer than {max(allowed, 0.0):.3g} s", ms=ms)
            elif index in part.errors:
                courses[index].failed(call, str(part.errors[index]), ms=ms)
            else:
                courses[index].gave(call, part.slots[tool.output][index], ms)


def _attempted(stages: Stages, state: State, run: Run, seconds: float) -> Generator[Turn, None, State | None]:
    """What stages come to within so many seconds, apart from everything else; None where they don't."""
    if seconds <= 0:
        return None
    attempt = Attempt(stages, state.detached(), run, seconds)
    yield attempt
    return attempt.state if attempt.done else None


def _told(call: ToolCall) -> dict[str, Any]:
    return {"tool": call.name, "arguments": dict(call.arguments)}
