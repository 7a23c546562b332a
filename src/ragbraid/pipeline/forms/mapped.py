"""`{map: FLOW, over: NAME, at_most: N}`: a flow for each item of a list, all of all questions at once."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from ragbraid.errors import StepError
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.forms.form import NAMED, Form, bound, mapping, named_flow, whole
from ragbraid.pipeline.graph import Link
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Argument, Flow, Step, Value
from ragbraid.pipeline.operations import Plan, Stages
from ragbraid.pipeline.plan import Operations, Planner, planned
from ragbraid.pipeline.schedule import Turn, schedule
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.signature import MISSING
from ragbraid.pipeline.state import State
from ragbraid.pipeline.tree import Map, Scalar, describe
from ragbraid.pipeline.typecheck import assignable, element_of, role_of, type_name

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes

MOST = 1000
_TOLD = 5
"""How many of the items that failed are told in the trace, with their errors."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A flow for each of the first `at_most` items of `over`, each given as the flow's input `item`.

    `items` are those that a value came of: where an item's failure is skipped, not all.
    """

    id: str
    flow: str
    over: Value
    item: str
    arguments: Mapping[str, Argument]
    at_most: int
    on_error: Literal["fail", "skip"]
    output: Value
    items: Value

    def inside(self) -> tuple[Step, ...]:
        return ()

    def called(self) -> tuple[str, ...]:
        return (self.flow,)

    def plan(self, planner: Planner, prefix: str) -> Operations:
        before: Operations = []
        arguments = {name: planner.passed(each, before) for name, each in self.arguments.items()}
        body = planned(planner.flows[self.flow], planner.flows, (), f"{prefix}{self.id}.")
        over, output, items = (planner.slot(each) for each in (self.over, self.output, self.items))
        skip = self.on_error == "skip"
        return [
            *before,
            Each(prefix + self.id, over, self.item, arguments, body, self.at_most, skip, output, items),
        ]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        settings = {"at_most": str(self.at_most)}
        if self.on_error != "fail":
            settings["on_error"] = self.on_error
        grapher.note(self.items, key)
        node = grapher.call(key, self, "map", self.flow, self.arguments, settings)
        over = [Link("over", each) for each in grapher.sources(self.over)]
        return replace(node, reads=(*over, *node.reads))


@dataclass(frozen=True, slots=True, eq=False)
class Each:
    """A plan of its own for each item; what it makes of them is a list again."""

    step: str
    over: int
    item: str
    arguments: Mapping[str, int]
    body: Plan
    at_most: int
    skip: bool
    output: int
    items: int

    def reads(self) -> set[int]:
        return {self.over, *self.arguments.values()}

    def writes(self) -> tuple[int, ...]:
        return self.output, self.items

    def inner(self) -> Sequence[Stages]:
        return (self.body.stages,)

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        began = perf_counter()
        slots = state.slots
        places: dict[int, range] = {}
        requests: list[dict[str, Any]] = []
        left_out = 0
        for index in state.alive:
            given = slots[self.over][index]
            if not isinstance(given, list | tuple):
                state.fail(index, self._no_list(given))
                continue
            taken = given[: self.at_most]
            left_out += len(given) - len(taken)
            places[index] = range(len(requests), len(requests) + len(taken))
            shared = {name: slots[slot][index] for name, slot in self.arguments.items()}
            requests += [{**shared, self.item: each} for each in taken]
        inner = State(self.body, requests)
        yield from schedule(self.body.stages, inner, run)
        skipped: list[str] = []
        for index, numbers in places.items():
            failed = [inner.errors[each] for each in numbers if each in inner.errors]
            if failed and not self.skip:
                state.fail(index, failed[0])
                continue
            skipped += [str(each) for each in failed]
            good = [each for each in numbers if each not in inner.errors]
            slots[self.output][index] = [inner.slots[self.body.output][each] for each in good]
            slots[self.items][index] = [requests[each][self.item] for each in good]
        notes: dict[str, Any] = {"items": len(requests)}
        if left_out:
            notes["left_out"] = left_out
        if skipped:
            notes |= {"skipped": len(skipped), "errors": skipped[:_TOLD]}
        run.tell(self.step, began, notes)

    def recipe(self, recipes: Recipes) -> str:
        given = [f"{name}={recipes.slots[slot]}" for name, slot in sorted(self.arguments.items())]
        told = [self.item, str(self.at_most), str(self.skip), recipes.of_plan(self.body), *given]
        made = recipes.hashed("map", recipes.slots[self.over], *told)
        recipes.slots[self.items] = recipes.hashed("items", made)
        return made

    def _no_list(self, given: Any) -> StepError:
        return StepError(
            f"The step {self.step!r} goes over a list, and was given a value of type {type(given).__name__}.",
            "The step that gives it says that it gives a list, and returns something else.",
        )


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The step of a node."""
    known = ("map", "over", "item", "at_most", "on_error", "id", "as")
    checker.naming.keys(node, known, "a map")
    identity = checker.naming.identity(node, "map", environment)
    wanting = "a map wants a bound: `at_most`, the most items that it takes"
    at_most = bound(node, "map", MOST, wanting, checker)
    on_error = _on_error(node, checker)
    over = _over(node, environment, checker)
    flow = named_flow(node.items["map"], "map", checker)
    if flow is None:
        environment.unknown = True
        return None
    item = _item(node, flow, over, checker)
    inputs = {name: each for name, each in flow.inputs.items() if name != item}
    place = node.items["map"].place
    arguments = checker.bind.flow(inputs, Map(node.place), flow.name, place, environment)
    output = Value(identity, list[flow.output.type], node.place)  # type: ignore[name-defined]
    environment.store(identity, output, checker.naming.role(node, environment))
    items = Value(f"{identity}.items", list[Any] if over is None else over.type, node.place)
    environment.values[items.name] = items
    if arguments is None or item is None or over is None or at_most is None or on_error is None:
        return None
    return Mapped(identity, flow.name, over, item, arguments, at_most, on_error, output, items)


def _over(node: Map, environment: Environment, checker: FlowChecker) -> Value | None:
    if "over" not in node.items:
        checker.problems.add(node.where("map"), "a map wants `over`, the name of a list")
        return None
    return checker.bind.condition(node.items["over"], "over", list[Any], "a list", environment)


def _item(node: Map, flow: Flow, over: Value | None, checker: FlowChecker) -> str | None:
    """The input that takes an item: the one that is named, that of its role, or the only one of its type."""
    if over is None:
        return None
    wanted = element_of(over.type) or Any
    given = node.items.get("item")
    place = node.items["map"].place if given is None else given.place
    if given is None:
        needed = [
            name
            for name, each in flow.inputs.items()
            if each.default is MISSING and assignable(wanted, each.value.type)
        ]
        role = role_of(wanted) or ""
        name = role if role in flow.inputs else needed[0] if len(needed) == 1 else ""
        if not name:
            said = f"{flow.name!r} has no input that is clearly the item's, {type_name(wanted)}"
            checker.problems.add(place, f"{said}; name it: `item: NAME`")
            return None
    elif waits(given):
        return None
    else:
        name = str(given.value) if isinstance(given, Scalar) else ""
        if name not in flow.inputs:
            said = f"`item` wants the name of an input of {flow.name!r}, not {describe(given)}"
            checker.problems.add(place, said)
            return None
    taken = flow.inputs[name].value.type
    if not assignable(wanted, taken):
        said = f"`{name}` of {flow.name!r} wants {type_name(taken)}, and an item is {type_name(wanted)}"
        checker.problems.add(place, said)
        return None
    return name


def _on_error(node: Map, checker: FlowChecker) -> Literal["fail", "skip"] | None:
    given = node.items.get("on_error")
    if given is None:
        return "fail"
    if waits(given):
        return None
    if isinstance(given, Scalar) and given.value in ("fail", "skip"):
        return "skip" if given.value == "skip" else "fail"
    checker.problems.add(given.place, f"on_error wants fail or skip, not {describe(given)}")
    return None


def _schema() -> list[dict[str, Any]]:
    policy = {"anyOf": [{"enum": ["fail", "skip"]}, NAMED["anyOf"][1]]}
    keys = {
        "map": {"type": "string"},
        "over": {"type": "string"},
        "item": NAMED,
        "at_most": whole(1, MOST),
        "on_error": policy,
    }
    return [mapping(("map", "over", "at_most"), keys)]


MAP = Form("map", check, _schema)
