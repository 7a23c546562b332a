"""A chain as a script of LangChain."""

from __future__ import annotations

from ragbraid.exchange.exporting.chain import Chain, Part
from ragbraid.exchange.exporting.script import call, literal, pipeline_of, script


def langchain(chain: Chain) -> str:
    """The text of a script whose `chain` is a runnable: a question in, a dictionary with its answer out."""
    opening, pipeline = pipeline_of(chain)
    first, *rest = chain.parts
    names = {_NAMES[each.kind] for each in chain.parts}
    if first.embedder is not None:
        names.add("RagbraidEmbeddings")
    imports = [f"from langchain_ragbraid import {', '.join(sorted(names))}"]
    if rest:
        imports.insert(0, "from langchain_core.runnables import RunnablePassthrough")
    if opening:
        imports.append("\nfrom ragbraid import Pipeline")
    body = [*opening]
    if not rest:
        body.append(f"chain = {call('RagbraidPipeline', pipeline=pipeline)}")
    else:
        body.append(f"retriever = {_retriever(first, pipeline)}")
        steps = ['{"question": RunnablePassthrough(), "context": retriever}']
        for number, each in enumerate(rest[:-1], 1):
            name = f"reranker_{number}"
            body.append(f"{name} = {call('RagbraidReranker', reranker=dict(each.step), k=each.k)}")
            found = f'{name}.compress_documents(each["context"], each["question"])'
            steps.append(f"RunnablePassthrough.assign(context=lambda each: {found})")
        body.append(f"answerer = {call('RagbraidAnswerer', step=dict(rest[-1].step))}")
        steps.append("answerer")
        body.append("chain = (\n    " + "\n    | ".join(steps) + "\n)")
    body += ["", 'if __name__ == "__main__":', '    print(chain.invoke(sys.argv[1])["answer"])']
    return script(chain, "LangChain", "langchain-ragbraid", imports, body)


_NAMES = {
    "words": "RagbraidDocumentIndex",
    "meaning": "RagbraidVectorStore",
    "search": "RagbraidRetriever",
    "reranker": "RagbraidReranker",
    "answer": "RagbraidAnswerer",
    "pipeline": "RagbraidPipeline",
}


def _retriever(part: Part, pipeline: object) -> str:
    if part.kind == "search":
        return call("RagbraidRetriever", pipeline=pipeline, k=part.k)
    if part.kind == "words":
        return call("RagbraidDocumentIndex", path=part.index, k=part.k)
    embeddings = call("RagbraidEmbeddings", component=dict(part.embedder or {}))
    store = call("RagbraidVectorStore", embeddings, part.index)
    return f"{store}.as_retriever(search_kwargs={literal({'k': part.k})})"
