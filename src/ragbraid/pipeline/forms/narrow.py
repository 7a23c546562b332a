"""`{only: {lang: de}, then: …}`: steps that see only the documents that a filter holds for.

Instead of a filter `only` may name what a `metadata-filter` made of a question.
"""

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
from ragbraid.pipeline.tree import Map, Node, Scalar, describe, scalars
from ragbraid.transform.metadata_filter import Wanted
from ragbraid.types import Filter

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State


@dataclass(frozen=True, slots=True)
class Narrow:
    """Steps in a scope that is narrower by a filter; it is joined to the run's own, and never widens it.

    The filter is the file's, or that of the value `wanted`, whose rest is then the inner steps' `question`.
    """

    id: str
    filter: Filter
    wanted: tuple[Value, Value] | None
    then: Block
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return self.then.steps

    def called(self) -> tuple[str, ...]:
        return ()

    def plan(self, planner: Planner, prefix: str) -> Operations:
        wanted = None
        if self.wanted is not None:  # known before the steps inside, which read the rest
            wanted = planner.slot(self.wanted[0]), planner.slot(self.wanted[1])
        stages, inner = planner.block(self.then, prefix)
        return [Narrowed(self.filter, wanted, stages, inner, planner.slot(self.output))]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        if self.wanted is not None:
            grapher.note(self.wanted[1], grapher.sources(self.wanted[0])[0])
        inside = {"then": grapher.steps(self.then.steps, f"{key}/then")} if self.then.steps else {}
        reads = tuple(Link("then", each) for each in grapher.sources(self.then.output))
        if self.wanted is not None:
            reads = (*(Link("only", each) for each in grapher.sources(self.wanted[0])), *reads)
        return GraphNode(key, self.id, "branch", "", grapher.gives(self), reads, blocks=inside)


@dataclass(frozen=True, slots=True, eq=False)
class Narrowed:
    """A sub-plan whose calls see less."""

    filter: Filter
    wanted: tuple[int, int] | None
    """The slots of what a question wants, and of its rest."""
    stages: Stages
    inner_output: int
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        wanted = () if self.wanted is None else self.wanted[:1]
        return {self.inner_output, *wanted, *read_inside(self.stages)}

    def inner(self) -> Sequence[Stages]:
        return (self.stages,)

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        for written, indexes in self._by_filter(state):
            view = state.view(indexes)
            yield from schedule(self.stages, view, run.narrowed(written) if written else run)
            view.settle()
            for index in view.alive:
                state.slots[self.output][index] = state.slots[self.inner_output][index]

    def ends_in(self, state: State, run: Run) -> tuple[Way, Run] | None:
        ((written, _),) = self._by_filter(state)
        return Way(self.stages, self.inner_output), run.narrowed(written) if written else run

    def _by_filter(self, state: State) -> list[tuple[Filter | None, list[int]]]:
        """The questions of each filter, the rest of each in its slot."""
        if self.wanted is None:
            return [(self.filter, list(state.alive))]
        found: list[tuple[Filter | None, list[int]]] = []
        for index in state.alive:
            wanted: Wanted = state.slots[self.wanted[0]][index]
            state.slots[self.wanted[1]][index] = wanted.question
            for written, indexes in found:
                if written == wanted.filter:
                    indexes.append(index)
                    break
            else:
                found.append((wanted.filter, [index]))
        return found

    def recipe(self, recipes: Recipes) -> str:
        if self.wanted is not None:
            rest = recipes.hashed("rest", recipes.slots[self.wanted[0]])
            recipes.slots[self.wanted[1]] = rest
            recipes.narrowed(self.stages, rest)
        else:
            recipes.narrowed(self.stages, self.filter)
        return recipes.hashed("narrowed", recipes.slots[self.inner_output])


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The narrowed steps of a node."""
    checker.naming.keys(node, ("only", "then", "id", "as"), "a narrowed step")
    identity = checker.naming.identity(node, "only", environment)
    given = node.items["only"]
    name = given.value if isinstance(given, Scalar) and not waits(given) else None
    named = isinstance(name, str) and (environment.find(name) is not None or environment.may_give(name))
    outer = environment
    wanted: tuple[Value, Value] | None = None
    written: Filter | None
    if named:
        what = "what a `metadata-filter` gives"
        value = checker.bind.condition(given, "only", Wanted, what, environment)
        rest = Value("question", str, given.place, read=True)
        outer = environment.child()
        outer.values["question"] = rest
        wanted, written = None if value is None else (value, rest), {}
    else:
        written = _filter(given, checker)
    then = block(node, "then", outer, checker, "a narrowed step", called=f"{identity}-then")
    if then is None:
        environment.unknown = True
        return None
    output = Value(identity, then.output.type, node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    if written is None or (named and wanted is None):
        return None
    return Narrow(identity, written, wanted, then, output)


def _filter(node: Node, checker: FlowChecker) -> Filter | None:
    if any(waits(each) for each in scalars(node)):
        return None
    if not isinstance(node, Map) or not node.items:
        said = "`only` wants a filter, such as {lang: de}, or the name of what a `metadata-filter` gave"
        said = f"{said}, not {describe(node)}"
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
    only = {"anyOf": [{"type": "object", "minProperties": 1}, {"type": "string"}]}
    return [mapping(("only", "then"), {"only": only, "then": BODY})]


ONLY = Form("only", check, _schema)
