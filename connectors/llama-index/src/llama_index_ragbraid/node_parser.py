"""The node parser."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, Document, NodeRelationship, TextNode

from llama_index_ragbraid.values import text_node, text_of
from ragbraid.bridge.values import crossing, document_of
from ragbraid.pipeline.one_step import OneStep

DEFAULT = {"type": "recursive-splitter"}


class RagbraidNodeParser(NodeParser):
    """Cuts documents by any of ragbraid's splitters, each node lying exactly where it says.

    `splitter` is a step as a pipeline file writes it, by default `{"type": "recursive-splitter"}`. A node has
    its document's metadata, its offsets, and under `ragbraid` what makes it the same chunk again.
    """

    splitter: dict[str, Any] | None = Field(default=None, description="A step as a pipeline file writes it.")
    _step: OneStep = PrivateAttr()

    def __init__(self, splitter: Mapping[str, Any] | None = None, **given: Any) -> None:
        if isinstance(given.get("id_func"), dict):  # what LlamaIndex writes for its own function
            del given["id_func"]
        super().__init__(splitter=None if splitter is None else dict(splitter), **given)
        self._step = OneStep(self.splitter or DEFAULT, {"documents": "documents"})

    @classmethod
    def class_name(cls) -> str:
        """The name that it is serialised by."""
        return "RagbraidNodeParser"

    def close(self) -> None:
        """Give back what was opened."""
        self._step.close()

    def _parse_nodes(
        self,
        nodes: Sequence[BaseNode],
        show_progress: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> list[BaseNode]:
        return [chunk for node in nodes for chunk in self._chunks(node)]

    async def _aparse_nodes(
        self,
        nodes: Sequence[BaseNode],
        show_progress: bool = False,  # noqa: ARG002
        **_: Any,
    ) -> list[BaseNode]:
        return await asyncio.to_thread(self._parse_nodes, nodes)

    def _chunks(self, node: BaseNode) -> list[BaseNode]:
        text = text_of(node)
        if not text.strip():
            return []
        known = document_of(text, node.metadata, node.node_id)
        given = known if known.source else replace(known, source=node.node_id)
        made: list[BaseNode] = []
        for at, chunk in enumerate(self._step(documents=[given])):
            whole = replace(chunk, metadata={**given.metadata, **chunk.metadata})
            found = text_node(chunk, node.node_id, crossing(whole), id_=self.id_func(at, node))
            found.relationships[NodeRelationship.SOURCE] = node.as_related_node_info()
            made.append(found)
        return made

    def _postprocess_parsed_nodes(
        self, nodes: list[BaseNode], parent_doc_map: dict[str, Document]
    ) -> list[BaseNode]:
        """As every parser's, but the offsets stay: a text that is looked up may be met elsewhere."""
        places = [(each.start_char_idx, each.end_char_idx) for each in nodes if isinstance(each, TextNode)]
        found = super()._postprocess_parsed_nodes(nodes, parent_doc_map)
        for each, place in zip(found, places, strict=True):
            if isinstance(each, TextNode):
                each.start_char_idx, each.end_char_idx = place
        return found
