"""`{cache: CACHE, then: …}`: steps that aren't run where their answer is known already."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ragbraid.answer.cache import Cache
from ragbraid.answer.lookup import Looked, Lookup
from ragbraid.pipeline.forms.cached_steps import indexes, keepable
from ragbraid.pipeline.forms.form import BODY, Form, block, mapping
from ragbraid.pipeline.graph import Link
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Block, Step, Value
from ragbraid.pipeline.operations import Call, Stages, Way, calls_of, read_inside
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.schedule import Turn, schedule
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.signature import MISSING, Setting, signature_of
from ragbraid.pipeline.tree import Map, Scalar
from ragbraid.pipeline.typecheck import role_of, type_name

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State

_REFERENCE = Setting("cache", Cache, MISSING, Cache)


@dataclass(frozen=True, slots=True)
class Cached:
    """Steps that answer, and a cache before them."""

    id: str
    cache: Any
    question: Value
    then: Block
    output: Value

    def inside(self) -> tuple[Step, ...]:
        return self.then.steps

    def called(self) -> tuple[str, ...]:
        return ()

    def plan(self, planner: Planner, prefix: str) -> Operations:
        question = planner.slot(self.question)
        known = planner.count  # slots that are given from here on are the steps' own
        stages, inner = planner.block(self.then, prefix)
        outside = {each for each in {inner, *read_inside(stages)} if each < known}
        components = [each.component for each in calls_of(stages)]
        # An identity of its own: whoever else uses the same cache has other steps, models and settings.
        embedder = getattr(self.cache, "embedder", None)
        lookup = Lookup(self.cache, tuple(indexes(components)), embedder, uuid4().hex)
        looked = planner.fresh()
        arguments = question, tuple(sorted(outside - {question}))
        call = Call(f"{prefix}{self.id}.look_up", lookup, signature_of(Lookup), arguments, looked)
        return [call, Remembered(prefix + self.id, looked, stages, inner, planner.slot(self.output))]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        inside = {"then": grapher.steps(self.then.steps, f"{key}/then")} if self.then.steps else {}
        reads = tuple(Link("then", each) for each in grapher.sources(self.then.output))
        return GraphNode(key, self.id, "branch", "", grapher.gives(self), reads, blocks=inside)


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """A sub-plan for the questions that the cache doesn't know, each of whose answers it keeps."""

    step: str
    looked: int
    stages: Stages
    inner_output: int
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        return {self.looked, self.inner_output, *read_inside(self.stages)}

    def inner(self) -> Sequence[Stages]:
        return (self.stages,)

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        began, slots = perf_counter(), state.slots
        found: dict[int, Looked] = {index: _heeding(slots[self.looked][index], run) for index in state.alive}
        view = state.view([index for index, each in found.items() if each.known is None])
        yield from schedule(self.stages, view, run)
        view.settle()
        for index in view.alive:
            slots[self.output][index] = slots[self.inner_output][index]
            if (keep := found[index].keep) is not None:
                keep(slots[self.output][index])
        for index, each in found.items():
            if each.known is not None:
                slots[self.output][index] = each.known.answer
        told = [_told(each) for each in found.values()]
        run.tell(self.step, began, told[0] if len(told) == 1 else {"questions": told})

    def ends_in(self, state: State, run: Run) -> tuple[Way, Run] | None:
        looked = _heeding(state.slots[self.looked][0], run)
        run.tell(self.step, perf_counter(), _told(looked))
        if looked.known is None:
            return Way(self.stages, self.inner_output, looked.keep), run
        state.slots[self.output][0] = looked.known.answer
        return Way((), self.output), run

    def recipe(self, recipes: Recipes) -> str:
        recipes.walk(self.stages)
        return recipes.hashed("cache", recipes.slots[self.inner_output])


def _heeding(looked: Looked, run: Run) -> Looked:
    """What was looked up, for this run: one with wishes wants an answer of its own, which is no other's."""
    return looked if run.wishes is None else Looked(None, None)


def _told(looked: Looked) -> dict[str, Any]:
    """What the trace says."""
    if looked.known is None:
        return {"cache": "miss" if looked.keep is not None else "uncached"}
    _, question, likeness = looked.known
    return {"cache": "hit", "question": question, "likeness": round(likeness, 3)}


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The step of a node."""
    checker.naming.keys(node, ("cache", "then", "pure", "id", "as"), "a cache")
    identity = checker.naming.identity(node, "cache", environment)
    cache = checker.components.refer(node.items["cache"], _REFERENCE, "a step")
    question = checker.bind.condition(
        Scalar(node.items["cache"].place, "question"), "cache", str, "a question", environment
    )
    then = block(node, "then", environment, checker, "a cache", called=f"{identity}-then")
    if then is None:
        environment.unknown = True
        return None
    output = Value(identity, then.output.type, node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    if role_of(then.output.type) != "answer":
        said = f"a cache keeps answers, and what stands in it gives {type_name(then.output.type)}"
        checker.problems.add(node.where("then"), said)
        return None
    if cache is None or cache.value is None or question is None:
        return None
    if not keepable(then.steps, node, checker):
        return None
    return Cached(identity, cache.value, question, then, output)


def _schema() -> list[dict[str, Any]]:
    cache = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/component"}]}
    return [mapping(("cache", "then"), {"cache": cache, "then": BODY, "pure": {"type": "boolean"}})]


CACHE = Form("cache", check, _schema)
