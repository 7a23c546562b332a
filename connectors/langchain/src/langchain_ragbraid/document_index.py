"""An index of ragbraid as a document index: what is stored is found by its words, or by its meaning."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from langchain_core._api import LangChainBetaWarning
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.indexing import DeleteResponse, UpsertResponse
from pydantic import ConfigDict, Field

from langchain_ragbraid.records import Table, to_record, to_their_document
from ragbraid.errors import InputError

with warnings.catch_warnings():  # it is in beta, and whoever uses it gets to know that from LangChain
    warnings.simplefilter("ignore", LangChainBetaWarning)
    from langchain_core.indexing.base import DocumentIndex


class RagbraidDocumentIndex(DocumentIndex):
    """Keeps documents in the index in folder `path`; with `embedding` they are found by it, else by BM25."""

    model_config = ConfigDict(arbitrary_types_allowed=True, ignored_types=(cached_property,))

    path: str
    embedding: Embeddings | None = None
    collection: str = "default"
    k: int = Field(default=10, ge=1)
    filter: Mapping[str, Any] | None = None

    @cached_property
    def _table(self) -> Table:
        return Table(self.path, self.collection)

    def upsert(self, items: Sequence[Document], /, **kwargs: Any) -> UpsertResponse:
        """Store documents, all of them or none; those without an id are given one."""
        del kwargs
        vectors: Sequence[list[float] | None] = [None] * len(items)
        if self.embedding is not None:
            vectors = self.embedding.embed_documents([each.page_content for each in items])
        named = [each if each.id else each.model_copy(update={"id": str(uuid.uuid4())}) for each in items]
        records = [to_record(each, vector) for each, vector in zip(named, vectors, strict=True)]
        self._table.put(records)
        return UpsertResponse(succeeded=[each.id for each in records], failed=[])

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> DeleteResponse:
        """Take out those with these ids. Raises `ValueError` without ids."""
        del kwargs
        if ids is None:
            raise ValueError("Say which ids to delete.")
        records = self._table.records()
        known = records.known(ids)
        found = [each for each in dict.fromkeys(ids) if each in known]
        if found:
            records.delete(found)
        return DeleteResponse(succeeded=found, num_deleted=len(found), num_failed=0, failed=[])

    def get(self, ids: Sequence[str], /, **kwargs: Any) -> list[Document]:
        """Those with these ids; the ones that aren't there are left out."""
        del kwargs
        return [to_their_document(each) for each in self._table.records().get(list(ids))]

    def close(self) -> None:
        """Let go of every file; what is asked next opens them again."""
        self._table.close()

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        del run_manager
        k, within = options.pop("k", self.k), options.pop("filter", self.filter)
        if options:
            raise InputError(f"There is no option {next(iter(options))!r}.", "There are `k` and `filter`.")
        if self.embedding is None:
            found = self._table.records().search(query, k, within)
        else:
            found = self._table.nearest(self.embedding.embed_query(query), k, within)
        return [to_their_document(each) for each in found]
