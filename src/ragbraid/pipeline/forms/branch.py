"""`{when: NAME, then: …, else: …}` and `{when: NAME, cases: {VALUE: …}, else: …}`: one of several ways."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from ragbraid.errors import StepError
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.pipeline.forms.form import BODY, Form, block, mapping
from ragbraid.pipeline.graph import Link
from ragbraid.pipeline.graph import Node as GraphNode
from ragbraid.pipeline.model import Block, Step, Value
from ragbraid.pipeline.operations import Stages, Way, read_inside
from ragbraid.pipeline.plan import Operations, Planner
from ragbraid.pipeline.schedule import Turn, schedule
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.tree import Map, Node, describe
from ragbraid.pipeline.typecheck import assignable, plain, role_of, type_name

if TYPE_CHECKING:
    from ragbraid.pipeline.flows import FlowChecker
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.sharing import Recipes
    from ragbraid.pipeline.state import State


@dataclass(frozen=True, slots=True)
class Branch:
    """One of several blocks by a value: a boolean's are called then and else, a text's as the text.

    `otherwise` is for every value that `ways` doesn't have; None where there is no such value.
    """

    id: str
    condition: Value
    ways: Mapping[str | bool, Block]
    otherwise: Block | None
    output: Value

    def inside(self) -> tuple[Step, ...]:
        otherwise = () if self.otherwise is None else self.otherwise.steps
        return (*(step for each in self.ways.values() for step in each.steps), *otherwise)

    def called(self) -> tuple[str, ...]:
        return ()

    def blocks(self) -> dict[str, Block]:
        """Every way by its name."""
        named = {"then" if way is True else str(way): each for way, each in self.ways.items()}
        other = "else" if "else" not in named else "any other"
        return named if self.otherwise is None else {**named, other: self.otherwise}

    def plan(self, planner: Planner, prefix: str) -> Operations:
        ways = {value: Way(*planner.block(each, prefix)) for value, each in self.ways.items()}
        otherwise = None if self.otherwise is None else Way(*planner.block(self.otherwise, prefix))
        condition, output = planner.slot(self.condition), planner.slot(self.output)
        return [Choice(prefix + self.id, condition, ways, otherwise, output)]

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        blocks = self.blocks()
        inside = {
            name: grapher.steps(each.steps, f"{key}/{name}") for name, each in blocks.items() if each.steps
        }
        reads = [Link("when", each) for each in grapher.sources(self.condition)]
        reads += [Link(name, to) for name, each in blocks.items() for to in grapher.sources(each.output)]
        return GraphNode(key, self.id, "branch", "", grapher.gives(self), tuple(reads), blocks=inside)


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One of several sub-plans for each question, by a slot that holds a boolean or a text."""

    step: str
    condition: int
    ways: Mapping[str | bool, Way]
    otherwise: Way | None
    output: int

    def writes(self) -> tuple[int, ...]:
        return (self.output,)

    def reads(self) -> set[int]:
        ways = self._every()
        inside = (slot for each in ways for slot in read_inside(each.stages))
        return {self.condition, *(each.output for each in ways), *inside}

    def inner(self) -> Sequence[Stages]:
        return [each.stages for each in self._every()]

    def decide(self, state: State, run: Run) -> Generator[Turn, None, None]:
        slots = state.slots
        taken: dict[int, tuple[Way, list[int]]] = {}
        for index in state.alive:
            way = self._way(slots[self.condition][index])
            if way is None:
                state.fail(index, self._unforeseen(slots[self.condition][index]))
            else:
                taken.setdefault(id(way), (way, []))[1].append(index)
        for way in self._every():
            view = state.view(taken[id(way)][1] if id(way) in taken else [])
            yield from schedule(way.stages, view, run)
            for index in view.alive:
                slots[self.output][index] = slots[way.output][index]

    def ends_in(self, state: State, run: Run) -> tuple[Way, Run] | None:
        value = state.slots[self.condition][0]
        way = self._way(value)
        if way is None:
            state.fail(0, self._unforeseen(value))
        return None if way is None else (way, run)

    def recipe(self, recipes: Recipes) -> str:
        told = [recipes.slots[self.condition]]
        for name, way in (*self.ways.items(), ("", self.otherwise)):
            if way is not None:
                recipes.walk(way.stages)
                told += [str(name), recipes.slots[way.output]]
        return recipes.hashed("choice", *told)

    def _every(self) -> list[Way]:
        return [*self.ways.values(), *([] if self.otherwise is None else [self.otherwise])]

    def _way(self, value: Any) -> Way | None:
        if True in self.ways:
            return self.ways[True] if value else self.otherwise
        return self.ways.get(value, self.otherwise) if isinstance(value, str) else self.otherwise

    def _unforeseen(self, value: Any) -> StepError:
        cases = listed([repr(each) for each in self.ways])
        return StepError(
            f"The branch {self.step!r} has no case for {str(value)[:60]!r}: it has {cases}.",
            "The step that gives the value says that it gives no other; add an `else`.",
        )


def check(node: Map, environment: Environment, checker: FlowChecker) -> Step | None:
    """The branch of a node."""
    many = "cases" in node.items
    checker.naming.keys(node, ("when", "then", "cases", "else", "id", "as"), "a branch")
    if many and "then" in node.items:
        checker.fail(node.where("then"), "a branch has `then` or `cases`, not both", environment)
    identity = checker.naming.identity(node, "when", environment)
    condition = _condition(node.items["when"], environment, checker, many=many)
    ways = (
        _cases(node.items["cases"], condition, environment, checker)
        if many
        else _then(node, environment, checker)
    )
    otherwise = block(node, "else", environment, checker, "a branch") if "else" in node.items else None
    if ways is None or ("else" in node.items and otherwise is None):
        environment.unknown = True
        return None
    given = next(iter(ways.values())).output.type
    missing = _missing(condition, ways) if many else None
    if otherwise is None and (not many or missing != []):
        otherwise = _as_it_was(node, given, missing, environment, checker)
        if otherwise is None:
            return None
    if not agree(node, ways, otherwise, environment, checker):
        return None
    output = Value(identity, given, node.place)
    environment.store(identity, output, checker.naming.role(node, environment))
    return None if condition is None else Branch(identity, condition, ways, otherwise, output)


def _condition(node: Node, environment: Environment, checker: FlowChecker, *, many: bool) -> Value | None:
    if not many:
        return checker.bind.condition(node, "when", bool, "a boolean", environment)
    return checker.bind.condition(node, "when", str, "a text", environment)


def _then(node: Map, environment: Environment, checker: FlowChecker) -> dict[str | bool, Block] | None:
    then = block(node, "then", environment, checker, "a branch")
    return None if then is None else {True: then}


def _cases(
    node: Node, condition: Value | None, environment: Environment, checker: FlowChecker
) -> dict[str | bool, Block] | None:
    """The block of each case; None where one is wrong."""
    if not isinstance(node, Map) or not node.items:
        said = f"`cases` wants a mapping of values to steps, not {describe(node)}"
        checker.problems.add(node.place, "`cases` has no case" if isinstance(node, Map) else said)
        return None
    known = None if condition is None else _values(condition)
    blocks: dict[str | bool, Block] = {}
    for case in node.items:
        if known is not None and case not in known:
            said = f"{condition.name!r} never gives {case!r}" if condition else ""
            checker.problems.add(node.where(case), f"{said}{meant(case, known)}")
        found = block(node, case, environment, checker, "a branch")
        if found is not None:
            blocks[case] = found
    return blocks if len(blocks) == len(node.items) else None


def _values(condition: Value) -> list[str] | None:
    """The texts that a value may be; None where it may be any."""
    annotation = plain(condition.type)
    return [str(each) for each in get_args(annotation)] if get_origin(annotation) is Literal else None


def _missing(condition: Value | None, ways: Mapping[str | bool, Block]) -> list[str] | None:
    """The values that no case is for; None where they can't be told."""
    known = None if condition is None else _values(condition)
    return None if known is None else [each for each in known if each not in ways]


def _as_it_was(
    node: Map, given: Any, missing: list[str] | None, environment: Environment, checker: FlowChecker
) -> Block | None:
    """What a branch comes to where it takes no way: the value of its role."""
    role = role_of(given)
    before = environment.find(role) if role else None
    if before is not None:
        before.read = True
        return Block((), before)
    said = "a branch without `else` needs a value that it leaves as it is"
    if missing:
        said += f", or a case for {listed([repr(each) for each in missing])}"
    checker.fail(node.place, said, environment)
    return None


def agree(
    node: Map,
    ways: Mapping[str | bool, Block],
    otherwise: Block | None,
    environment: Environment,
    checker: FlowChecker,
) -> bool:
    """Whether all ways come to one type; notes the first that doesn't."""
    (first, wanted), *others = [("then" if name is True else str(name), each.output.type)
                                for name, each in ways.items()]  # fmt: skip
    if otherwise is not None:
        others.append(("else", otherwise.output.type))
    for name, given in others:
        if not assignable(given, wanted):
            said = (
                f"the branches differ: `{first}` gives {type_name(wanted)}, `{name}` gives {type_name(given)}"
            )
            checker.fail(node.place, said, environment)
            return False
    return True


def _schema() -> list[dict[str, Any]]:
    when = {"type": "string"}
    cases = {"type": "object", "minProperties": 1, "additionalProperties": BODY}
    return [
        mapping(("when", "then"), {"when": when, "then": BODY, "else": BODY}),
        mapping(("when", "cases"), {"when": when, "cases": cases, "else": BODY}),
    ]


BRANCH = Form("when", check, _schema)
