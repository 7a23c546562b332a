"""`{repeat: FLOW, until: STEP, at_most: N, …}`: a flow again and again, until a step says so."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ragbraid.pipeline.forms.form import SECONDS, STEP, Form, bound, mapping, named_flow, seconds, whole
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Argument, Flow, Step, Value
from ragbraid.pipeline.operations import Stages, read_inside, staged
from ragbraid.pipeline.perform import equal
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.schedule import Attempt, Turn, schedule
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.tree import Map
from ragbraid.pipeline.typecheck import assignable, role_of, type_name

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State

MOST = 100
_ROUND = "round"


@dataclass(frozen=True, slots=True)
class Loop:
    """A flow, again and again until a step says so, at most `at_most` times and `deadline` seconds.

    The output of a round takes the place of the flow's input `carried` in the next. An input called `round`
    is the round's number, from 1.
    """

    id: str
    flow: str
    arguments: Mapping[str, Argument]
    carried: str
    until: Step
    at_most: int
    deadline: float | None
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return (self.until,)

    def called(self) -> tuple[str, ...]:
        return (self.flow,)

    def plan(self, planner: Planner, prefix: str) -> Operations:
        before: Operations = []
        start = planner.passed(self.arguments[self.carried], before)
        carried = Value(self.carried, Any, self.output.place)
        carried_slot = planner.slot(carried)  # known before the flow is written out, whose slots are its own
        number = Value(_ROUND, int, self.output.place)
        number_slot = planner.slot(number)
        arguments = {**self.arguments, self.carried: carried}
        if _ROUND in planner.flows[self.flow].inputs:
            arguments[_ROUND] = number
        body, body_output = planner.inlined(self.flow, arguments, f"{prefix}{self.id}.")
        # The step that says whether to go on reads the round's output by the name of the loop itself.
        with planner.meaning(self.output, body_output):
            body += self.until.plan(planner, prefix)
            until = planner.slot(self.until.output)
        output = planner.slot(self.output)
        changing = carried_slot, number_slot
        bounds = self.at_most, self.deadline
        step = prefix + self.id
        return [*before, Rounds(step, start, *changing, staged(body), body_output, until, *bounds, output)]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        grapher.note(self.output, key)
        bounds = {"at_most": str(self.at_most)}
        if self.deadline is not None:
            bounds["deadline"] = f"{self.deadline:g}"
        node = grapher.call(key, self, "loop", self.flow, self.arguments, bounds)
        until = replace(grapher.step(self.until, f"{key}/until"), form="until")
        return replace(node, blocks={"until": (until,)})


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """A sub-plan again and again for the questions whose `until` doesn't hold yet."""

    step: str
    start: int
    carried: int
    number: int
    body: Stages
    body_output: int
    until: int
    at_most: int
    deadline: float | None
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        return {self.start, *read_inside(self.body)}

    def inner(self) -> Sequence[Stages]:
        return (self.body,)

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        began, slots = perf_counter(), state.slots
        going = list(state.alive)
        rounds, ended = dict.fromkeys(going, 0), dict.fromkeys(going, "at_most")
        for index in going:
            slots[self.output][index] = slots[self.carried][index] = slots[self.start][index]
        for number in range(1, self.at_most + 1):
            view = state.view(going)
            for index in going:
                slots[self.number][index] = number
            if self.deadline is None:
                yield from schedule(self.body, view, run)
            elif not (yield from self._in_time(view, run, began + self.deadline)):
                ended.update(dict.fromkeys(going, "deadline"))
                break
            view.settle()
            going = []
            for index in view.alive:
                rounds[index], given = number, slots[self.body_output][index]
                if slots[self.until][index]:
                    ended[index] = "until"
                elif equal(given, slots[self.carried][index]):
                    ended[index] = "no progress"
                else:
                    going.append(index)
                slots[self.output][index] = slots[self.carried][index] = given
            if not going:
                break
        run.tell(self.step, began, {"rounds": _told(rounds), "ended": _told(ended)})

    def _in_time(self, view: State, run: Run, deadline: float) -> Generator[Turn, None, bool]:
        """A round that is cut where time is up; whether it wasn't."""
        left = deadline - perf_counter()
        if left <= 0:
            return False
        attempt = Attempt(self.body, view.detached(), run, left)
        yield attempt
        if attempt.done:
            view.take(attempt.state)
        return attempt.done

    def recipe(self, recipes: Recipes) -> str:
        inner = recipes.inside(self.body, self.carried, self.number)
        bounds = str(self.at_most), str(self.deadline)
        told = recipes.slots[self.start], *bounds, inner.slots[self.body_output]
        return recipes.hashed("rounds", *told, inner.slots[self.until])


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The loop of a node."""
    checker.naming.keys(node, ("repeat", "until", "at_most", "deadline", "id", "as"), "a loop")
    identity = checker.naming.identity(node, "repeat", environment)
    wanting = "a loop wants a bound: `at_most`, the most rounds it may go"
    at_most = bound(node, "repeat", MOST, wanting, checker)
    within = seconds(node, checker)
    name = node.items["repeat"]
    flow = named_flow(name, "repeat", checker)
    if flow is None:
        environment.unknown = True
        return None
    inputs = {name: each for name, each in flow.inputs.items() if name != _ROUND}
    arguments = checker.bind.flow(inputs, Map(node.place), str(flow.name), name.place, environment)
    carried = _carried(flow)
    if carried is None:
        said = f"a loop's flow takes what it gave the round before, and {flow.name!r}, which gives "
        checker.fail(name.place, f"{said}{type_name(flow.output.type)}, has no such input", environment)
        return None
    output = Value(identity, flow.output.type, node.place)
    inner = environment.child()
    inner.store(identity, output, None)
    until = _until(node, inner, checker)
    environment.store(identity, output, checker.naming.role(node, environment))
    if arguments is None or until is None or at_most is None:
        return None
    return Loop(identity, flow.name, arguments, carried, until, at_most, within, output)


def _told(values: Mapping[int, Any]) -> Any:
    """What the trace says: one thing where it is the same for all questions, else one for each."""
    every = list(values.values())
    return every[0] if len(set(every)) == 1 else every


def _carried(flow: Flow) -> str | None:
    """The input that takes what the flow gives."""
    role = role_of(flow.output.type) or ""
    taken = flow.inputs.get(role)
    return role if taken is not None and assignable(flow.output.type, taken.value.type) else None


def _until(node: Map, inner: Environment, checker: FlowChecker) -> Step | None:
    if "until" not in node.items:
        checker.problems.add(node.where("repeat"), "a loop wants `until`, a step that gives a boolean")
        return None
    step = checker.step(node.items["until"], inner)
    if step is not None and not assignable(step.output.type, bool):
        place = node.items["until"].place
        given = type_name(step.output.type)
        checker.problems.add(place, f"`until` wants a step that gives bool, not {given}")
        return None
    return step


def _schema() -> list[dict[str, Any]]:
    keys = {"repeat": {"type": "string"}, "until": STEP, "at_most": whole(1, MOST), "deadline": SECONDS}
    return [mapping(("repeat", "until", "at_most"), keys)]


LOOP = Form("repeat", check, _schema)
