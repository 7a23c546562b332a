"""`{only: {lang: de}, then: …}`: steps that see only the documents that a filter holds for."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.errors import FilterError
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.fields import check_filter
from ragbraid.pipeline.forms.form import BODY, Form, block, mapping
from ragbraid.pipeline.graph import Link
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Block, Step, Value
from ragbraid.pipeline.operations import Stages, Way, read_inside
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.schedule import Turn, schedule
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.tree import Map, Node, describe, scalars
from ragbraid.types import Filter

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State


@dataclass(frozen=True, slots=True)
class Narrow:
    """Steps in a scope that is narrower by a filter; it is joined to the run's own, and never widens it."""

    id: str
    filter: Filter
    then: Block
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return self.then.steps

    def called(self) -> tuple[str, ...]:
        return ()

    def plan(self, planner: Planner, prefix: str) -> Operations:
        stages, inner = planner.block(self.then, prefix)
        return [Narrowed(self.filter, stages, inner, planner.slot(self.output))]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        inside = {"then": grapher.steps(self.then.steps, f"{key}/then")} if self.then.steps else {}
        reads = tuple(Link("then", each) for each in grapher.sources(self.then.output))
        return GraphNode(key, self.id, "branch", "", grapher.gives(self), reads, blocks=inside)


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """A sub-plan whose calls see less."""

    filter: Filter
    stages: Stages
    inner_output: int
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        return {self.inner_output, *read_inside(self.stages)}

    def inner(self) -> Sequence[Stages]:
        return (self.stages,)

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        view = state.view(list(state.alive))
        yield from schedule(self.stages, view, run.narrowed(self.filter))
        view.settle()
        for index in view.alive:
            state.slots[self.output][index] = state.slots[self.inner_output][index]

    def ends_in(self, state: State, run: Run) -> tuple[Way, Run] | None:  # noqa: ARG002
        return Way(self.stages, self.inner_output), run.narrowed(self.filter)

    def recipe(self, recipes: Recipes) -> str:
        recipes.narrowed(self.stages, self.filter)
        return recipes.hashed("narrowed", recipes.slots[self.inner_output])


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The narrowed steps of a node."""
    checker.naming.keys(node, ("only", "then", "id", "as"), "a narrowed step")
    identity = checker.naming.identity(node, "only", environment)
    written = _filter(node.items["only"], checker)
    then = block(node, "then", environment, checker, "a narrowed step", called=f"{identity}-then")
    if then is None:
        environment.unknown = True
        return None
    output = Value(identity, then.output.type, node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    return None if written is None else Narrow(identity, written, then, output)


def _filter(node: Node, checker: FlowChecker) -> Filter | None:
    if any(waits(each) for each in scalars(node)):
        return None
    if not isinstance(node, Map) or not node.items:
        said = f"`only` wants a filter, such as {{lang: de}}, not {describe(node)}"
        checker.problems.add(node.place, said)
        return None
    written: Filter = as_python(node)
    try:
        check_filter(written, checker.fields)
    except FilterError as error:
        checker.problems.add(node.place, f"`only`: {error}")
        return None
    return written


def _schema() -> list[dict[str, Any]]:
    return [mapping(("only", "then"), {"only": {"type": "object", "minProperties": 1}, "then": BODY})]


ONLY = Form("only", check, _schema)
