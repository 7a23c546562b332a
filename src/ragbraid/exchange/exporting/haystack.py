"""A chain as a pipeline file of Haystack 3."""

from __future__ import annotations

from typing import Any

import yaml

from ragbraid.errors import InputError
from ragbraid.exchange.exporting.chain import Chain, Part

_HOME = "haystack_integrations"
_STORE = f"{_HOME}.document_stores.ragbraid.document_store.RagbraidDocumentStore"
_COMPONENTS = f"{_HOME}.components"
_TYPES = {
    "embedder": f"{_COMPONENTS}.embedders.ragbraid.text_embedder.RagbraidTextEmbedder",
    "words": f"{_COMPONENTS}.retrievers.ragbraid.bm25_retriever.RagbraidBM25Retriever",
    "meaning": f"{_COMPONENTS}.retrievers.ragbraid.embedding_retriever.RagbraidEmbeddingRetriever",
    "search": f"{_COMPONENTS}.pipelines.ragbraid.search.RagbraidSearch",
    "reranker": f"{_COMPONENTS}.rankers.ragbraid.ranker.RagbraidRanker",
    "answer": f"{_COMPONENTS}.readers.ragbraid.reader.RagbraidReader",
    "pipeline": f"{_COMPONENTS}.pipelines.ragbraid.pipeline.RagbraidPipeline",
}


def haystack(chain: Chain) -> str:
    """The text of a file that `haystack.Pipeline.loads` reads.

    Raises `InputError` where code of one's own would have to run, which no such file can allow.
    """
    if chain.allow and any(each.kind in ("search", "pipeline") for each in chain.parts):
        raise InputError(
            f"The pipeline {chain.name} may run code ({', '.join(chain.allow)}), which a Haystack file can't "
            "allow.",
            "Leave --allow out if it needs none, or export to langchain or llama-index, whose scripts can.",
        )
    components: dict[str, Any] = {}
    connections: list[dict[str, str]] = []
    before = ""
    for each in chain.parts:
        if each.embedder is not None:
            components["text_embedder"] = _component("embedder", component=dict(each.embedder))
            connections.append(_connection("text_embedder.embedding", f"{each.name}.query_embedding"))
        components[each.name] = _of_part(each, chain)
        if before:
            connections.append(_connection(f"{before}.documents", f"{each.name}.documents"))
        before = each.name
    name = " ".join(chain.name.split())  # on one line, so that nothing of it leaves the comment
    inputs = (each.split(".") for each in questions_of(chain))
    asked = ", ".join(f'"{part}": {{"{key}": question}}' for part, key in inputs)
    lines = [
        f"# The ragbraid pipeline {name} as a pipeline of Haystack 3.4, made by `ragbraid export`.",
        "# It needs the package ragbraid-haystack. To ask it:",
        "#",
        "#   pipeline = haystack.Pipeline.loads(open(this_file).read())",
        f"#   pipeline.run({{{asked}}})[{before!r}]['answers'][0]",
        "#",
        *(f"# {each}" for each in chain.notes),
    ]
    told = {"components": components, "connections": connections, "metadata": {}}
    text: str = yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=1000)
    return "\n".join(lines) + "\n" + text


def questions_of(chain: Chain) -> list[str]:
    """The inputs that take the question, as `component.input`."""
    return [
        "text_embedder.text" if each.embedder is not None else f"{each.name}.query" for each in chain.parts
    ]


def _of_part(part: Part, chain: Chain) -> dict[str, Any]:
    file = None if chain.file is None else chain.file.as_posix()
    match part.kind:
        case "words" | "meaning":
            store = {
                "type": _STORE,
                "init_parameters": {"path": part.index, "embedding_dim": None, "collection": "default"},
            }
            return _component(part.kind, document_store=store, top_k=part.k)
        case "reranker":
            return _component(part.kind, reranker=dict(part.step), top_k=part.k)
        case "answer":
            return _component(part.kind, step=dict(part.step))
        case "search":
            return _component(part.kind, pipeline=file, top_k=part.k)
        case "pipeline":
            return _component(part.kind, pipeline=file)


def _component(kind: str, **settings: Any) -> dict[str, Any]:
    return {"type": _TYPES[kind], "init_parameters": settings}


def _connection(sender: str, receiver: str) -> dict[str, str]:
    return {"sender": sender, "receiver": receiver}
