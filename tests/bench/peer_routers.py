"""Where other routers send the frozen questions; run by `routing.py` in the peer's own environment.

Reads {"utterances": …, "questions": …, "vectors": {text: vector}} as JSON from a file, and writes a list of
[peer, route, score] for each question.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def semantic_router(given: dict[str, Any]) -> dict[str, list[Any]]:
    from semantic_router import Route
    from semantic_router.encoders import DenseEncoder
    from semantic_router.routers import IndexedRouter

    vectors = given["vectors"]

    class Same(DenseEncoder):  # type: ignore[misc, no-any-unimported]
        name: str = "same"
        type: str = "local"

        def __call__(self, docs: list[Any]) -> list[list[float]]:
            return [vectors[each] for each in docs]

    found: dict[str, list[Any]] = {}
    for aggregation in ("mean", "max", "sum"):
        for top_k in (1, 5, 10, 20):
            routes = [Route(name=name, utterances=texts) for name, texts in given["utterances"].items()]
            router = IndexedRouter(Same(), routes, top_k=top_k, aggregation=aggregation)
            chosen = [router(each) for each in given["questions"]]
            found[f"semantic-router, {aggregation} of {top_k}"] = [[e.name, e.confidence] for e in chosen]
    return found


def llama_index(given: dict[str, Any]) -> dict[str, list[Any]]:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.selectors import EmbeddingSingleSelector
    from llama_index.core.tools import ToolMetadata

    class Same(BaseEmbedding):  # type: ignore[misc, no-any-unimported]
        def _get_text_embedding(self, text: str) -> list[float]:
            return list(given["vectors"][text])

        def _get_query_embedding(self, query: str) -> list[float]:
            return list(given["vectors"][query])

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    pairs = [(name, text) for name, texts in given["utterances"].items() for text in texts]
    choices = [ToolMetadata(description=text, name=name) for name, text in pairs]
    selector = EmbeddingSingleSelector.from_defaults(embed_model=Same())
    chosen = [selector.select(choices, each).ind for each in given["questions"]]
    return {"LlamaIndex, EmbeddingSingleSelector": [[pairs[each][0], 1.0] for each in chosen]}


def langchain(given: dict[str, Any]) -> dict[str, list[Any]]:
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import InMemoryVectorStore

    class Same(Embeddings):  # type: ignore[misc, no-any-unimported]
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [given["vectors"][each] for each in texts]

        def embed_query(self, text: str) -> list[float]:
            return list(given["vectors"][text])

    pairs = [(name, text) for name, texts in given["utterances"].items() for text in texts]
    store = InMemoryVectorStore(Same())
    store.add_texts([text for _, text in pairs], [{"route": name} for name, _ in pairs])
    chosen = [store.similarity_search_with_score(each, k=1)[0] for each in given["questions"]]
    return {"LangChain, nearest utterance": [[doc.metadata["route"], float(score)] for doc, score in chosen]}


PEERS = {"semantic-router": semantic_router, "llama-index": llama_index, "langchain": langchain}

if __name__ == "__main__":
    peer, source, target = sys.argv[1:]
    Path(target).write_text(json.dumps(PEERS[peer](json.loads(Path(source).read_text("utf-8")))), "utf-8")
