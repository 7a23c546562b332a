"""A splitter of ragbraid, as a splitter of LangChain's where these are installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.documents import BaseDocumentTransformer, Document

from langchain_ragbraid.documents import from_document, to_document
from ragbraid import Pipeline
from ragbraid.types import Chunk
from ragbraid.types import Document as Source

if TYPE_CHECKING:
    _Base = BaseDocumentTransformer
else:
    try:
        from langchain_text_splitters import TextSplitter as _Base
    except ImportError:
        _Base = BaseDocumentTransformer


class RagbraidTextSplitter(_Base):
    """Cuts documents with a splitter of ragbraid, each piece where it lies in the text.

    `splitter` is a component as in a pipeline file, such as `{"type": "markdown"}`. A piece has its
    document's metadata, and `start_index`; under `ragbraid` its exact place, for one that came from ragbraid.
    """

    def __init__(self, splitter: Mapping[str, Any] | None = None, *, allow: Sequence[str] = ()) -> None:
        if _Base is not BaseDocumentTransformer:
            super().__init__()
        self._splitter = dict(splitter or {"type": "recursive-splitter"})
        self._allow = tuple(allow)
        self._opened: Pipeline | None = None

    def split_text(self, text: str) -> list[str]:
        """The pieces of a text."""
        return [each.text for each in self._chunks(Source("text", text))]

    def create_documents(
        self, texts: list[str], metadatas: list[dict[Any, Any]] | None = None
    ) -> list[Document]:
        """The pieces of texts."""
        given = metadatas or [{}] * len(texts)
        return self.split_documents(
            Document(page_content=text, metadata=metadata)
            for text, metadata in zip(texts, given, strict=True)
        )

    def split_documents(self, documents: Iterable[Document]) -> list[Document]:
        """The pieces of documents, in order."""
        return [piece for document in documents for piece in self._pieces(document)]

    def transform_documents(self, documents: Sequence[Document], **kwargs: Any) -> Sequence[Document]:
        """`split_documents`, by the name that transformers go by."""
        del kwargs
        return self.split_documents(documents)

    def close(self) -> None:
        """Give back what was opened."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _pieces(self, document: Document) -> Iterable[Document]:
        source = from_document(document)
        for chunk in self._chunks(source):
            piece = to_document(chunk)
            kept = {key: each for key, each in document.metadata.items() if key != "ragbraid"}
            metadata = {**piece.metadata, **kept, "start_index": chunk.start}
            yield Document(id=piece.id, page_content=piece.page_content, metadata=metadata)

    def _chunks(self, source: Source) -> list[Chunk]:
        if self._opened is None:
            flow = {"inputs": {"documents": "documents"}, "steps": [self._splitter]}
            self._opened = Pipeline.build(flows={"split": flow}, allow=self._allow)
        chunks: list[Chunk] = self._opened.run("split", documents=[source])
        return chunks
