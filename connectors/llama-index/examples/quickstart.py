"""LlamaIndex's own first RAG script, with only the store, the embedding and the model being ragbraid's.

It needs, once, `ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct`.
"""

import tempfile

from llama_index.core import Document, Settings, StorageContext, VectorStoreIndex
from llama_index.core.base.response.schema import Response
from llama_index_ragbraid import RagbraidEmbedding, RagbraidLLM, RagbraidVectorStore

QUESTION = "Who lives in Rome?"


def main(folder: str) -> Response:
    """Index three documents, ask about one of them."""
    Settings.embed_model = RagbraidEmbedding()
    Settings.llm = RagbraidLLM(max_tokens=24)

    documents = [
        Document(text="My name is Jean and I live in Paris."),
        Document(text="My name is Mark and I live in Berlin."),
        Document(text="My name is Giorgio and I live in Rome."),
    ]
    storage_context = StorageContext.from_defaults(vector_store=RagbraidVectorStore(folder))
    index = VectorStoreIndex.from_documents(documents, storage_context=storage_context)

    query_engine = index.as_query_engine(similarity_top_k=2)
    return query_engine.query(QUESTION)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        response = main(place)
        print(response.source_nodes[0].node.get_content())
        print(response)
