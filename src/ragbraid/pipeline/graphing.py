"""A checked pipeline → its graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ragbraid.pipeline.engine import signature_for
from ragbraid.pipeline.function import setting_of, target_of
from ragbraid.pipeline.graph import FlowGraph, Form, Graph, Link, Node
from ragbraid.pipeline.model import (
    Argument,
    CheckedPipeline,
    Constant,
    Flow,
    FlowInput,
    IngestSteps,
    Step,
    Value,
)
from ragbraid.pipeline.signature import Setting
from ragbraid.pipeline.typecheck import role_of, type_name
from ragbraid.pipeline.written import as_written
from ragbraid.types import ModelName


def graph_of(checked: CheckedPipeline) -> Graph:
    """The graph of a pipeline. Nothing is opened for it."""
    return Grapher(checked).graph()


class Grapher:
    """Draws one pipeline; steps draw themselves by its means."""

    def __init__(self, checked: CheckedPipeline) -> None:
        self._checked = checked
        self._sources: dict[Value, tuple[str, ...]] = {}
        self._flows: dict[str, FlowGraph] = {}
        self._components: dict[str, Node] = {}
        self._types = checked.written[1].types if checked.written else {}

    def graph(self) -> Graph:
        checked = self._checked
        for name, value in checked.components.items():
            self._component(name, value)
        ingest = [self._ingest(checked.ingest)] if checked.ingest else []
        flows = [*ingest, *(self._flow(each) for each in checked.flows.values())]
        file_order = dict.fromkeys(f"components/{name}" for name in checked.components)
        components = tuple(self._components[key] for key in file_order | self._components)
        return Graph(checked.name, str(checked.sections.get("description", "")), components, tuple(flows))

    def _component(self, name: str, value: Any) -> str:
        """The key of a component, which joins the graph where it isn't in it yet."""
        key = f"components/{name}"
        if key not in self._components:
            refers = self._references(value, name)
            settings = self._settings(value)
            node = Node(key, name, "component", self._type(value), refers=refers, settings=settings)
            self._components[key] = node
        return key

    def _referred(self, value: Any, name: str) -> str:
        """The key of a component by its value: what is equal is one, wherever it is written."""
        same = [each for each, held in self._checked.components.items() if held == value]
        return self._component(self._named(value) or (*same, name)[0], value)

    def _references(self, value: Any, name: str) -> tuple[Link, ...]:
        links: list[Link] = []
        for setting in signature_for(value).settings:
            held = getattr(value, setting.name) if setting.protocol is not None else None
            many = held if isinstance(held, tuple) else () if held is None else (held,)
            for number, each in enumerate(many, 1):
                inline = f"{name}.{setting.name}" + (f"-{number}" if len(many) > 1 else "")
                links.append(Link(setting.name, self._referred(each, inline)))
        return tuple(links)

    def _type(self, value: Any) -> str:
        target = target_of(value)
        return self._types.get(target, str(target.__name__))

    def _settings(self, value: Any) -> dict[str, str]:
        settings = [each for each in signature_for(value).settings if each.protocol is None]
        held = {each.name: setting_of(value, each.name, each.default) for each in settings}
        return {
            each.name: as_written(held[each.name], self._checked.base)
            for each in settings
            if _worth_saying(each, held[each.name])
        }

    def _flow(self, flow: Flow) -> FlowGraph:
        if flow.name not in self._flows:
            inputs = self._inputs(flow.name, flow.inputs)
            steps = self.steps(flow.steps, flow.name)
            output = self._sources[flow.output][0]
            read = _read(inputs, steps, output)
            self._flows[flow.name] = FlowGraph(flow.name, read, steps, _gives(flow.output.type), output)
        return self._flows[flow.name]

    def _inputs(self, flow: str, inputs: Mapping[str, FlowInput]) -> list[Node]:
        nodes = [Node(f"{flow}/inputs.{name}", name, "input", gives=name) for name in inputs]
        for node, each in zip(nodes, inputs.values(), strict=True):
            self._sources[each.value] = (node.key,)
        return nodes

    def _ingest(self, ingest: IngestSteps) -> FlowGraph:
        paths = Node("ingest/inputs.paths", "paths", "input", gives="paths")
        loaders: list[Node] = []
        for each in ingest.loaders:
            name = self._name(each)
            key = f"ingest/{name}" + (f"-{len(loaders) + 1}" if loaders else "")
            reads = (Link("paths", paths.key),)
            loaders.append(self._node(key, name, "loader", each, "documents", reads))
        for given in ingest.flow.inputs.values():
            self._sources[given.value] = tuple(each.key for each in loaders)
        steps = self.steps(ingest.flow.steps, "ingest")
        chunks = tuple(Link("chunks", each) for each in self._sources[ingest.flow.output])
        index = self._node("ingest/index", ingest.index_id, "index", ingest.index, "", chunks)
        return FlowGraph("ingest", (paths,), (*loaders, *steps, index), "", index.key)

    def _name(self, value: Any) -> str:
        """What a step without an id of its own is called."""
        return self._named(value) or self._type(value)

    def _named(self, value: Any) -> str | None:
        """The id under `components` of this very value."""
        return next((name for name, each in self._checked.components.items() if each is value), None)

    def _node(self, key: str, name: str, form: Form, value: Any, gives: str, reads: tuple[Link, ...]) -> Node:
        named = self._named(value)
        if named is not None:
            refers: tuple[Link, ...] = (Link("use", f"components/{named}"),)
            return Node(key, name, form, self._type(value), gives, reads, refers)
        refers = self._references(value, name)
        return Node(key, name, form, self._type(value), gives, reads, refers, self._settings(value))

    def steps(self, steps: Iterable[Step], path: str) -> tuple[Node, ...]:
        """Steps in their order, their keys below `path`."""
        return tuple(self.step(each, f"{path}/{each.id}") for each in steps)

    def step(self, step: Step, key: str) -> Node:
        """A step, whose output comes from there from now on."""
        node = step.drawn(self, key)
        self.note(step.output, key)
        return node

    def note(self, value: Value, key: str) -> None:
        """Note which node a value comes from."""
        self._sources[value] = (key,)

    def sources(self, value: Value) -> tuple[str, ...]:
        """The keys of the nodes that a value comes from."""
        return self._sources[value]

    def gives(self, step: Step) -> str:
        """What a step gives, in a word."""
        return _gives(step.output.type)

    def component(
        self,
        key: str,
        step: Step,
        value: Any,
        arguments: Mapping[str, Argument],
        defaults: Mapping[str, Any],
    ) -> Node:
        """A step that calls a component."""
        node = self._node(key, step.id, "step", value, self.gives(step), self.reads(arguments))
        return _with(node, _constants(arguments, defaults))

    def call(
        self,
        key: str,
        step: Step,
        form: Form,
        flow: str,
        arguments: Mapping[str, Argument],
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> Node:
        """A step that calls a flow, with settings of its own."""
        called = self._checked.flows[flow]
        used = {each.name for each in self._flow(called).inputs}
        given = {name: each for name, each in arguments.items() if name in used}
        constants = _constants(given, {name: each.default for name, each in called.inputs.items()})
        reads = self.reads(given)
        return Node(key, step.id, form, flow, self.gives(step), reads, settings={**constants, **settings})

    def reads(self, arguments: Mapping[str, Argument]) -> tuple[Link, ...]:
        """The nodes that arguments come from."""
        return tuple(
            Link(name, key)
            for name, argument in arguments.items()
            if not isinstance(argument, Constant)
            for value in (argument if isinstance(argument, tuple) else (argument,))
            for key in self._sources[value]
        )


def _read(inputs: list[Node], steps: tuple[Node, ...], output: str) -> tuple[Node, ...]:
    """The inputs that a step reads, or that the flow gives as they are."""
    read = {output} | {link.to for each in steps for inner in each.walk() for link in inner.reads}
    return tuple(each for each in inputs if each.key in read)


def _constants(arguments: Mapping[str, Argument], defaults: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: as_written(each.value, Path())
        for name, each in arguments.items()
        if isinstance(each, Constant) and each.value != defaults[name]
    }


def _with(node: Node, settings: Mapping[str, str]) -> Node:
    return replace(node, settings={**node.settings, **settings}) if settings else node


def _gives(annotation: Any) -> str:
    return role_of(annotation) or type_name(annotation)


def _worth_saying(setting: Setting, value: Any) -> bool:
    """Whether it isn't the default; models and paths are always said: they are what one wants to know."""
    wanted = setting.annotation is ModelName or isinstance(value, Path)
    return wanted or not (value is setting.default or value == setting.default)
