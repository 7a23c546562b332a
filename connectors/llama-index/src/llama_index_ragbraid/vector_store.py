"""The vector store: ragbraid's index of one folder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.indices.query.embedding_utils import get_top_k_mmr_embeddings
from llama_index.core.schema import BaseNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)

from llama_index_ragbraid.filters import translated
from llama_index_ragbraid.records import node_of, record_of
from ragbraid.errors import InputError
from ragbraid.index.records import OWN, Record, Records

_WORDS = (VectorStoreQueryMode.SPARSE, VectorStoreQueryMode.TEXT_SEARCH)
_BOTH = (VectorStoreQueryMode.HYBRID, VectorStoreQueryMode.SEMANTIC_HYBRID)
_RANK = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""


class RagbraidVectorStore(BasePydanticVectorStore):
    """Keeps nodes in one folder, synced to disk, and searches them by embedding (FAISS) and words (BM25).

    What comes back is what was added: relationships, offsets, templates, nested metadata, embeddings to the
    last bit. What couldn't come back so is refused. All 14 filter operators are exact, and `similarity_top_k`
    nodes come back whenever as many pass. Query modes: `default`, `text_search` and `sparse` (words alone),
    `hybrid` and `semantic_hybrid` (both, fused by rank; `alpha` 1 is embeddings alone, 0 words alone), `mmr`.

    `dimensions` is the length of embeddings; None keeps a store of texts alone. Where the folder holds an
    index already, also one that `ragbraid ingest` made, its own length holds.
    """

    stores_text: bool = True
    is_embedding_query: bool = True
    path: str = Field(default=".ragbraid/llama-index", description="The folder.")
    dimensions: int | None = Field(default=384, description="The length of embeddings.")
    collection: str = Field(default="default", description="The part of the index that is used.")
    _records: Records = PrivateAttr()

    def __init__(
        self,
        path: str | Path = ".ragbraid/llama-index",
        *,
        dimensions: int | None = 384,
        collection: str = "default",
        **given: Any,
    ) -> None:
        super().__init__(path=str(path), dimensions=dimensions, collection=collection, **given)
        self._records = Records(path, dimensions, collection)

    @classmethod
    def class_name(cls) -> str:
        """The name that it is serialised by."""
        return "RagbraidVectorStore"

    @property
    def client(self) -> Records:
        """The records of the index."""
        return self._records

    def close(self) -> None:
        """Let go of the folder's files; the store opens them again when it is next used."""
        self._records.close()

    def get_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """Nodes by their ids, or all that a filter lets through, in the order in which they were added."""
        wanted = translated(filters)
        if node_ids is None:
            found = self._records.select(wanted)
        elif wanted is None:
            found = self._records.get(node_ids)
        else:
            found = self._records.select({"$and": [wanted, {f"{OWN}.id": {"$in": node_ids}}]})
        return [node_of(each) for each in found]

    def add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """Add nodes, each in place of the one with its id; all of them or none, on disk when this returns."""
        self._records.put([record_of(each) for each in {node.node_id: node for node in nodes}.values()])
        return [each.node_id for each in nodes]

    def delete(self, ref_doc_id: str, **_: Any) -> None:
        """Delete the nodes of a document."""
        self._records.delete(each.id for each in self._selected({f"{OWN}.ref": ref_doc_id}))

    def delete_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **_: Any
    ) -> None:
        """Delete nodes by their ids, or what a filter lets through, or those that both name."""
        wanted = translated(filters)
        if wanted is None:
            self._records.delete(node_ids or [])
            return
        found = {each.id for each in self._selected(wanted)}
        self._records.delete(found if node_ids is None else found & set(node_ids))

    def clear(self) -> None:
        """Delete every node of the collection, at once."""
        self._records.clear()

    def query(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """The nodes that fit best. Raises `InputError` for a mode that there isn't, or lacking its input."""
        k = query.similarity_top_k
        if k < 1:
            return VectorStoreQueryResult(nodes=[], similarities=[], ids=[])
        wanted = _scope_of(query)
        if query.mode is VectorStoreQueryMode.DEFAULT:
            found = self._records.nearest(_embedding(query), k, wanted)
        elif query.mode in _WORDS:
            found = self._words(query, k, wanted)
        elif query.mode in _BOTH:
            found = self._fused(query, wanted)
        elif query.mode is VectorStoreQueryMode.MMR:
            found = self._diverse(query, wanted)
        else:
            raise InputError(
                f"There is no query mode {query.mode.value!r} here.",
                "There are default, text_search, sparse, hybrid, semantic_hybrid and mmr.",
            )
        return VectorStoreQueryResult(
            nodes=[node_of(each) for each in found],
            similarities=[each.score or 0.0 for each in found],
            ids=[each.id for each in found],
        )

    async def aget_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None
    ) -> list[BaseNode]:
        """`get_nodes`, in a thread."""
        return await asyncio.to_thread(self.get_nodes, node_ids, filters)

    async def async_add(self, nodes: Sequence[BaseNode], **_: Any) -> list[str]:
        """`add`, in a thread."""
        return await asyncio.to_thread(self.add, nodes)

    async def adelete(self, ref_doc_id: str, **_: Any) -> None:
        """`delete`, in a thread."""
        await asyncio.to_thread(self.delete, ref_doc_id)

    async def adelete_nodes(
        self, node_ids: list[str] | None = None, filters: MetadataFilters | None = None, **_: Any
    ) -> None:
        """`delete_nodes`, in a thread."""
        await asyncio.to_thread(self.delete_nodes, node_ids, filters)

    async def aclear(self) -> None:
        """`clear`, in a thread."""
        await asyncio.to_thread(self.clear)

    async def aquery(self, query: VectorStoreQuery, **_: Any) -> VectorStoreQueryResult:
        """`query`, in a thread."""
        return await asyncio.to_thread(self.query, query)

    def _selected(self, wanted: dict[str, Any]) -> list[Record]:
        return self._records.select(wanted, vectors=False)

    def _words(self, query: VectorStoreQuery, k: int, wanted: dict[str, Any] | None) -> list[Record]:
        if query.query_str is None:
            raise InputError(f"A query of mode {query.mode.value!r} wants `query_str`.")
        return self._records.search(query.query_str, k, wanted) if query.query_str.strip() else []

    def _fused(self, query: VectorStoreQuery, wanted: dict[str, Any] | None) -> list[Record]:
        """Both rankings by reciprocal rank fusion."""
        alpha = 0.5 if query.alpha is None else query.alpha
        k = query.hybrid_top_k or query.similarity_top_k
        dense = self._records.nearest(_embedding(query), query.similarity_top_k, wanted)
        words = self._words(query, query.sparse_top_k or query.similarity_top_k, wanted)
        scores: dict[str, float] = {}
        for weight, ranking in ((alpha, dense), (1 - alpha, words)):
            for rank, each in enumerate(ranking, 1):
                if weight:
                    scores[each.id] = scores.get(each.id, 0.0) + weight / (_RANK + rank)
        known = {each.id: each for each in (*dense, *words)}
        best = sorted(scores, key=lambda name: (-scores[name], name))[:k]
        return [replace(known[name], score=scores[name]) for name in best]

    def _diverse(self, query: VectorStoreQuery, wanted: dict[str, Any] | None) -> list[Record]:
        """The best by maximal marginal relevance among four times as many of the nearest."""
        pool = self._records.nearest(_embedding(query), 4 * query.similarity_top_k, wanted, vectors=True)
        scores, chosen = get_top_k_mmr_embeddings(
            _embedding(query),
            [list(each.vector or ()) for each in pool],
            similarity_top_k=query.similarity_top_k,
            embedding_ids=list(range(len(pool))),
            mmr_threshold=query.mmr_threshold,
        )
        return [replace(pool[at], vector=None, score=score) for at, score in zip(chosen, scores, strict=True)]


def _scope_of(query: VectorStoreQuery) -> dict[str, Any] | None:
    parts: list[dict[str, Any]] = []
    if (wanted := translated(query.filters)) is not None:
        parts.append(wanted)
    for name, ids in (("ref", query.doc_ids), ("id", query.node_ids)):
        if ids:  # an index that keeps no list of its nodes gives an empty one
            parts.append({f"{OWN}.{name}": {"$in": list(ids)}})
    return None if not parts else parts[0] if len(parts) == 1 else {"$and": parts}


def _embedding(query: VectorStoreQuery) -> list[float]:
    if query.query_embedding is None:
        raise InputError(f"A query of mode {query.mode.value!r} wants `query_embedding`.")
    return query.query_embedding
