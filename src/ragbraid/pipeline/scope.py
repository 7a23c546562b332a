"""The names in reach while a flow is being checked: the newest value of each."""

from __future__ import annotations

from collections.abc import Mapping

from ragbraid.pipeline.diagnostics import Place
from ragbraid.pipeline.model import FlowInput, Value
from ragbraid.pipeline.typecheck import role_of

RESERVED = ("inputs", "question", "k", "history", "documents", "chunks", "hits", "answer")
"""Names of inputs and roles, which no step may take as its id."""


class Environment:
    """Names → values. `unknown` is set after a step whose type couldn't be found: any name may be its."""

    def __init__(self, inputs: Mapping[str, FlowInput]) -> None:
        self.inputs = {name: each.value for name, each in inputs.items()}
        self.values: dict[str, Value] = dict(self.inputs)
        self.ids: dict[str, Place] = {}
        self.unknown = False

    def child(self) -> Environment:
        """A copy in which a block may add names that are gone after it; ids stay unique across both."""
        copy = Environment({})
        copy.inputs, copy.values = self.inputs, dict(self.values)
        copy.ids, copy.unknown = self.ids, self.unknown
        return copy

    def find(self, name: str) -> Value | None:
        """The newest value of a name (`inputs.x` is the flow's own input)."""
        if name.startswith("inputs."):
            return self.inputs.get(name.removeprefix("inputs."))
        return self.values.get(name)

    def store(self, step: str, value: Value, role: str | None) -> None:
        """Keep a step's output under its id and under its role, or the name that `as` gives."""
        self.values[step] = value
        name = role or role_of(value.type)
        if name:
            self.values[name] = value
