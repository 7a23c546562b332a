"""A pipeline, and how it is asked: what query engine, retriever, chat engine and step have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.schema import NodeWithScore
from llama_index.core.vector_stores.types import MetadataFilters

from llama_index_ragbraid.filters import translated
from llama_index_ragbraid.lending import Where
from llama_index_ragbraid.values import as_node
from ragbraid import Answer, Event, Pipeline
from ragbraid.pipeline.lender import Lender

Filters = MetadataFilters | Mapping[str, Any] | None
"""LlamaIndex's filters, or one in ragbraid's own language."""


class Asking:
    """Runs flows of a pipeline within a filter, a collection and a time."""

    def __init__(
        self,
        pipeline: Where,
        filters: Filters = None,
        collection: str | None = None,
        timeout: float | None = None,
    ) -> None:
        self._lender = Lender(pipeline)
        self.options: dict[str, Any] = {
            "filter": translated(filters),
            "collection": collection,
            "timeout": timeout,
        }

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline, opened when it is first needed."""
        return self._lender.pipeline

    def close(self) -> None:
        """Close the pipeline, if it was opened here; what is asked next opens it again."""
        self._lender.close()

    def search(self, question: str, k: int) -> list[NodeWithScore]:
        """The passages, best first."""
        return [as_node(each) for each in self.pipeline.search(question, k, **self.options)]

    async def asearch(self, question: str, k: int) -> list[NodeWithScore]:
        """`search` under asyncio."""
        return [as_node(each) for each in await self.pipeline.asearch(question, k, **self.options)]


def inputs_of(question: str, history: Sequence[ChatMessage] | None) -> dict[str, Any]:
    """A flow's inputs; earlier turns, oldest first."""
    if not history:
        return {"question": question}
    turns = [{"role": _role(each), "content": each.content or ""} for each in history]
    return {"question": question, "history": turns}


def last(event: Event | None, keep: Callable[[Answer], None]) -> None:
    """Keep the answer that a stream ended in. Raises its error."""
    if event is not None and event.kind == "error":
        raise event.value
    if event is not None and event.kind == "answer":
        keep(event.value)


def _role(message: ChatMessage) -> str:
    said = message.role.value
    return said if said in ("system", "user", "assistant", "tool") else "user"
