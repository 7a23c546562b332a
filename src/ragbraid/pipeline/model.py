"""A checked pipeline: flows of steps whose every input is bound to the value it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ragbraid.pipeline.diagnostics import Place
from ragbraid.pipeline.signature import MISSING
from ragbraid.types import Message

if TYPE_CHECKING:
    from ragbraid.pipeline.components import Components
    from ragbraid.pipeline.graph import Node as GraphNode
    from ragbraid.pipeline.graphing import Grapher
    from ragbraid.pipeline.plan import Operations, Planner
    from ragbraid.pipeline.tree import Map


@dataclass(eq=False, slots=True)
class Value:
    """Something that a step or a caller gives, and others read."""

    name: str
    type: Any
    place: Place
    read: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """An argument that the file or a default gives."""

    value: Any


Argument: TypeAlias = "Value | Constant | tuple[Value, ...]"


@dataclass(frozen=True, slots=True)
class FlowInput:
    """An input of a flow. `default` is `MISSING` where the caller must give it."""

    value: Value
    default: Any = MISSING


@dataclass(frozen=True, slots=True)
class Block:
    """Steps in a row, and the value that they come to."""

    steps: tuple[Step, ...]
    output: Value


class Step(Protocol):
    """A step of a flow, of whatever form; see `ragbraid.pipeline.forms`."""

    @property
    def id(self) -> str:
        """Its name among the steps of its flow."""
        ...

    @property
    def output(self) -> Value:
        """What it gives."""
        ...

    def inside(self) -> tuple[Step, ...]:
        """The steps that are written inside it."""
        ...

    def called(self) -> tuple[str, ...]:
        """The flows that it calls."""
        ...

    def plan(self, planner: Planner, prefix: str) -> Operations:
        """Its operations."""
        ...

    def drawn(self, grapher: Grapher, key: str) -> GraphNode:
        """Itself in a graph, under this key."""
        ...


def walked(steps: Iterable[Step]) -> Iterator[Step]:
    """Steps, and those that are written inside them."""
    for each in steps:
        yield each
        yield from walked(each.inside())


@dataclass(frozen=True, slots=True)
class Flow:
    """A named flow with its inputs, steps and output."""

    name: str
    inputs: Mapping[str, FlowInput]
    steps: tuple[Step, ...]
    output: Value


@dataclass(frozen=True, slots=True)
class IngestSteps:
    """The ingest flow in its three parts: what loads, what happens to the documents, where they go."""

    loaders: tuple[Any, ...]
    flow: Flow
    documents: Value
    """The documents as they are stored: the loader's, or those that a later step made of them."""
    index: Any
    index_id: str


@dataclass(frozen=True, slots=True)
class CheckedPipeline:
    """All that a right file says."""

    name: str
    base: Path
    components: Mapping[str, Any]
    flows: Mapping[str, Flow]
    ingest: IngestSteps | None
    fields: Mapping[str, str]
    sections: Mapping[str, Any] = field(default_factory=dict)
    """`description`, `serve` and `eval` as plain values."""
    written: tuple[Map, Components] | None = field(default=None, compare=False, repr=False)
    """The tree that it was read from, and the components made of it: what `to_yaml` writes."""


def standard_inputs(place: Place) -> dict[str, FlowInput]:
    """What every flow is given unless it declares inputs of its own."""
    return {
        "question": FlowInput(Value("question", str, place)),
        "k": FlowInput(Value("k", int, place), 10),
        "history": FlowInput(Value("history", list[Message], place), []),
    }
