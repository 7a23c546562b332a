"""Flows of a file → steps with every input bound and every type compared."""

from __future__ import annotations

from typing import Protocol

from ragbraid.pipeline.binding import Binder
from ragbraid.pipeline.components import Built, Components, misspelt
from ragbraid.pipeline.diagnostics import LIKENESS, Place, Problems, meant
from ragbraid.pipeline.environment import Unresolved, as_number, waits
from ragbraid.pipeline.model import (
    Block,
    Branch,
    ComponentStep,
    Flow,
    FlowStep,
    Loop,
    Step,
    Value,
)
from ragbraid.pipeline.naming import Naming, last_word
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.syntax import MAX_DEPTH
from ragbraid.pipeline.tree import List, Map, Node, Scalar, describe
from ragbraid.pipeline.typecheck import assignable, role_of, type_name
from ragbraid.text.near import nearest

FORMS = ("type", "use", "when", "repeat")


class FlowBook(Protocol):
    """Where a step finds the flows of its file."""

    @property
    def names(self) -> list[str]:
        """The flows that a step may call."""
        ...

    def get(self, name: str, caller: Place) -> Flow | None:
        """A flow, checked; None where it is wrong or calls itself (noted at `caller`)."""
        ...


class FlowChecker:
    """Checks steps one after the other; asks the book for the flows that they call."""

    def __init__(self, components: Components, book: FlowBook, problems: Problems) -> None:
        self._components = components
        self._book = book
        self._problems = problems
        self._bind = Binder(problems)
        self._names = Naming(problems)
        self._depth = 0

    def steps(self, nodes: list[Node], environment: Environment) -> list[Step]:
        """The steps of a list; wrong ones are noted and left out."""
        if self._depth >= MAX_DEPTH:
            said = f"steps and the flows that they call are nested more than {MAX_DEPTH} deep"
            self._fail(nodes[0].place, said, environment)
            return []
        self._depth += 1
        steps = [step for each in nodes if (step := self._step(each, environment)) is not None]
        self._depth -= 1
        return steps

    def _step(self, node: Node, environment: Environment) -> Step | None:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return self._named(node.value, node, None, environment)
        if not isinstance(node, Map):
            self._fail(node.place, f"a step is a name or a mapping, not {describe(node)}", environment)
            return None
        forms = [each for each in FORMS if each in node.items]
        if len(forms) != 1:
            said = misspelt(node, "a step", FORMS) or "a step wants a `type` or a `use`"
            if forms:
                said = f"a step has both `{forms[0]}` and `{forms[1]}`"
            self._fail(node.place, said, environment)
            return None
        return {"type": self._inline, "use": self._used, "when": self._branch, "repeat": self._loop}[
            forms[0]
        ](node, environment)

    def _inline(self, node: Map, environment: Environment) -> Step | None:
        built = self._components.build(node, besides=("id", "as"))
        return self._component(built, node, built.type, environment)

    def _used(self, node: Map, environment: Environment) -> Step | None:
        target = node.items["use"]
        if not isinstance(target, Scalar) or not isinstance(target.value, str):
            self._fail(
                target.place,
                f"`use` wants the name of a component or flow, not {describe(target)}",
                environment,
            )
            return None
        return self._named(target.value, target, node, environment)

    def _named(self, name: str, node: Node, options: Map | None, environment: Environment) -> Step | None:
        if isinstance(name, Unresolved):
            environment.unknown = True
            return None
        if name in self._book.names:
            return self._call(name, node, options or Map(node.place), environment)
        built = self._components.get(name)
        if built is None:
            known = [*self._components.names, *self._book.names]
            self._problems.add(node.place, f"there is no component or flow {name!r}{meant(name, known)}")
            self._untold(options or Map(node.place), name, nearest(name, known, LIKENESS), environment)
            return None
        if options is not None and built.signature is not None:
            self._names.options(options, [each.name for each in built.signature.inputs or ()], name)
        return self._component(built, options or Map(node.place), name, environment, node.place)

    def _component(
        self, built: Built, node: Map, name: str, environment: Environment, at: Place | None = None
    ) -> Step | None:
        place = at or node.place
        if not built.type:
            environment.unknown = True
            return None
        if built.signature is None:
            self._untold(node, name, "" if at else built.near, environment)
            return None
        identity = self._names.identity(node, name, environment)
        self._bind.touch(node, built.signature, environment)
        if built.signature.inputs is None:
            self._fail(
                place, f"{name!r} can't be a step, since it takes no input; refer to it by name", environment
            )
            return None
        arguments = self._bind.inputs(built.signature.inputs, node, name, place, environment)
        output = Value(identity, built.signature.output, place)
        environment.store(identity, output, self._names.role(node, environment))
        if arguments is None:
            return None
        return ComponentStep(identity, built.value, built.signature, arguments, output)

    def _call(self, name: str, node: Node, options: Map, environment: Environment) -> Step | None:
        flow = self._book.get(name, node.place)
        if flow is None:
            self._untold(options, name, "", environment)
            return None
        identity = self._names.identity(options, name, environment)
        self._names.options(options, list(flow.inputs), name)
        arguments = self._bind.flow(flow.inputs, options, name, node.place, environment)
        output = Value(identity, flow.output.type, node.place)
        environment.store(identity, output, self._names.role(options, environment))
        return None if arguments is None else FlowStep(identity, name, arguments, output)

    def _branch(self, node: Map, environment: Environment) -> Step | None:
        self._names.keys(node, ("when", "then", "else", "id", "as"), "a branch")
        identity = self._names.identity(node, "when", environment)
        condition = self._bind.boolean(node.items["when"], "when", environment)
        then = self._block(node, "then", environment)
        otherwise = self._block(node, "else", environment) if "else" in node.items else None
        if then is None or ("else" in node.items and otherwise is None):
            environment.unknown = True
            return None
        if otherwise is None:
            role = role_of(then.output.type)
            before = environment.find(role) if role else None
            if before is None:
                self._fail(
                    node.place, "a branch without `else` needs a value that it leaves as it is", environment
                )
                return None
            before.read = True
            otherwise = Block((), before)
        if not assignable(otherwise.output.type, then.output.type):
            self._fail(
                node.place,
                f"the branches differ: `then` gives {type_name(then.output.type)}, "
                f"`else` gives {type_name(otherwise.output.type)}",
                environment,
            )
            return None
        output = Value(identity, then.output.type, node.place)
        environment.store(identity, output, self._names.role(node, environment))
        return None if condition is None else Branch(identity, condition, then, otherwise, output)

    def _loop(self, node: Map, environment: Environment) -> Step | None:
        self._names.keys(node, ("repeat", "until", "at_most", "id", "as"), "a loop")
        identity = self._names.identity(node, "repeat", environment)
        bound = self._bound(node)
        name = node.items["repeat"]
        flow = self._looped(name)
        if flow is None:
            environment.unknown = True
            return None
        arguments = self._bind.flow(flow.inputs, Map(node.place), str(flow.name), name.place, environment)
        carried = role_of(flow.output.type) or ""
        taken = flow.inputs.get(carried)
        if taken is None or not assignable(flow.output.type, taken.value.type):
            self._fail(
                name.place,
                f"a loop's flow takes what it gave the round before, and {flow.name!r}, which gives "
                f"{type_name(flow.output.type)}, has no such input",
                environment,
            )
            return None
        output = Value(identity, flow.output.type, node.place)
        inner = environment.child()
        inner.store(identity, output, None)
        until = self._until(node, inner)
        environment.store(identity, output, self._names.role(node, environment))
        if arguments is None or until is None or bound is None:
            return None
        return Loop(identity, flow.name, arguments, carried, until, bound, output)

    def _bound(self, node: Map) -> int | None:
        bound = node.items.get("at_most")
        if bound is None:
            self._problems.add(
                node.where("repeat"), "a loop wants a bound: `at_most`, the most rounds it may go"
            )
        elif waits(bound):
            return None
        elif isinstance(bound, Scalar) and type(most := as_number(bound)) is int and 1 <= most <= 100:
            return most
        else:
            self._problems.add(bound.place, f"at_most wants a number from 1 to 100, not {describe(bound)}")
        return None

    def _looped(self, name: Node) -> Flow | None:
        if isinstance(name, Scalar) and name.value in self._book.names:
            return self._book.get(name.value, name.place)
        if waits(name):
            return None
        near = meant(str(name.value), self._book.names) if isinstance(name, Scalar) else ""
        self._problems.add(name.place, f"`repeat` wants the name of a flow, not {describe(name)}{near}")
        return None

    def _until(self, node: Map, inner: Environment) -> Step | None:
        if "until" not in node.items:
            self._problems.add(node.where("repeat"), "a loop wants `until`, a step that gives a boolean")
            return None
        step = self._step(node.items["until"], inner)
        if step is not None and not assignable(step.output.type, bool):
            place = node.items["until"].place
            self._problems.add(
                place, f"`until` wants a step that gives bool, not {type_name(step.output.type)}"
            )
            return None
        return step

    def _block(self, node: Map, key: str, environment: Environment) -> Block | None:
        if key not in node.items:
            self._problems.add(node.place, f"a branch wants `{key}`")
            return None
        body = node.items[key]
        nodes: list[Node] = body.items if isinstance(body, List) else [body]
        if not nodes:
            self._problems.add(body.place, f"`{key}` has no steps")
            return None
        inner = environment.child()
        steps = self.steps(nodes, inner)
        if len(steps) < len(nodes):
            return None
        steps[-1].output.read = True
        self.unread(steps, inner)
        return Block(tuple(steps), steps[-1].output)

    def unread(self, steps: list[Step], environment: Environment) -> None:
        """Note every step whose output nobody reads."""
        for each in steps:
            if not each.output.read and environment.is_sure:
                self._problems.add(
                    each.output.place,
                    f"nobody reads the output of {each.id!r}; "
                    "name it as an input of a later step, or remove it",
                )

    def _untold(self, node: Map, name: str, near: str | None, environment: Environment) -> None:
        """Keep the names of a step that is wrong: its id, that of the name that was meant, its role."""
        identity = self._names.identity(node, name, environment)
        role = self._names.role(node, environment)
        meant_id = last_word(near) if near and "id" not in node.items else ""
        environment.untold.update(filter(None, (identity, meant_id, role)))
        environment.unknown |= identity == "?"

    def _fail(self, place: Place, message: str, environment: Environment) -> None:
        self._problems.add(place, message)
        environment.unknown = True  # what this step would have given can't be known
