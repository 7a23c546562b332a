"""A chain as a script of LlamaIndex."""

from __future__ import annotations

from ragbraid.exchange.exporting.chain import Chain, Part
from ragbraid.exchange.exporting.script import Code, call, listed, literal, pipeline_of, script


def llama_index(chain: Chain) -> str:
    """The text of a script whose `query_engine` answers a question."""
    opening, pipeline = pipeline_of(chain)
    first, *rest = chain.parts
    names = {_NAMES[each.kind] for each in chain.parts}
    imports = []
    body = [*opening]
    if not rest:
        body.append(f"query_engine = {call('RagbraidQueryEngine', pipeline)}")
    else:
        imports.append("from llama_index.core.query_engine import RetrieverQueryEngine")
        if first.kind != "search":
            imports.insert(0, "from llama_index.core import VectorStoreIndex")
        if first.kind == "words":
            imports.insert(1, "from llama_index.core.embeddings import MockEmbedding")
        if first.embedder is not None:
            names.add("RagbraidEmbedding")
        body += _retriever(first, pipeline)
        rerankers = [call("RagbraidReranker", dict(each.step), top_n=each.k) for each in rest[:-1]]
        body.append(f"rerankers = {listed(rerankers)}")
        body.append(f"synthesizer = {call('RagbraidSynthesizer', dict(rest[-1].step))}")
        engine = call(
            "RetrieverQueryEngine",
            Code("retriever"),
            response_synthesizer=Code("synthesizer"),
            node_postprocessors=Code("rerankers"),
        )
        body.append(f"query_engine = {engine}")
    imports.append(f"from llama_index_ragbraid import {', '.join(sorted(names))}")
    if opening:
        imports.append("\nfrom ragbraid import Pipeline")
    body += ["", 'if __name__ == "__main__":', "    print(query_engine.query(sys.argv[1]))"]
    return script(chain, "LlamaIndex", "llama-index-ragbraid", imports, body)


_NAMES = {
    "words": "RagbraidVectorStore",
    "meaning": "RagbraidVectorStore",
    "search": "RagbraidRetriever",
    "reranker": "RagbraidReranker",
    "answer": "RagbraidSynthesizer",
    "pipeline": "RagbraidQueryEngine",
}


def _retriever(part: Part, pipeline: object) -> list[str]:
    if part.kind == "search":
        return [f"retriever = {call('RagbraidRetriever', pipeline, similarity_top_k=part.k)}"]
    store = f"store = RagbraidVectorStore({literal(part.index)}, dimensions=None)"
    if part.kind == "words":
        comment = ["# Words alone are searched: the index wants an embedder, and asks it for nothing of use."]
        embedder, mode = Code("MockEmbedding(1)"), "text_search"
    else:
        comment, mode = [], "default"
        embedder = call("RagbraidEmbedding", component=dict(part.embedder or {}))
    return [
        store,
        *comment,
        f"index = {call('VectorStoreIndex.from_vector_store', Code('store'), embed_model=embedder)}",
        f"retriever = index.as_retriever(similarity_top_k={part.k}, vector_store_query_mode={literal(mode)})",
    ]
