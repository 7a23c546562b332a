"""`{repeat: FLOW, until: STEP, at_most: N}`: a flow again and again, until a step says so."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ragbraid.pipeline.forms.form import STEP, Form, bound, mapping, named_flow, whole
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Argument, Flow, Step, Value
from ragbraid.pipeline.operations import Stages, read_inside, staged
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.schedule import Turn, schedule
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


@dataclass(frozen=True, slots=True)
class Loop:
    """A flow, again and again until a step says so, at most `at_most` times.

    The output of a round takes the place of the flow's input `carried` in the next.
    """

    id: str
    flow: str
    arguments: Mapping[str, Argument]
    carried: str
    until: Step
    at_most: int
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
        arguments = {**self.arguments, self.carried: carried}
        body, body_output = planner.inlined(self.flow, arguments, f"{prefix}{self.id}.")
        # The step that says whether to go on reads the round's output by the name of the loop itself.
        with planner.meaning(self.output, body_output):
            body += self.until.plan(planner, prefix)
            until = planner.slot(self.until.output)
        output = planner.slot(self.output)
        rounds = Rounds(start, carried_slot, staged(body), body_output, until, self.at_most, output)
        return [*before, rounds]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        grapher.note(self.output, key)
        node = grapher.call(key, self, "loop", self.flow, self.arguments, {"at_most": str(self.at_most)})
        until = replace(grapher.step(self.until, f"{key}/until"), form="until")
        return replace(node, blocks={"until": (until,)})


@dataclass(frozen=True, slots=True, eq=False)
class Rounds:
    """A sub-plan again and again for the questions whose `until` doesn't hold yet."""

    start: int
    carried: int
    body: Stages
    body_output: int
    until: int
    at_most: int
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        return {self.start, *read_inside(self.body)}

    def inner(self) -> Sequence[Stages]:
        return (self.body,)

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        slots = state.slots
        going = list(state.alive)
        for index in going:
            slots[self.carried][index] = slots[self.start][index]
        for _ in range(self.at_most):
            view = state.view(going)
            yield from schedule(self.body, view, run)
            view.settle()
            for index in view.alive:
                slots[self.output][index] = slots[self.carried][index] = slots[self.body_output][index]
            going = [index for index in view.alive if not slots[self.until][index]]
            if not going:
                return

    def recipe(self, recipes: Recipes) -> str:
        inner = recipes.inside(self.body, self.carried)
        told = recipes.slots[self.start], str(self.at_most), inner.slots[self.body_output]
        return recipes.hashed("rounds", *told, inner.slots[self.until])


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The loop of a node."""
    checker.naming.keys(node, ("repeat", "until", "at_most", "id", "as"), "a loop")
    identity = checker.naming.identity(node, "repeat", environment)
    wanting = "a loop wants a bound: `at_most`, the most rounds it may go"
    at_most = bound(node, "repeat", MOST, wanting, checker)
    name = node.items["repeat"]
    flow = named_flow(name, "repeat", checker)
    if flow is None:
        environment.unknown = True
        return None
    arguments = checker.bind.flow(flow.inputs, Map(node.place), str(flow.name), name.place, environment)
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
    return Loop(identity, flow.name, arguments, carried, until, at_most, output)


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
    keys = {"repeat": {"type": "string"}, "until": STEP, "at_most": whole(1, MOST)}
    return [mapping(("repeat", "until", "at_most"), keys)]


LOOP = Form("repeat", check, _schema)
