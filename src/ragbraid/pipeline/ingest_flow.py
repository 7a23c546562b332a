"""The ingest flow in its three parts: what loads, what happens to the documents, where they go."""

from __future__ import annotations

from typing import Any

from ragbraid.index.protocol import Index
from ragbraid.load.protocol import Loader
from ragbraid.pipeline.components import Built, Components
from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.flow_form import steps_of
from ragbraid.pipeline.flows import FlowBook, FlowChecker
from ragbraid.pipeline.forms.registry import FORMS
from ragbraid.pipeline.model import Flow, FlowInput, IngestSteps, Step, Value
from ragbraid.pipeline.scope import Environment
from ragbraid.pipeline.tree import Map, Node, Scalar
from ragbraid.pipeline.typecheck import assignable, implements
from ragbraid.types import Chunk, Document


class IngestChecker:
    """Checks the section `ingest`, whose ends are no ordinary steps."""

    def __init__(
        self, components: Components, book: FlowBook, checker: FlowChecker, problems: Problems
    ) -> None:
        self._components = components
        self._book = book
        self._checker = checker
        self._problems = problems

    def check(self, node: Node) -> IngestSteps | None:
        """The parts of the flow; None where it is wrong."""
        before = len(self._problems)
        if isinstance(node, Map):
            self._declares_nothing(node)
        written = steps_of(node, "ingest", self._problems)
        if written is None:
            return None
        documents = Value("documents", list[Document], node.place, read=True)
        environment = Environment({"documents": FlowInput(documents)})
        nodes = list(written.items)
        loaders = self._loaders(nodes, environment)
        index = nodes.pop() if nodes and self._is(nodes[-1], Index) is not False else None
        steps = self._checker.steps(nodes, environment)
        if not loaders:
            self._problems.add(written.items[0].place, "ingest begins with a loader, such as {type: files}")
        if index is None:
            self._problems.add(written.items[-1].place, "ingest ends in an index, which its chunks go to")
        elif self._is(index, Index) is None:
            self._note(index)
        elif len(steps) == len(nodes):
            return self._parts(steps, environment, loaders, index, before)
        return None

    def _declares_nothing(self, node: Map) -> None:
        for key in {"inputs", "output"} & node.items.keys():
            said = f"ingest takes paths and ends in its index, so it has no `{key}`; remove it"
            self._problems.add(node.where(key), said)

    def _loaders(self, nodes: list[Node], environment: Environment) -> list[Any]:
        """Take the loaders off the front; a first step whose kind isn't known counts as one."""
        found: list[Any] = []
        while nodes and (kind := self._is(nodes[0], Loader)) is not False:
            if kind is None:
                if found:
                    break
                environment.unknown = True
                self._note(nodes[0])
            built = self._look(nodes.pop(0))
            found.append(built.value if built else None)
        return found

    def _parts(
        self, steps: list[Step], environment: Environment, loaders: list[Any], index: Node, before: int
    ) -> IngestSteps | None:
        chunks = environment.find("chunks")
        if chunks is None or not assignable(chunks.type, list[Chunk]):
            if not environment.unknown:
                said = "the index wants `chunks`, and no step before it gives them: add a splitter"
                self._problems.add(index.place, said)
            return None
        documents = environment.values["documents"]
        chunks.read = documents.read = True
        self._checker.unread(steps, environment)
        built = self._look(index)
        if len(self._problems) > before or built is None or any(each is None for each in loaders):
            return None
        inputs = {"documents": FlowInput(environment.inputs["documents"])}
        name = index.value if isinstance(index, Scalar) else "index"
        flow = Flow("ingest", inputs, tuple(steps), chunks)
        return IngestSteps(tuple(loaders), flow, documents, built.value, name)

    def _is(self, node: Node, protocol: type) -> bool | None:
        """Whether a step is a component of that kind; None where that can't be known."""
        if isinstance(node, Map) and "use" in node.items:
            return self._is(node.items["use"], protocol)
        if isinstance(node, Map) and "type" not in node.items and FORMS.keys() & node.items.keys():
            return False
        if isinstance(node, Scalar) and node.value in self._book.names:
            return False
        built = self._look(node)
        if built is None or built.signature is None:
            return None
        return implements(built.signature.runtime, protocol)

    def _look(self, node: Node) -> Built | None:
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return self._components.get(node.value)
        if isinstance(node, Map) and "use" in node.items:
            return self._look(node.items["use"])
        if isinstance(node, Map) and "type" in node.items:
            return self._components.build(node, besides=("id", "as"))
        return None

    def _note(self, node: Node) -> None:
        """Have the checker of steps say what is wrong with a step that isn't known."""
        self._checker.steps([node], Environment({}))
