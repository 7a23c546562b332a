"""A pipeline's embedder as LangChain's embeddings."""

from __future__ import annotations

from langchain_core.embeddings import Embeddings

from langchain_ragbraid.lending import OfComponent


class RagbraidEmbeddings(OfComponent, Embeddings):
    """Embeds texts with a pipeline's embedder, or with one that stands alone.

    `RagbraidEmbeddings(component={"type": "sentence-transformer", "model": "all-minilm-l6-v2"})`. Vectors
    have unit length. Raises `ModelMissing` where the model isn't on this machine.
    """

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text, as a passage."""
        rows: list[list[float]] = self._lender.part("embedder").embed(texts, "passage").tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        rows: list[list[float]] = self._lender.part("embedder").embed([text], "query").tolist()
        return rows[0]
