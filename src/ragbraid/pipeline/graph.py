"""A checked pipeline as plain data: what a terminal, a notebook or a page draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Form: TypeAlias = Literal[
    "component", "input", "loader", "step", "flow", "branch", "loop", "map", "agent", "until", "index"
]


@dataclass(frozen=True, slots=True)
class Link:
    """That a node uses another one, whose key is `to`, under a name of its own: an input or a setting."""

    name: str
    to: str


@dataclass(frozen=True, slots=True)
class Node:
    """A component, an input of a flow or a step.

    `key` is its own in the whole graph, `name` its id in the file. `type` is the component's type, for
    `form` flow, loop and map the name of the flow, and empty for an input. `gives` is the role or type of its
    output. `reads` are its inputs, `refers` the components that it holds, `settings` what isn't at its
    default. `blocks` are the steps inside a branch (then, else) and the condition of a loop (until).
    """

    key: str
    name: str
    form: Form
    type: str = ""
    gives: str = ""
    reads: tuple[Link, ...] = ()
    refers: tuple[Link, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)

    def walk(self) -> Iterator[Node]:
        """The nodes inside it, and then itself."""
        for block in self.blocks.values():
            for each in block:
                yield from each.walk()
        yield self


@dataclass(frozen=True, slots=True)
class FlowGraph:
    """A flow: the inputs that it reads, its steps, and the key of the one whose output it gives."""

    name: str
    inputs: tuple[Node, ...]
    steps: tuple[Node, ...]
    gives: str
    output: str

    def nodes(self) -> list[Node]:
        """Inputs and steps, those inside branches and loops too."""
        return [*self.inputs, *(inner for each in self.steps for inner in each.walk())]


@dataclass(frozen=True, slots=True)
class Graph:
    """A pipeline: its components and its flows, in the order of the file."""

    name: str
    description: str
    components: tuple[Node, ...]
    flows: tuple[FlowGraph, ...]

    def groups(self) -> list[tuple[str, list[Node]]]:
        """What belongs together, with its title: the components, if any, and each flow."""
        groups = [("components", list(self.components)), *((each.name, each.nodes()) for each in self.flows)]
        return [(title, nodes) for title, nodes in groups if nodes]

    def names(self) -> dict[str, str]:
        """Every node's name by its key."""
        return {each.key: each.name for _, nodes in self.groups() for each in nodes}
