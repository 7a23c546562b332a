"""Haystack's documents as records of an index, and back."""

from __future__ import annotations

from typing import Any

from haystack import Document
from haystack.dataclasses import ByteStream, SparseEmbedding

from ragbraid.bridge.values import crossing
from ragbraid.errors import InputError
from ragbraid.index.records import Record


def record_of(document: Document) -> Record:
    """A document as a record; what isn't its text, meta or embedding goes beside."""
    if document.content is not None and not isinstance(document.content, str):
        raise InputError(f"The content of {document.id!r} is no text.")
    beside: dict[str, Any] = {"id": document.id}
    if document.content is None:
        beside["no_content"] = True
    if document.score is not None:
        beside["score"] = float(document.score)
    if document.blob is not None:
        beside["blob"] = document.blob.to_dict()
    if document.sparse_embedding is not None:
        beside["sparse"] = document.sparse_embedding.to_dict()
    return Record(document.id, document.content or "", document.meta, document.embedding, beside)


def document_of(record: Record, *, embedding: bool = True) -> Document:
    """The document of a record. A score is that of the search, or else the one it was stored with.

    A chunk that `ragbraid ingest` stored has its place under `ragbraid` in its meta, as from any search.
    """
    beside = record.beside
    return Document(
        id=record.id,
        content=None if beside.get("no_content") else record.text,
        meta=dict(record.metadata) if record.hit is None else crossing(record.hit),
        score=beside.get("score") if record.score is None else record.score,
        blob=ByteStream.from_dict(beside["blob"]) if "blob" in beside else None,
        embedding=None if record.vector is None or not embedding else list(record.vector),
        sparse_embedding=SparseEmbedding.from_dict(beside["sparse"]) if "sparse" in beside else None,
    )
