"""The document store: ragbraid's index of one folder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from haystack import Document, default_from_dict, default_to_dict
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack_integrations.document_stores.ragbraid import fields
from haystack_integrations.document_stores.ragbraid.filters import translated
from haystack_integrations.document_stores.ragbraid.records import document_of, record_of

from ragbraid.index.records import Record, Records


class RagbraidDocumentStore:
    """Keeps documents in one folder, synced to disk, and searches them by embedding (FAISS) and words (BM25).

    What comes back is what was written: meta with nested values, dates and 64-bit integers, blobs, embeddings
    to the last bit. What couldn't come back so is refused. Embeddings are compared by cosine; documents with
    and without one may lie side by side. Any number of threads may use it, and other processes beside it.

    `embedding_dim` is the length of embeddings; None keeps a store of texts alone. Where the folder holds an
    index already, also one that `ragbraid ingest` made, its own length holds, and each of its chunks is a
    document.
    """

    def __init__(
        self,
        path: str | Path = ".ragbraid/haystack",
        *,
        embedding_dim: int | None = 384,
        collection: str = "default",
    ) -> None:
        self.path = str(path)
        self.embedding_dim = embedding_dim
        self.collection = collection
        self._records = Records(path, embedding_dim, collection)

    def to_dict(self) -> dict[str, Any]:
        """The store as a pipeline's file says it."""
        return default_to_dict(
            self, path=self.path, embedding_dim=self.embedding_dim, collection=self.collection
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RagbraidDocumentStore:
        """The store that `to_dict` told."""
        return default_from_dict(cls, data)

    def close(self) -> None:
        """Let go of the folder's files; the store opens them again when it is next used."""
        self._records.close()

    def count_documents(self) -> int:
        """How many documents there are."""
        return self._records.count()

    def filter_documents(self, filters: dict[str, Any] | None = None) -> list[Document]:
        """The documents that a filter lets through, in the order in which they were written."""
        return [document_of(each) for each in self._records.select(translated(filters))]

    def write_documents(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write all of them or none, on disk when this returns; how many were written.

        Without a policy a document whose id is taken is a `DuplicateDocumentError`, as with `FAIL`.
        """
        if not isinstance(documents, list) or not all(isinstance(each, Document) for each in documents):
            raise ValueError("write_documents() takes a list of Documents.")
        named = {}
        for each in documents:
            if policy is not DuplicatePolicy.OVERWRITE and each.id in named:
                if policy is DuplicatePolicy.SKIP:
                    continue
                raise DuplicateDocumentError(f"The id {each.id!r} occurs twice among the documents.")
            named[each.id] = each
        taken = set() if policy is DuplicatePolicy.OVERWRITE else self._records.known(list(named))
        if taken and policy is not DuplicatePolicy.SKIP:
            raise DuplicateDocumentError(f"There is a document with the id {min(taken)!r} already.")
        written = [record_of(each) for name, each in named.items() if name not in taken]
        self._records.put(written)
        return len(documents) if policy is DuplicatePolicy.OVERWRITE else len(written)

    def delete_documents(self, document_ids: list[str]) -> None:
        """Delete those with these ids; the ones that aren't there are passed over."""
        self._records.delete(document_ids)

    def delete_all_documents(self, recreate_index: bool = False) -> None:
        """Delete every document of the collection, at once.

        With `recreate_index` the folder is written anew without them, which gives its space back.
        """
        self._records.clear(compact=recreate_index)

    def delete_by_filter(self, filters: dict[str, Any]) -> int:
        """Delete what a filter lets through; how many there were."""
        return self._records.delete([each.id for each in self._selected(filters)])

    def update_by_filter(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Set these keys of the meta of what a filter lets through; how many there were."""
        found = self._records.select(translated(filters))
        self._records.put(
            [
                Record(each.id, each.text, {**each.metadata, **meta}, each.vector, each.beside)
                for each in found
            ]
        )
        return len(found)

    def count_documents_by_filter(self, filters: dict[str, Any]) -> int:
        """How many documents a filter lets through."""
        return self._records.count(translated(filters))

    def count_unique_metadata_by_filter(
        self, filters: dict[str, Any], metadata_fields: list[str]
    ) -> dict[str, int]:
        """For each field, how many different values it has in what a filter lets through."""
        found = self._metadata(filters)
        return {each: len(fields.unique(fields.values(found, each))) for each in metadata_fields}

    def get_metadata_fields_info(self) -> dict[str, dict[str, str]]:
        """The fields of meta with their types, as Haystack's stores name them."""
        return fields.info(self._metadata(None))

    def get_metadata_field_min_max(self, metadata_field: str) -> dict[str, Any]:
        """The least and the largest value of a field; None for both where there is none."""
        return fields.ends(fields.values(self._metadata(None), metadata_field))

    def get_metadata_field_unique_values(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int | None = 10,
        filters: dict[str, Any] | None = None,
    ) -> tuple[list[Any], int]:
        """A page of a field's different values in order, and how many there are.

        `search_term` keeps those that contain it, regardless of case.
        """
        found = fields.unique(fields.values(self._metadata(filters), metadata_field))
        if search_term:
            found = [each for each in found if search_term.casefold() in str(each).casefold()]
        return found[from_ : None if size is None else from_ + size], len(found)

    def embedding_retrieval(
        self,
        query_embedding: Sequence[float],
        *,
        filters: dict[str, Any] | None = None,
        top_k: int = 10,
        return_embedding: bool = False,
    ) -> list[Document]:
        """The documents nearest to an embedding by cosine, which is their score, best first."""
        if top_k <= 0:
            return []
        found = self._records.nearest(query_embedding, top_k, translated(filters), vectors=return_embedding)
        return [document_of(each, embedding=return_embedding) for each in found]

    def bm25_retrieval(
        self,
        query: str,
        *,
        filters: dict[str, Any] | None = None,
        top_k: int = 10,
        return_embedding: bool = False,
    ) -> list[Document]:
        """The documents that fit a query's words best by BM25, which is their score, best first."""
        if top_k <= 0 or not query.strip():
            return []
        found = self._records.search(query, top_k, translated(filters), vectors=return_embedding)
        return [document_of(each, embedding=return_embedding) for each in found]

    async def count_documents_async(self) -> int:
        """`count_documents`, in a thread."""
        return await asyncio.to_thread(self.count_documents)

    async def filter_documents_async(self, filters: dict[str, Any] | None = None) -> list[Document]:
        """`filter_documents`, in a thread."""
        return await asyncio.to_thread(self.filter_documents, filters)

    async def write_documents_async(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """`write_documents`, in a thread."""
        return await asyncio.to_thread(self.write_documents, documents, policy)

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        """`delete_documents`, in a thread."""
        await asyncio.to_thread(self.delete_documents, document_ids)

    async def delete_all_documents_async(self, recreate_index: bool = False) -> None:
        """`delete_all_documents`, in a thread."""
        await asyncio.to_thread(self.delete_all_documents, recreate_index)

    async def delete_by_filter_async(self, filters: dict[str, Any]) -> int:
        """`delete_by_filter`, in a thread."""
        return await asyncio.to_thread(self.delete_by_filter, filters)

    async def update_by_filter_async(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """`update_by_filter`, in a thread."""
        return await asyncio.to_thread(self.update_by_filter, filters, meta)

    async def count_documents_by_filter_async(self, filters: dict[str, Any]) -> int:
        """`count_documents_by_filter`, in a thread."""
        return await asyncio.to_thread(self.count_documents_by_filter, filters)

    async def count_unique_metadata_by_filter_async(
        self, filters: dict[str, Any], metadata_fields: list[str]
    ) -> dict[str, int]:
        """`count_unique_metadata_by_filter`, in a thread."""
        return await asyncio.to_thread(self.count_unique_metadata_by_filter, filters, metadata_fields)

    async def get_metadata_fields_info_async(self) -> dict[str, dict[str, str]]:
        """`get_metadata_fields_info`, in a thread."""
        return await asyncio.to_thread(self.get_metadata_fields_info)

    async def get_metadata_field_min_max_async(self, metadata_field: str) -> dict[str, Any]:
        """`get_metadata_field_min_max`, in a thread."""
        return await asyncio.to_thread(self.get_metadata_field_min_max, metadata_field)

    async def get_metadata_field_unique_values_async(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int | None = 10,
        filters: dict[str, Any] | None = None,
    ) -> tuple[list[Any], int]:
        """`get_metadata_field_unique_values`, in a thread."""
        return await asyncio.to_thread(
            self.get_metadata_field_unique_values, metadata_field, search_term, from_, size, filters
        )

    async def embedding_retrieval_async(
        self, query_embedding: Sequence[float], **options: Any
    ) -> list[Document]:
        """`embedding_retrieval`, in a thread."""
        return await asyncio.to_thread(self.embedding_retrieval, query_embedding, **options)

    async def bm25_retrieval_async(self, query: str, **options: Any) -> list[Document]:
        """`bm25_retrieval`, in a thread."""
        return await asyncio.to_thread(self.bm25_retrieval, query, **options)

    def _selected(self, filters: dict[str, Any] | None) -> list[Record]:
        return self._records.select(translated(filters), vectors=False)

    def _metadata(self, filters: dict[str, Any] | None) -> list[Any]:
        return [each.metadata for each in self._selected(filters)]
