"""ragbraid's hits, chunks, documents and answers as Haystack's, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haystack import Document, GeneratedAnswer
from haystack.dataclasses import ChatMessage
from haystack.errors import FilterError
from haystack_integrations.document_stores.ragbraid.filters import translated

from ragbraid import Answer, Chunk, Hit
from ragbraid.bridge.answers import retold, told
from ragbraid.bridge.values import KEY, crossing, hit_of


def as_document(value: Hit | Chunk | Any) -> Document:
    """A hit, a chunk or a document of ragbraid's; its place, page and scores stand under `ragbraid` in meta.

    A hit or chunk keeps its id; a document is named by what it says, as Haystack does it.
    """
    name = getattr(value, "id", "")
    return Document(id=name, content=value.text, meta=crossing(value), score=getattr(value, "score", None))


def hit_of_document(document: Document) -> Hit:
    """The hit that a document is: the very one that it was, where it comes from ragbraid."""
    return hit_of(document.content or "", document.meta, document.id, document.score)


def as_generated_answer(question: str, answer: Answer) -> GeneratedAnswer:
    """An answer, its hits as documents, and all else under `ragbraid` in its meta."""
    return GeneratedAnswer(
        data=answer.text,
        query=question,
        documents=[as_document(each) for each in answer.hits],
        meta={KEY: told(answer)},
    )


def answer_of(generated: GeneratedAnswer) -> Answer:
    """ragbraid's answer that Haystack's was made of, without its trace."""
    return retold(generated.data, generated.meta[KEY], map(hit_of_document, generated.documents))


def as_filter(filters: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A filter for a pipeline: Haystack's, translated, or one in ragbraid's own language as it is."""
    if not filters:
        return None
    if not isinstance(filters, Mapping):
        raise FilterError(f"A filter is a dictionary, not {filters!r}.")
    is_haystack = {"operator", "conditions"} <= filters.keys() or {"field", "operator"} <= filters.keys()
    return translated(filters) if is_haystack else filters


def turns(history: Sequence[ChatMessage] | None) -> list[dict[str, str]]:
    """Chat messages as the turns of a pipeline's history."""
    return [{"role": each.role.value, "content": each.text or ""} for each in history or ()]
