"""The splitter."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from haystack import Document, component, default_to_dict

from ragbraid.bridge.values import crossing, document_of
from ragbraid.pipeline.one_step import OneStep

DEFAULT = {"type": "recursive-splitter"}
_INPUTS = {"documents": "documents"}


@component
class RagbraidSplitter:
    """Cuts documents by any of ragbraid's splitters, each chunk lying exactly where it says.

    `splitter` is a step as a pipeline file writes it, by default `{"type": "recursive-splitter"}`. A chunk
    has its document's meta, Haystack's `source_id`, `split_id`, `split_idx_start` and, where pages are
    known, `page_number`, and under `ragbraid` what makes it the same chunk again.
    """

    def __init__(self, splitter: Mapping[str, Any] | None = None) -> None:
        self.splitter = dict(splitter) if splitter is not None else None
        self._step = OneStep(self.splitter or DEFAULT, _INPUTS)

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return default_to_dict(self, splitter=self.splitter)

    def warm_up(self) -> None:
        """Open what the splitter needs, such as a tokenizer."""
        self._step.pipeline.open()

    def close(self) -> None:
        """Give back what was opened."""
        self._step.close()

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """The chunks of all documents, in order. One without text gives none."""
        chunks: list[Document] = []
        for document in documents:
            if document.content and document.content.strip():
                chunks += self._chunks(document)
        return {"documents": chunks}

    @component.output_types(documents=list[Document])
    async def run_async(self, documents: list[Document]) -> dict[str, list[Document]]:
        """`run`, in a thread."""
        found: dict[str, list[Document]] = await asyncio.to_thread(self.run, documents)
        return found

    def _chunks(self, document: Document) -> list[Document]:
        known = document_of(document.content or "", document.meta, document.id)
        given = known if known.source else replace(known, source=document.id)
        found = self._step(documents=[given])
        made = []
        for number, chunk in enumerate(found):
            whole = replace(chunk, metadata={**given.metadata, **chunk.metadata})
            page = sum(each <= chunk.start for each in given.pages)
            meta = {
                **crossing(whole),
                "source_id": document.id,
                "split_id": number,
                "split_idx_start": chunk.start,
                **({"page_number": page} if page else {}),
            }
            made.append(Document(content=chunk.text, meta=meta))
        return made
