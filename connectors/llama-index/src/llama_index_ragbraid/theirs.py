"""LlamaIndex's parts as steps of a ragbraid pipeline."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.indices.base import BaseIndex
from llama_index.core.llms import LLM
from llama_index.core.node_parser import NodeParser
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import Document as TheirDocument
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores.types import (
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
)

from llama_index_ragbraid.values import as_node, hit_of_node, text_of
from ragbraid.bridge.protocol import Kind, Piece
from ragbraid.bridge.values import crossing, document_of
from ragbraid.errors import InputError, Unsupported
from ragbraid.generate.protocol import Completion, Quotes, Request
from ragbraid.types import Answer, Document, Filter, Hit, Usage


class LlamaIndexBridge:
    """What the connector registers under `ragbraid.bridges`."""

    def kind(self, cls: type) -> Kind | None:
        """The kind of component that a class is; None for one that can't be a step."""
        return next((each.kind for base, each in _PARTS.items() if issubclass(cls, base)), None)

    def part(self, made: Any) -> Any:
        """The part that does an object's work."""
        for base, each in _PARTS.items():
            if isinstance(made, base):
                return each(made)
        raise InputError(f"A {type(made).__name__} can't be a step.")

    def asking(self, pipeline: Any) -> Callable[[str], Answer]:
        """Asks a pipeline as a query engine; the answer is made of the response."""
        from llama_index_ragbraid.query_engine import RagbraidQueryEngine
        from llama_index_ragbraid.values import answer_of

        engine = RagbraidQueryEngine(pipeline)
        return lambda question: answer_of(engine.query(question))


BRIDGE = LlamaIndexBridge()


class _Embedder:
    kind: Kind = "embedder"

    def __init__(self, made: BaseEmbedding) -> None:
        self._made = made

    def embed_query(self, text: str) -> Sequence[float]:
        return self._made.get_query_embedding(text)

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return self._made.get_text_embedding_batch(list(texts))


class _Index:
    """An index retrieves: as many as are asked for, and within a filter."""

    kind: Kind = "retriever"
    filters = True

    def __init__(self, made: BaseIndex[Any]) -> None:
        self._made = made

    def retrieve(self, question: str, k: int, filter: Filter | None) -> list[Hit]:  # noqa: A002
        options: dict[str, Any] = {"similarity_top_k": k}
        if filter is not None:
            options["filters"] = untranslated(filter)
        return [hit_of_node(each) for each in self._made.as_retriever(**options).retrieve(question)]


class _Retriever:
    kind: Kind = "retriever"
    filters = False

    def __init__(self, made: BaseRetriever) -> None:
        self._made = made

    def retrieve(self, question: str, k: int, filter: Filter | None) -> list[Hit]:  # noqa: A002, ARG002
        asked = self._made
        for name in ("similarity_top_k", "_similarity_top_k"):
            if isinstance(getattr(asked, name, None), int) and getattr(asked, name) < k:
                asked = copy.copy(asked)
                setattr(asked, name, k)
                break
        return [hit_of_node(each) for each in asked.retrieve(question)]


class _Reranker:
    kind: Kind = "reranker"

    def __init__(self, made: BaseNodePostprocessor) -> None:
        self._made = made

    def rerank(self, question: str, hits: Sequence[Hit], k: int) -> Iterable[tuple[str, float | None]]:  # noqa: ARG002
        nodes: list[NodeWithScore] = [as_node(each) for each in hits]
        found = self._made.postprocess_nodes(nodes, QueryBundle(question))
        return [(each.node.node_id, each.score) for each in found]


class _Splitter:
    kind: Kind = "splitter"

    def __init__(self, made: NodeParser) -> None:
        self._made = made

    def split(self, document: Document) -> Iterable[Piece]:
        given = TheirDocument(text=document.text, metadata=crossing(document))
        # Parsers count metadata into a node's room, unless nobody is shown it.
        given.excluded_llm_metadata_keys = given.excluded_embed_metadata_keys = list(given.metadata)
        for each in self._made.get_nodes_from_documents([given]):
            text = text_of(each)
            start = each.start_char_idx if isinstance(each, TextNode) else None
            at = start if start is not None and document.text.startswith(text, start) else None
            yield Piece(text, at)


class _Loader:
    kind: Kind = "loader"

    def __init__(self, made: BaseReader) -> None:
        self._made = made

    def load(self) -> Iterator[Document]:
        try:
            found = self._made.load_data()
        except TypeError as error:
            if "required positional argument" not in str(error):
                raise
            raise InputError(
                f"{type(self._made).__name__}.load_data wants arguments: {error}.",
                "Give a function or class whose `load_data` wants none, such as SimpleDirectoryReader.",
            ) from error
        for each in found:
            named = each.metadata.get("file_path") or each.id_
            yield document_of(text_of(each), each.metadata, str(named))


class _Generator:
    kind: Kind = "generator"

    def __init__(self, made: LLM) -> None:
        self._made = made

    def stream(self, request: Request) -> Iterator[str | Completion]:
        if request.constraint is not None and not isinstance(request.constraint, Quotes):
            raise Unsupported(
                f"LlamaIndex's models can't be held to a {type(request.constraint).__name__}.",
                "Use type: local.",
            )
        settings: dict[str, Any] = {"max_tokens": request.max_tokens, "temperature": request.temperature}
        said, raw = "", None
        if isinstance(request.prompt, str):
            for piece in self._made.stream_complete(request.prompt, **settings):
                delta = piece.delta if piece.delta is not None else piece.text[len(said) :]
                said, raw = said + delta, piece.raw
                yield delta
        else:
            for reply in self._made.stream_chat([_message(each) for each in request.prompt], **settings):
                delta = reply.delta if reply.delta is not None else (reply.message.content or "")[len(said) :]
                said, raw = said + delta, reply.raw
                yield delta
        yield Completion(said, usage=_usage(raw))


_PARTS: Mapping[type, Any] = {
    BaseEmbedding: _Embedder,
    BaseIndex: _Index,
    BaseRetriever: _Retriever,
    BaseNodePostprocessor: _Reranker,
    NodeParser: _Splitter,
    BaseReader: _Loader,
    LLM: _Generator,
}
_OPERATORS = {
    "$eq": FilterOperator.EQ,
    "$ne": FilterOperator.NE,
    "$gt": FilterOperator.GT,
    "$gte": FilterOperator.GTE,
    "$lt": FilterOperator.LT,
    "$lte": FilterOperator.LTE,
    "$in": FilterOperator.IN,
    "$nin": FilterOperator.NIN,
    "$any": FilterOperator.ANY,
    "$all": FilterOperator.ALL,
    "$text": FilterOperator.TEXT_MATCH,
    "$itext": FilterOperator.TEXT_MATCH_INSENSITIVE,
}


def untranslated(filter: Filter) -> MetadataFilters:  # noqa: A002 - the field's usual name
    """ragbraid's filter as LlamaIndex writes it. Raises `Unsupported` for what it has no word for."""
    return MetadataFilters(filters=[part for key, each in filter.items() for part in _parts(key, each)])


def _parts(key: str, value: Any) -> list[MetadataFilter | MetadataFilters]:
    if key in ("$and", "$or"):
        condition = FilterCondition.AND if key == "$and" else FilterCondition.OR
        return [MetadataFilters(filters=[untranslated(each) for each in value], condition=condition)]
    if key == "$not":
        return [MetadataFilters(filters=[untranslated(value)], condition=FilterCondition.NOT)]
    if not isinstance(value, Mapping):
        return [MetadataFilter(key=key, value=value)]
    parts: list[MetadataFilter | MetadataFilters] = []
    for name, operand in value.items():
        if name == "$empty" and operand is True:
            parts.append(MetadataFilter(key=key, value=None, operator=FilterOperator.IS_EMPTY))
        elif name in _OPERATORS:
            parts.append(MetadataFilter(key=key, value=operand, operator=_OPERATORS[name]))
        else:
            raise Unsupported(f"LlamaIndex's filters have nothing like {name}.", "Ask without it.")
    return parts


def _message(message: Any) -> ChatMessage:
    role = MessageRole.USER if message.role == "tool" else MessageRole(message.role)
    return ChatMessage(role=role, content=message.content)


def _usage(raw: Any) -> Usage:
    told = _read(raw, "usage")
    return Usage(_read(told, "prompt_tokens") or 0, _read(told, "completion_tokens") or 0, 1)


def _read(told: Any, name: str) -> Any:
    return told.get(name) if isinstance(told, Mapping) else getattr(told, name, None)
