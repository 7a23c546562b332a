"""The embedder of documents."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from haystack import Document, component
from haystack_integrations.common.ragbraid.lending import Lending, Spec, Where
from haystack_integrations.components.embedders.ragbraid.text_embedder import DEFAULT


@component
class RagbraidDocumentEmbedder(Lending):
    """Embeds documents as passages, by the embedder of a ragbraid pipeline or by one alone.

    `component` is as in `RagbraidTextEmbedder`. The values of `meta_fields_to_embed` are put before the text,
    with `embedding_separator` between. A text over the model's limit is refused, with both numbers.
    """

    def __init__(
        self,
        pipeline: Where = None,
        component: Spec = None,
        *,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
    ) -> None:
        Lending.__init__(self, pipeline, component, default=DEFAULT)
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return self._to_dict(
            component=self.component,
            meta_fields_to_embed=self.meta_fields_to_embed,
            embedding_separator=self.embedding_separator,
        )

    def warm_up(self) -> None:
        """Load the weights now."""
        self._lender.warm_up("embedder")

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """The documents, each with its embedding of unit length."""
        if not isinstance(documents, list) or not all(isinstance(each, Document) for each in documents):
            raise TypeError("Documents are embedded; a text goes to a text embedder.")
        embedder = self._lender.part("embedder")
        rows = embedder.embed([self._text(each) for each in documents]) if documents else []
        embedded = [replace(each, embedding=row.tolist()) for each, row in zip(documents, rows, strict=True)]
        return {"documents": embedded, "meta": {"model": embedder.identity}}

    @component.output_types(documents=list[Document], meta=dict[str, Any])
    async def run_async(self, documents: list[Document]) -> dict[str, Any]:
        """`run`, in a thread."""
        found: dict[str, Any] = await asyncio.to_thread(self.run, documents)
        return found

    def _text(self, document: Document) -> str:
        above = [document.meta.get(each) for each in self.meta_fields_to_embed]
        parts = [*(str(each) for each in above if each is not None), document.content or ""]
        return self.embedding_separator.join(parts)
