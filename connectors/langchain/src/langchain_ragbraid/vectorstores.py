"""An index of ragbraid as a vector store."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import run_in_executor
from langchain_core.vectorstores import VectorStore

from langchain_ragbraid.records import Table, to_record, to_their_document
from ragbraid.errors import InputError

Filter = Mapping[str, Any] | None


class RagbraidVectorStore(VectorStore):
    """Keeps texts with their vectors in the index in folder `path`, synced to disk when a call returns.

    Metadata comes back exactly, or is refused with an `InputError` before anything is written. Filters are
    ragbraid's: `{"year": {"$gte": 2020}}`. Adding with an id that is taken replaces what was there. A call is
    one transaction. Any number of processes may read while one writes.
    """

    def __init__(self, embedding: Embeddings, path: str | Path, *, collection: str = "default") -> None:
        self._embedding = embedding
        self._table = Table(path, collection)

    @property
    def embeddings(self) -> Embeddings:
        """The embeddings that texts and questions are put through."""
        return self._embedding

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        path: str | Path | None = None,
        collection: str = "default",
        **kwargs: Any,
    ) -> RagbraidVectorStore:
        """A store at `path` with these texts added. Raises `InputError` without a path."""
        if path is None or kwargs:
            raise InputError("A RagbraidVectorStore wants a `path`, and knows `collection` besides.")
        store = cls(embedding, path, collection=collection)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """Embed and store texts; returns their ids, made up where none are given."""
        return self.add_documents(_documents(texts, metadatas, ids), **kwargs)

    async def aadd_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> list[str]:
        """`add_texts` under asyncio."""
        return await self.aadd_documents(_documents(texts, metadatas, ids), **kwargs)

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Embed and store documents; returns their ids, made up where they have none.

        `ids` stand for their own; a `batch_size`, which LangChain's `index` gives, changes nothing: they are
        stored as one.
        """
        named = _with_ids(documents, **kwargs)
        return self._put(named, self._embedding.embed_documents([each.page_content for each in named]))

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """`add_documents` under asyncio."""
        named = _with_ids(documents, **kwargs)
        vectors = await self._embedding.aembed_documents([each.page_content for each in named])
        return await run_in_executor(None, self._put, named, vectors)

    def add_embeddings(
        self,
        text_embeddings: Iterable[tuple[str, list[float]]],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
    ) -> list[str]:
        """Store texts whose vectors are known; returns their ids."""
        pairs = list(text_embeddings)
        documents = _documents([text for text, _ in pairs], metadatas, ids)
        return self._put(_with_ids(documents), [vector for _, vector in pairs])

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents with these ids, in the order asked for; those that aren't there are left out."""
        return [to_their_document(each) for each in self._table.records().get(list(ids))]

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Take out those with these ids; all of them for None, and nothing for an empty list."""
        del kwargs
        if ids is None:
            self._table.records().clear()
        elif ids:
            self._table.records().delete(ids)
        return True

    def similarity_search(
        self, query: str, k: int = 4, filter: Filter = None, **kwargs: Any
    ) -> list[Document]:
        """The k nearest to a question, best first, ties by id."""
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **kwargs)]

    async def asimilarity_search(
        self,
        query: str,
        k: int = 4,
        filter: Filter = None,
        **kwargs: Any,
    ) -> list[Document]:
        """`similarity_search` under asyncio."""
        return [each for each, _ in await self.asimilarity_search_with_score(query, k, filter, **kwargs)]

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Filter = None,
        **kwargs: Any,
    ) -> list[tuple[Document, float]]:
        """The k nearest to a question, each with its cosine."""
        return self.similarity_search_with_score_by_vector(
            self._embedding.embed_query(query), k, filter, **kwargs
        )

    async def asimilarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Filter = None,
        **kwargs: Any,
    ) -> list[tuple[Document, float]]:
        """`similarity_search_with_score` under asyncio."""
        vector = await self._embedding.aembed_query(query)
        search = self.similarity_search_with_score_by_vector
        return await run_in_executor(None, search, vector, k, filter, **kwargs)

    def similarity_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        filter: Filter = None,
        **kwargs: Any,
    ) -> list[Document]:
        """The k nearest to a vector, best first, ties by id."""
        found = self.similarity_search_with_score_by_vector(embedding, k, filter, **kwargs)
        return [document for document, _ in found]

    def similarity_search_with_score_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        filter: Filter = None,
    ) -> list[tuple[Document, float]]:
        """The k nearest to a vector, each with its cosine."""
        found = self._table.nearest(embedding, k, filter)
        return [(to_their_document(each), each.score or 0.0) for each in found]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter = None,
        **kwargs: Any,
    ) -> list[Document]:
        """k of the `fetch_k` nearest, chosen to be unlike each other (Carbonell and Goldstein 1998)."""
        return self.max_marginal_relevance_search_by_vector(
            self._embedding.embed_query(query), k, fetch_k, lambda_mult, filter, **kwargs
        )

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Filter = None,
        **kwargs: Any,
    ) -> list[Document]:
        """`max_marginal_relevance_search` for a vector."""
        if kwargs:
            raise InputError(f"There is no option {next(iter(kwargs))!r} of this search.")
        import numpy as np
        from langchain_core.vectorstores.utils import maximal_marginal_relevance

        found = self._table.nearest(embedding, max(k, fetch_k), filter, vectors=True)
        rows = [list(each.vector or ()) for each in found]
        chosen = (
            maximal_marginal_relevance(np.asarray(embedding), rows, lambda_mult=lambda_mult, k=k)
            if rows
            else []
        )
        return [to_their_document(found[each]) for each in chosen]

    def close(self) -> None:
        """Let go of every file; what is asked next opens them again."""
        self._table.close()

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda cosine: min(1.0, max(0.0, cosine))

    def _put(self, documents: list[Document], vectors: list[list[float]]) -> list[str]:
        records = [to_record(each, vector) for each, vector in zip(documents, vectors, strict=True)]
        self._table.put(records)
        return [each.id for each in records]


def _documents(
    texts: Iterable[str], metadatas: Sequence[dict[str, Any]] | None, ids: Sequence[str] | None
) -> list[Document]:
    texts = list(texts)
    for what, given in (("metadatas", metadatas), ("ids", ids)):
        if given is not None and len(given) != len(texts):
            raise InputError(f"There are {len(texts)} texts and {len(given)} {what}.", "Give one for each.")
    metadatas, ids = metadatas or [{}] * len(texts), ids or [None] * len(texts)  # type: ignore[list-item]
    return [
        Document(id=id_, page_content=text, metadata=metadata)
        for text, metadata, id_ in zip(texts, metadatas, ids, strict=True)
    ]


def _with_ids(
    documents: list[Document], ids: Sequence[str] | None = None, batch_size: int | None = None
) -> list[Document]:
    del batch_size
    if ids is not None and len(ids) != len(documents):
        raise InputError(f"There are {len(documents)} documents and {len(ids)} ids.", "Give one for each.")
    given = [each.id for each in documents] if ids is None else ids
    return [
        each if each.id == id_ and id_ is not None else each.model_copy(update={"id": _id(id_)})
        for each, id_ in zip(documents, given, strict=True)
    ]


def _id(given: str | None) -> str:
    return str(uuid.uuid4()) if given is None else given
