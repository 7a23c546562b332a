"""The ranker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from haystack import Document, component, default_to_dict
from haystack_integrations.common.ragbraid import hit_of_document

from ragbraid import Hit
from ragbraid.bridge.values import crossing, kind_of
from ragbraid.pipeline.one_step import RERANKING, OneStep

DEFAULT = {"type": "maxsim", "embedder": {"type": "sentence-transformer"}}


@component
class RagbraidRanker:
    """Orders documents anew for a query, by any of ragbraid's rerankers.

    `reranker` is a step as a pipeline file writes it, such as `{"type": "cross-encoder", "model": …}`; by
    default it is late interaction (`maxsim`) with the default embedder. Of documents with one id the first
    counts. `top_k` is how many come back; None is all that the reranker keeps.
    """

    def __init__(self, reranker: Mapping[str, Any] | None = None, *, top_k: int | None = None) -> None:
        if top_k is not None and top_k < 1:
            raise ValueError(f"top_k is a number of documents, at least 1, not {top_k}.")
        self.reranker = dict(reranker) if reranker is not None else None
        self.top_k = top_k
        self._step = OneStep(self.reranker or DEFAULT, RERANKING)

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return default_to_dict(self, reranker=self.reranker, top_k=self.top_k)

    def warm_up(self) -> None:
        """Load the weights now."""
        self._step.pipeline.open()

    def close(self) -> None:
        """Give the weights back."""
        self._step.close()

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """The documents in their new order, each with the reranker's score.

        Those that come from ragbraid have it among the scores of the stages in their meta, too.
        """
        wanted = top_k if top_k is not None else self.top_k
        if wanted is not None and wanted < 1:
            raise ValueError(f"top_k is a number of documents, at least 1, not {wanted}.")
        named = {each.id: each for each in reversed(documents)}
        named = {each.id: named[each.id] for each in documents}
        if not named:
            return {"documents": []}
        hits = [replace(hit_of_document(each), id=name) for name, each in named.items()]
        found = self._step(question=query, hits=hits, k=wanted or len(hits))
        return {"documents": [_ranked(named[each.id], each) for each in found[:wanted]]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """`run`, in a thread."""
        found: dict[str, list[Document]] = await asyncio.to_thread(self.run, query, documents, top_k)
        return found


def _ranked(document: Document, hit: Hit) -> Document:
    was_hit = kind_of(document.meta) is Hit
    return replace(document, meta=crossing(hit) if was_hit else document.meta, score=hit.score)
