"""A pipeline's search as a retriever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field

from langchain_ragbraid.documents import to_documents
from langchain_ragbraid.lending import OfPipeline


class RagbraidRetriever(OfPipeline, BaseRetriever):
    """Finds the `k` best passages by a pipeline's flow `search`, best first.

    `filter`, `collection` and `timeout` are those of `Pipeline.search`; each, and `k`, may be given to
    `invoke` instead. A document's `metadata["ragbraid"]` has its place in the source and every stage's score.
    """

    k: int = Field(default=10, ge=1)
    filter: Mapping[str, Any] | None = None
    collection: str | None = None
    timeout: float | None = None

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        del run_manager
        return to_documents(self._lender.pipeline.search(query, **self._asked(options)))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        del run_manager
        return to_documents(await self._lender.pipeline.asearch(query, **self._asked(options)))

    def _asked(self, options: dict[str, Any]) -> dict[str, Any]:
        own = {"k": self.k, "filter": self.filter, "collection": self.collection, "timeout": self.timeout}
        return {**own, **options}
