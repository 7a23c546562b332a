"""Steps of a file → steps with every input bound and every type compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ragbraid.pipeline.binding import Binder
from ragbraid.pipeline.components import Components, misspelt
from ragbraid.pipeline.diagnostics import Place, Problems
from ragbraid.pipeline.forms.calls import named
from ragbraid.pipeline.forms.registry import FORMS
from ragbraid.pipeline.model import Flow, Step
from ragbraid.pipeline.naming import Naming, last_word
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.syntax import MAX_DEPTH
from ragbraid.pipeline.tree import Map, Node, Scalar, describe


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

    def __init__(
        self, components: Components, book: FlowBook, problems: Problems, fields: Mapping[str, str]
    ) -> None:
        self.components = components
        self.book = book
        self.problems = problems
        self.fields = fields
        self.bind = Binder(problems)
        self.naming = Naming(problems)
        self._depth = 0

    def steps(self, nodes: list[Node], environment: Environment) -> list[Step]:
        """The steps of a list; wrong ones are noted and left out."""
        if self._depth >= MAX_DEPTH:
            said = f"steps and the flows that they call are nested more than {MAX_DEPTH} deep"
            self.fail(nodes[0].place, said, environment)
            return []
        self._depth += 1
        steps = [step for each in nodes if (step := self.step(each, environment)) is not None]
        self._depth -= 1
        return steps

    def step(self, node: Node, environment: Environment) -> Step | None:
        """The step of a node, whatever its form; None where it is wrong."""
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return named(node.value, node, None, environment, self)
        if not isinstance(node, Map):
            self.fail(node.place, f"a step is a name or a mapping, not {describe(node)}", environment)
            return None
        forms = [each for each in FORMS if each in node.items]
        if len(forms) != 1:
            said = misspelt(node, "a step", FORMS) or "a step wants a `type` or a `use`"
            if forms:
                said = f"a step has both `{forms[0]}` and `{forms[1]}`"
            self.fail(node.place, said, environment)
            return None
        return FORMS[forms[0]].check(node, environment, self)

    def unread(self, steps: list[Step], environment: Environment) -> None:
        """Note every step whose output nobody reads."""
        for each in steps:
            if not each.output.read and environment.is_sure:
                self.problems.add(
                    each.output.place,
                    f"nobody reads the output of {each.id!r}; "
                    "name it as an input of a later step, or remove it",
                )

    def untold(self, node: Map, name: str, near: str | None, environment: Environment) -> None:
        """Keep the names of a step that is wrong: its id, that of the name that was meant, its role."""
        identity = self.naming.identity(node, name, environment)
        role = self.naming.role(node, environment)
        meant_id = last_word(near) if near and "id" not in node.items else ""
        environment.untold.update(filter(None, (identity, meant_id, role)))
        environment.unknown |= identity == "?"

    def fail(self, place: Place, message: str, environment: Environment) -> None:
        """Note what is wrong with a step of which nothing can be told then."""
        self.problems.add(place, message)
        environment.unknown = True
