"""The reranker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_ragbraid.values import hit_of_node
from ragbraid import Hit
from ragbraid.bridge.values import crossing, kind_of
from ragbraid.errors import InputError
from ragbraid.pipeline.one_step import RERANKING, OneStep

DEFAULT = {"type": "maxsim", "embedder": {"type": "sentence-transformer"}}


class RagbraidReranker(BaseNodePostprocessor):
    """Orders nodes anew for a query, by any of ragbraid's rerankers.

    `reranker` is a step as a pipeline file writes it, such as `{"type": "cross-encoder", "model": …}`; by
    default it is late interaction (`maxsim`) with the default embedder. `top_n` is how many come back;
    None is all that the reranker keeps.
    """

    reranker: dict[str, Any] | None = Field(default=None, description="A step as a pipeline file writes it.")
    top_n: int | None = Field(default=None, ge=1, description="How many nodes come back.")
    _step: OneStep = PrivateAttr()

    def __init__(
        self, reranker: Mapping[str, Any] | None = None, *, top_n: int | None = None, **given: Any
    ) -> None:
        super().__init__(reranker=None if reranker is None else dict(reranker), top_n=top_n, **given)
        self._step = OneStep(self.reranker or DEFAULT, RERANKING)

    @classmethod
    def class_name(cls) -> str:
        """The name that it is serialised by."""
        return "RagbraidReranker"

    def close(self) -> None:
        """Give the weights back."""
        self._step.close()

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise InputError("Nodes are ranked for a query.", "Give `query_str` or `query_bundle`.")
        named: dict[str, NodeWithScore] = {}
        for each in nodes:
            named.setdefault(each.node.node_id, each)
        if not named:
            return []
        hits = [replace(hit_of_node(each), id=name) for name, each in named.items()]
        found = self._step(question=query_bundle.query_str, hits=hits, k=self.top_n or len(hits))
        return [_ranked(named[each.id], each) for each in found[: self.top_n]]


def _ranked(found: NodeWithScore, hit: Hit) -> NodeWithScore:
    node = found.node
    if kind_of(node.metadata) is Hit:
        node = node.model_copy(update={"metadata": crossing(hit)})
    return NodeWithScore(node=node, score=hit.score)
