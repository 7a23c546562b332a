"""LangChain in ragbraid: its loaders, splitters, embeddings, retrievers, rerankers and models as components.

The core finds this by the entry point `langchain` of the group `ragbraid.bridges`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import BaseDocumentCompressor, BaseDocumentTransformer
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel, BaseLanguageModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore

from langchain_ragbraid.documents import from_document, to_document, to_documents, to_hit
from langchain_ragbraid.vectorstores import RagbraidVectorStore
from ragbraid.bridge.protocol import Kind, Piece
from ragbraid.bridge.values import KEY
from ragbraid.errors import Unsupported
from ragbraid.generate.protocol import Completion, JsonSchema, Quotes, Request
from ragbraid.types import Answer, Document, Filter, Hit, Usage


class LoaderPart:
    """A document loader."""

    def __init__(self, made: BaseLoader) -> None:
        self._made = made

    def load(self) -> Iterator[Document]:
        """Every document, as it comes."""
        return map(from_document, self._made.lazy_load())


class SplitterPart:
    """A text splitter, or another transformer of documents."""

    def __init__(self, made: BaseDocumentTransformer) -> None:
        self._made = made

    def split(self, document: Document) -> Iterator[Piece]:
        """The pieces; what is added to the document's metadata is theirs, `start_index` their place."""
        given = to_document(document)
        for piece in self._made.transform_documents([given]):
            own = {key: each for key, each in piece.metadata.items() if given.metadata.get(key) != each}
            start = own.pop("start_index", None)
            own.pop(KEY, None)
            yield Piece(piece.page_content, start if isinstance(start, int) else None, own)


class EmbedderPart:
    """Embeddings."""

    def __init__(self, made: Embeddings) -> None:
        self._made = made

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """A vector for each text."""
        return self._made.embed_documents(list(texts))

    def embed_query(self, text: str) -> Sequence[float]:
        """The vector of a question."""
        return self._made.embed_query(text)


class RetrieverPart:
    """A retriever, which tells no scores."""

    filters = False

    def __init__(self, made: BaseRetriever) -> None:
        self._made = made

    def retrieve(self, question: str, k: int, filter: Filter | None) -> list[Hit]:
        """What it finds; how many is its own affair."""
        del k, filter
        return [to_hit(each) for each in self._made.invoke(question)]


class StorePart:
    """A vector store. Only ours knows our filters: those of others are each of its own kind."""

    def __init__(self, made: VectorStore) -> None:
        self._made = made
        self.filters = isinstance(made, RagbraidVectorStore)
        self._tells_scores = _overrides(type(made), VectorStore, "similarity_search_with_score")

    def retrieve(self, question: str, k: int, filter: Filter | None) -> list[Hit]:
        """The k nearest, with the store's own scores, whatever they mean."""
        options: dict[str, Any] = {"filter": filter} if filter else {}
        if not self._tells_scores:
            return [to_hit(each) for each in self._made.similarity_search(question, k, **options)]
        found = self._made.similarity_search_with_score(question, k, **options)
        return [to_hit(document, float(score)) for document, score in found]


class RerankerPart:
    """A document compressor, which orders documents or leaves some out."""

    def __init__(self, made: BaseDocumentCompressor) -> None:
        self._made = made

    def rerank(self, question: str, hits: Sequence[Hit], k: int) -> Iterable[tuple[str, float | None]]:
        """The documents that stay, by their ids; a score is what it writes into the metadata."""
        del k
        for each in self._made.compress_documents(to_documents(hits), question):
            ours = each.metadata.get(KEY)
            id_ = each.id or (ours.get("id") if isinstance(ours, Mapping) else None)
            score = each.metadata.get("relevance_score")
            yield str(id_), float(score) if isinstance(score, Real) else None


class GeneratorPart:
    """A chat model, or a model that continues texts."""

    def __init__(self, made: BaseLanguageModel[Any]) -> None:
        self._made = made

    def stream(self, request: Request) -> Iterator[str | Completion]:
        """Pieces as they come, then what the model says of its use."""
        model: Any = self._made
        if isinstance(request.constraint, JsonSchema):
            yield self._held(request.constraint, _prompt(request))
            return
        if request.constraint is not None and not isinstance(request.constraint, Quotes):
            what = type(request.constraint).__name__
            raise Unsupported(f"A model of LangChain can't be held to a {what}.", "Use a JSON schema.")
        last = Completion("", usage=Usage(calls=1))
        for chunk in model.stream(_prompt(request), stop=list(request.stop) or None):
            if isinstance(chunk, BaseMessage):
                last = _completion(chunk, last)
            text = chunk if isinstance(chunk, str) else str(chunk.text)
            if text:
                yield text
        yield last

    def _held(self, constraint: JsonSchema, prompt: Any) -> Any:
        """Whatever the model's own structured output makes of a schema, as JSON text."""
        import json

        if not isinstance(self._made, BaseChatModel):
            raise Unsupported(
                "A model that isn't a chat model can't be held to a schema.", "Use a chat model."
            )
        schema = {"title": "answer", "description": "The answer.", **constraint.schema}
        return json.dumps(self._made.with_structured_output(schema).invoke(prompt), ensure_ascii=False)


def _prompt(request: Request) -> Any:
    if isinstance(request.prompt, str):
        return request.prompt
    kinds = {"system": SystemMessage, "assistant": AIMessage}
    return [kinds.get(each.role, HumanMessage)(content=each.content) for each in request.prompt]


def _completion(chunk: BaseMessage, before: Completion) -> Completion:
    usage = getattr(chunk, "usage_metadata", None)
    told = before.usage
    if usage:
        told = Usage(
            told.prompt_tokens + usage["input_tokens"], told.completion_tokens + usage["output_tokens"], 1
        )
    cut = chunk.response_metadata.get("finish_reason") == "length" or before.finish_reason == "length"
    return Completion("", "length" if cut else "stop", told)


def _overrides(cls: type, base: type, name: str) -> bool:
    return getattr(cls, name) is not getattr(base, name)


_KINDS: tuple[tuple[type, Kind, Any], ...] = (
    (BaseLoader, "loader", LoaderPart),
    (Embeddings, "embedder", EmbedderPart),
    (VectorStore, "retriever", StorePart),
    (BaseRetriever, "retriever", RetrieverPart),
    (BaseDocumentCompressor, "reranker", RerankerPart),
    (BaseDocumentTransformer, "splitter", SplitterPart),
    (BaseLanguageModel, "generator", GeneratorPart),
)


class LangChainBridge:
    """What ragbraid's core asks about LangChain's classes."""

    def kind(self, cls: type) -> Kind | None:
        """The kind of component that a class's objects are."""
        return next((kind for base, kind, _ in _KINDS if issubclass(cls, base)), None)

    def part(self, made: Any) -> Any:
        """The part that does an object's work."""
        return next(part(made) for base, _, part in _KINDS if isinstance(made, base))

    def asking(self, pipeline: Any) -> Callable[[str], Answer]:
        """Asks a pipeline as a runnable; the answer's hits are made of the documents that came back."""
        from langchain_ragbraid.runnables import RagbraidPipeline

        chain = RagbraidPipeline(pipeline=pipeline)

        def ask(question: str) -> Answer:
            told = chain.invoke(question)
            answer: Answer = told["result"]
            return replace(answer, text=told["answer"], hits=tuple(map(to_hit, told["context"])))

        return ask


BRIDGE = LangChainBridge()
