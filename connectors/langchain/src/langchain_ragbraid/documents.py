"""LangChain's documents ↔ hits, chunks and documents of ragbraid; nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterable

from langchain_core.documents import Document as LangChainDocument

from ragbraid.bridge.values import crossing, document_of, hit_of
from ragbraid.types import Chunk, Document, Hit


def to_document(value: Hit | Chunk | Document) -> LangChainDocument:
    """A value as a document. Its id is the hit's or the chunk's, or the name of the document's source.

    Its metadata is the user's, with `source`; all else is under the key `ragbraid`, so that the very same
    value can be made of it again. Raises `InputError` for metadata that has such a key already.
    """
    id_ = value.source if isinstance(value, Document) else value.id or None
    return LangChainDocument(id=id_, page_content=value.text, metadata=crossing(value))


def to_documents(values: Iterable[Hit | Chunk | Document]) -> list[LangChainDocument]:
    """`to_document` of each."""
    return [to_document(each) for each in values]


def to_hit(document: LangChainDocument, score: float | None = None) -> Hit:
    """The hit that a document was, or is as a source of its own; see `ragbraid.bridge.values.hit_of`."""
    return hit_of(document.page_content, document.metadata, document.id, score)


def from_document(document: LangChainDocument) -> Document:
    """The document of ragbraid that a document was, or is from now on."""
    return document_of(document.page_content, document.metadata, document.id)
