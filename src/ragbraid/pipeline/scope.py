"""The names in reach while a flow is being checked: the newest value of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ragbraid.pipeline.diagnostics import Place
from ragbraid.pipeline.model import FlowInput, Value
from ragbraid.pipeline.typecheck import role_of

RESERVED = ("inputs", "question", "k", "history", "documents", "chunks", "hits", "answer")
"""Names of inputs and roles, which no step may take as its id."""


class Environment:
    """Names → values.

    `unknown` is set after a step of which nothing can be told: any name may be its. `untold` are the names of
    steps whose ids are known, and the types of what they give aren't.
    """

    def __init__(self, inputs: Mapping[str, FlowInput]) -> None:
        self.inputs = {name: each.value for name, each in inputs.items()}
        self.values: dict[str, Value] = dict(self.inputs)
        self.ids: dict[str, Place] = {}
        self.unknown = False
        self.untold: set[str] = set()
        self.only: str | None = None
        """What the one step of a block is called, where it has no id: the way that it stands in."""
        self.caller: Callable[[str, Any, Place], Value | None] | None = None
        """Gives the inputs that whoever calls a step chooses, by name and type."""

    def child(self) -> Environment:
        """A copy in which a block may add names that are gone after it; ids stay unique across both."""
        copy = Environment({})
        copy.inputs, copy.values = self.inputs, dict(self.values)
        copy.ids, copy.unknown, copy.untold = self.ids, self.unknown, set(self.untold)
        return copy

    def find(self, name: str) -> Value | None:
        """The newest value of a name (`inputs.x` is the flow's own input)."""
        if name.startswith("inputs."):
            return self.inputs.get(name.removeprefix("inputs."))
        return self.values.get(name)

    def may_give(self, name: str) -> bool:
        """Whether a step that is wrong may give a value of this name, once it is right."""
        return self.unknown or name in self.untold or (bool(self.untold) and name in RESERVED)

    @property
    def is_sure(self) -> bool:
        """Whether no step was wrong so far."""
        return not self.unknown and not self.untold

    def store(self, step: str, value: Value, role: str | None) -> None:
        """Keep a step's output under its id and under its role, or the name that `as` gives."""
        self.values[step] = value
        name = role or role_of(value.type)
        if name:
            self.values[name] = value
