"""Other stores of vectors, each behind the same calls; `indexes.py` runs them, in an environment of theirs.

Each stores ids, texts and metadata beside the vectors, and answers with texts, not with ids alone. Settings
are a store's own defaults unless its name says others, with cosine or inner product over unit vectors.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Block = tuple[int, npt.NDArray[np.float32], list[str], list[int]]
"""The number of the first row, vectors, texts, and the bucket of each."""


class LanceDb:
    name, on_disk = "LanceDB, IVF_PQ, nprobes 50, refine 30", True

    def build(self, folder: Path, blocks: Iterator[Block]) -> None:
        import lancedb
        import pyarrow as pa

        def rows() -> Iterator[Any]:
            for first, vectors, texts, buckets in blocks:
                ids = pa.array(range(first, first + len(texts)))
                flat = pa.array(vectors.reshape(-1))
                column = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
                yield pa.record_batch(
                    [ids, column, pa.array(texts), pa.array(buckets)], ["id", "vector", "text", "bucket"]
                )

        first = next(source := rows())
        table = lancedb.connect(folder).create_table("t", pa.Table.from_batches([first]))
        for each in source:
            table.add(pa.Table.from_batches([each]))
        table.create_index(metric="cosine", vector_column_name="vector")
        table.create_scalar_index("bucket")
        table.create_fts_index("text")

    def open(self, folder: Path) -> None:
        import lancedb

        self.table = lancedb.connect(folder).open_table("t")

    def search(self, vector: Any, k: int, bucket: int | None = None) -> list[int]:
        asked = (
            self.table.search(vector).metric("cosine").nprobes(50).refine_factor(30 if bucket is None else 10)
        )
        if bucket is not None:
            asked = asked.where(f"bucket = {bucket}", prefilter=True)
        return [each["id"] for each in asked.limit(k).select(["id", "text", "bucket"]).to_list()]


class LangChain:
    name, on_disk = "LangChain, FAISS", False

    def build(self, folder: Path, blocks: Iterator[Block]) -> None:
        import faiss
        from langchain_community.docstore.in_memory import InMemoryDocstore
        from langchain_community.vectorstores import FAISS
        from langchain_core.embeddings import Embeddings

        class Given(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                raise NotImplementedError

            def embed_query(self, text: str) -> list[float]:
                raise NotImplementedError

        self.store = None
        for _, vectors, texts, buckets in blocks:
            if self.store is None:
                index = faiss.IndexFlatIP(vectors.shape[1])
                self.store = FAISS(Given(), index, InMemoryDocstore(), {})
            numbers = range(self.store.index.ntotal, self.store.index.ntotal + len(texts))
            told = [{"id": n, "bucket": bucket} for n, bucket in zip(numbers, buckets, strict=True)]
            self.store.add_embeddings(zip(texts, vectors.tolist(), strict=True), told)

    def search(self, vector: Any, k: int, bucket: int | None = None) -> list[int]:
        wanted = {} if bucket is None else {"filter": {"bucket": bucket}, "fetch_k": 1000}
        found = self.store.similarity_search_with_score_by_vector(vector.tolist(), k, **wanted)
        return [document.metadata["id"] for document, _ in found]


class LlamaIndex:
    name, on_disk = "LlamaIndex, FAISS", False

    def build(self, folder: Path, blocks: Iterator[Block]) -> None:
        import faiss
        from llama_index.core.schema import TextNode
        from llama_index.core.storage.docstore import SimpleDocumentStore
        from llama_index.vector_stores.faiss import FaissVectorStore

        self.store, self.nodes = None, SimpleDocumentStore()
        for first, vectors, texts, buckets in blocks:
            if self.store is None:
                self.store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(vectors.shape[1]))
            nodes = [
                TextNode(id_=str(first + at), text=text, embedding=vector, metadata={"bucket": bucket})
                for at, (text, vector, bucket) in enumerate(
                    zip(texts, vectors.tolist(), buckets, strict=True)
                )
            ]
            self.store.add(nodes)
            for each in nodes:
                each.embedding = None
            self.nodes.add_documents(nodes)

    def search(self, vector: Any, k: int, bucket: int | None = None) -> list[int]:
        from llama_index.core.vector_stores import VectorStoreQuery

        if bucket is not None:
            raise NotImplementedError("its FAISS store has no filters")
        found = self.store.query(VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=k))
        return [int(self.nodes.get_document(each).id_) for each in found.ids or []]


class Chroma:
    name, on_disk = "Chroma", True

    def build(self, folder: Path, blocks: Iterator[Block]) -> None:
        held = self._client(folder).create_collection("rows", configuration={"hnsw": {"space": "cosine"}})
        for first, vectors, texts, buckets in blocks:
            for low in range(0, len(texts), 5000):
                part = slice(low, low + 5000)
                held.add(
                    ids=[str(first + low + at) for at in range(len(texts[part]))],
                    embeddings=vectors[part],
                    documents=texts[part],
                    metadatas=[{"bucket": each} for each in buckets[part]],
                )

    def open(self, folder: Path) -> None:
        self.held = self._client(folder).get_collection("rows")

    def search(self, vector: Any, k: int, bucket: int | None = None) -> list[int]:
        where = {} if bucket is None else {"where": {"bucket": bucket}}
        found = self.held.query(query_embeddings=[vector], n_results=k, **where)
        return [int(each) for each in found["ids"][0]]

    def _client(self, folder: Path) -> Any:
        import chromadb

        return chromadb.PersistentClient(str(folder), chromadb.Settings(anonymized_telemetry=False))


class Qdrant:
    name, on_disk = "Qdrant, local", True

    def build(self, folder: Path, blocks: Iterator[Block]) -> None:
        from qdrant_client.models import Distance, PointStruct, VectorParams

        client = self._client(folder)
        begun = False
        for first, vectors, texts, buckets in blocks:
            if not begun:
                parameters = VectorParams(size=vectors.shape[1], distance=Distance.COSINE)
                begun = client.create_collection("rows", vectors_config=parameters)
            points = [
                PointStruct(
                    id=str(uuid.UUID(int=first + at)),
                    vector=vector,
                    payload={"n": first + at, "text": text, "bucket": bucket},
                )
                for at, (vector, text, bucket) in enumerate(
                    zip(vectors.tolist(), texts, buckets, strict=True)
                )
            ]
            client.upsert("rows", points)
        client.close()

    def open(self, folder: Path) -> None:
        self.client = self._client(folder)

    def search(self, vector: Any, k: int, bucket: int | None = None) -> list[int]:
        from qdrant_client.models import FieldCondition, Filter, MatchValue

        wanted = None
        if bucket is not None:
            wanted = Filter(must=[FieldCondition(key="bucket", match=MatchValue(value=bucket))])
        found = self.client.query_points("rows", query=vector.tolist(), limit=k, query_filter=wanted)
        return [each.payload["n"] for each in found.points]

    def _client(self, folder: Path) -> Any:
        from qdrant_client import QdrantClient

        return QdrantClient(path=str(folder))


PEERS = {
    "lancedb": LanceDb,
    "langchain": LangChain,
    "llama-index": LlamaIndex,
    "chroma": Chroma,
    "qdrant": Qdrant,
}
