"""Haystack's own first RAG pipeline, with only the store, the embedders and the model being ragbraid's.

It needs, once, `ragbraid models get all-minilm-l6-v2 smollm2-135m-instruct`.
"""

import os
import tempfile

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack import Document, Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import ChatMessage
from haystack_integrations.components.embedders.ragbraid import RagbraidDocumentEmbedder, RagbraidTextEmbedder
from haystack_integrations.components.generators.ragbraid import RagbraidChatGenerator
from haystack_integrations.components.retrievers.ragbraid import RagbraidEmbeddingRetriever
from haystack_integrations.document_stores.ragbraid import RagbraidDocumentStore

QUESTION = "Who lives in Rome?"
TEMPLATE = """Given these documents, answer the question in a few words.
Documents:
{% for document in documents %}
    {{ document.content }}
{% endfor %}
Question: {{ question }}
Answer:"""


def main(folder: str) -> tuple[str, list[Document]]:
    """Write three documents, ask about one of them."""
    document_store = RagbraidDocumentStore(folder)

    indexing = Pipeline()
    indexing.add_component("embedder", RagbraidDocumentEmbedder())
    indexing.add_component("writer", DocumentWriter(document_store))
    indexing.connect("embedder", "writer")
    indexing.run(
        {
            "embedder": {
                "documents": [
                    Document(content="My name is Jean and I live in Paris."),
                    Document(content="My name is Mark and I live in Berlin."),
                    Document(content="My name is Giorgio and I live in Rome."),
                ]
            }
        }
    )

    rag = Pipeline()
    rag.add_component("text_embedder", RagbraidTextEmbedder())
    rag.add_component("retriever", RagbraidEmbeddingRetriever(document_store, top_k=2))
    rag.add_component(
        "prompt_builder",
        ChatPromptBuilder([ChatMessage.from_user(TEMPLATE)], required_variables=["documents", "question"]),
    )
    rag.add_component("llm", RagbraidChatGenerator(generation_kwargs={"max_tokens": 24}))
    rag.connect("text_embedder.embedding", "retriever.query_embedding")
    rag.connect("retriever.documents", "prompt_builder.documents")
    rag.connect("prompt_builder.prompt", "llm.messages")

    result = rag.run(
        {"text_embedder": {"text": QUESTION}, "prompt_builder": {"question": QUESTION}},
        include_outputs_from={"retriever"},
    )
    return result["llm"]["replies"][0].text, result["retriever"]["documents"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        answer, documents = main(place)
        print(documents[0].content)
        print(answer)
