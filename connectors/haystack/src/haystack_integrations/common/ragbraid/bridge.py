"""Haystack's components as steps of a ragbraid pipeline.

What a component is, its `run` says: it embeds a text or documents, retrieves for a query, ranks documents,
splits them, or chats. A document store is a loader of all that it holds.
"""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haystack import Document as Theirs
from haystack.dataclasses import ByteStream, ChatMessage, StreamingChunk
from haystack_integrations.common.ragbraid.values import as_document, hit_of_document

from ragbraid.bridge.protocol import Kind, Piece
from ragbraid.bridge.values import document_of
from ragbraid.errors import InputError, Unsupported
from ragbraid.generate.protocol import Completion, JsonSchema, Quotes, Request
from ragbraid.types import Answer, Document, Filter, Hit, Usage


@dataclass(frozen=True)
class Embedders:
    """A pair that belongs together: what embeds queries, and what embeds documents."""

    text_embedder: Any
    document_embedder: Any


@dataclass(frozen=True)
class Converted:
    """A converter and the files that it converts: together they are a loader."""

    converter: Any
    sources: Sequence[str | Path | ByteStream]


class HaystackBridge:
    """What the connector registers under `ragbraid.bridges`."""

    def kind(self, cls: type) -> Kind | None:
        """The kind of component that a class is; None for one that can't be a step."""
        return None if (found := _part_class(cls)) is None else found.kind

    def part(self, made: Any) -> Any:
        """The part that does an object's work."""
        found = _part_class(type(made))
        if found is None:
            raise InputError(f"A {type(made).__name__} can't be a step.")
        if hasattr(made, "warm_up"):
            made.warm_up()
        return found(made)

    def asking(self, pipeline: Any) -> Callable[[str], Answer]:
        """Asks a pipeline as a component; the answer is made of what it generated."""
        from haystack_integrations.common.ragbraid.values import answer_of
        from haystack_integrations.components.pipelines.ragbraid import RagbraidPipeline

        component = RagbraidPipeline(pipeline)
        return lambda question: answer_of(component.run(question)["answers"][0])


BRIDGE = HaystackBridge()


class _Embedder:
    kind: Kind = "embedder"

    def __init__(self, made: Any) -> None:
        pair = made if isinstance(made, Embedders) else Embedders(made, made)
        self._query, self._passages = pair.text_embedder, pair.document_embedder

    def embed_query(self, text: str) -> Sequence[float]:
        return self._embedded(self._query, [text])[0]

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return self._embedded(self._passages, texts)

    def _embedded(self, embedder: Any, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if "documents" in _inputs(type(embedder)):
            given = [Theirs(id=str(at), content=text) for at, text in enumerate(texts)]
            found: dict[str, Any] = {
                each.id: each.embedding for each in embedder.run(documents=given)["documents"]
            }
            return [found[each.id] for each in given]
        return [embedder.run(text=text)["embedding"] for text in texts]


class _Retriever:
    kind: Kind = "retriever"

    def __init__(self, made: Any) -> None:
        self._made = made
        self._takes = _inputs(type(made))
        self.filters = "filters" in self._takes

    def retrieve(self, question: str, k: int, filter: Filter | None) -> list[Hit]:  # noqa: A002
        given: dict[str, Any] = {"query": question}
        if "top_k" in self._takes:
            given["top_k"] = k
        if filter is not None:
            given["filters"] = untranslated(filter)
        return [hit_of_document(each) for each in self._made.run(**given)["documents"]]


class _Ranker:
    kind: Kind = "reranker"

    def __init__(self, made: Any) -> None:
        self._made = made
        self._takes = _inputs(type(made))

    def rerank(self, question: str, hits: Sequence[Hit], k: int) -> Iterable[tuple[str, float | None]]:
        given: dict[str, Any] = {"documents": [as_document(each) for each in hits]}
        if "query" in self._takes:
            given["query"] = question
        if "top_k" in self._takes:
            given["top_k"] = max(k, len(hits))
        return [(each.id, each.score) for each in self._made.run(**given)["documents"]]


class _Splitter:
    kind: Kind = "splitter"

    def __init__(self, made: Any) -> None:
        self._made = made

    def split(self, document: Document) -> Iterable[Piece]:
        given = Theirs(content=document.text, meta=dict(document.metadata))
        for each in self._made.run(documents=[given])["documents"]:
            start = each.meta.get("split_idx_start")
            if each.content:
                yield Piece(each.content, start if isinstance(start, int) else None)


class _Loader:
    kind: Kind = "loader"

    def __init__(self, made: Any) -> None:
        self._made = made

    def load(self) -> Iterator[Document]:
        if isinstance(self._made, Converted):
            found = self._made.converter.run(sources=list(self._made.sources))["documents"]
        else:
            found = self._made.filter_documents()
        for each in found:
            if each.content is not None:
                named = each.meta.get("file_path") or each.id
                yield document_of(each.content, each.meta, str(named))


class _Generator:
    kind: Kind = "generator"

    def __init__(self, made: Any) -> None:
        self._made = made
        self._streams = "streaming_callback" in _inputs(type(made))

    def stream(self, request: Request) -> Iterator[str | Completion]:
        given = {"messages": _messages(request), "generation_kwargs": _settings(request)}
        if "generation_kwargs" not in _inputs(type(self._made)):
            del given["generation_kwargs"]
        if not self._streams:
            reply = self._made.run(**given)["replies"][0]
            yield reply.text or ""
            yield _completion(reply)
            return
        yield from _Streamed(self._made, given)


class _Streamed:
    """The pieces of a reply while it is made, in a thread of its own; closed, it ends at the next piece."""

    def __init__(self, made: Any, given: Mapping[str, Any]) -> None:
        self._made, self._given = made, given
        self._said: queue.Queue[str | Completion | BaseException] = queue.Queue()
        self._over = threading.Event()

    def __iter__(self) -> Iterator[str | Completion]:
        threading.Thread(target=self._work, daemon=True).start()
        try:
            while True:
                said = self._said.get()
                if isinstance(said, BaseException):
                    raise said
                yield said
                if isinstance(said, Completion):
                    return
        finally:
            self._over.set()

    def _work(self) -> None:
        try:
            reply = self._made.run(**self._given, streaming_callback=self._hear)["replies"][0]
            self._said.put(_completion(reply))
        except BaseException as error:  # it is raised where the answer is awaited
            self._said.put(error)

    def _hear(self, chunk: StreamingChunk) -> None:
        if self._over.is_set():
            raise InterruptedError("Nobody listens any more.")
        if chunk.content:
            self._said.put(chunk.content)


def untranslated(filter: Filter) -> dict[str, Any]:  # noqa: A002
    """ragbraid's filter as Haystack writes it. Raises `Unsupported` for what it has no word for."""
    parts = [_clause(key, each) for key, each in filter.items()]
    return parts[0] if len(parts) == 1 else {"operator": "AND", "conditions": parts}


_OPERATORS = {"$eq": "==", "$ne": "!=", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<=", "$in": "in",
              "$nin": "not in", "$any": "in"}  # fmt: skip


def _clause(key: str, value: Any) -> dict[str, Any]:
    if key in ("$and", "$or"):
        return {"operator": key[1:].upper(), "conditions": [untranslated(each) for each in value]}
    if key == "$not":
        return {"operator": "NOT", "conditions": [untranslated(value)]}
    field = f"meta.{key}"
    if not isinstance(value, Mapping) or value.keys() == {"$date"}:
        return {"field": field, "operator": "==", "value": _operand(value)}
    tests = []
    for name, operand in value.items():
        if name not in _OPERATORS:
            raise Unsupported(f"Haystack's filters have nothing like {name}.", "Ask without it.")
        tests.append({"field": field, "operator": _OPERATORS[name], "value": _operand(operand)})
    return tests[0] if len(tests) == 1 else {"operator": "AND", "conditions": tests}


def _operand(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_operand(each) for each in value]
    return value["$date"] if isinstance(value, Mapping) and value.keys() == {"$date"} else value


def _messages(request: Request) -> list[ChatMessage]:
    if isinstance(request.prompt, str):
        return [ChatMessage.from_user(request.prompt)]
    makers = {"system": ChatMessage.from_system, "assistant": ChatMessage.from_assistant}
    return [makers.get(each.role, ChatMessage.from_user)(each.content) for each in request.prompt]


def _settings(request: Request) -> dict[str, Any]:
    settings: dict[str, Any] = {"max_tokens": request.max_tokens, "temperature": request.temperature}
    if request.top_p != 1.0:
        settings["top_p"] = request.top_p
    if request.stop:
        settings["stop"] = list(request.stop)
    if isinstance(request.constraint, JsonSchema):
        schema = {"name": "answer", "schema": dict(request.constraint.schema)}
        settings["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif request.constraint is not None and not isinstance(request.constraint, Quotes):
        raise Unsupported(
            f"Haystack's generators can't be held to a {type(request.constraint).__name__}.",
            "Use type: local.",
        )
    return settings


def _completion(reply: ChatMessage) -> Completion:
    told = reply.meta.get("usage") or {}
    usage = Usage(told.get("prompt_tokens") or 0, told.get("completion_tokens") or 0, 1)
    return Completion(
        reply.text or "", "length" if reply.meta.get("finish_reason") == "length" else "stop", usage
    )


def _inputs(cls: type) -> set[str]:
    run = getattr(cls, "run", None)
    return set(inspect.signature(run).parameters) - {"self"} if callable(run) else set()


def _part_class(cls: type) -> Any:
    if issubclass(cls, Embedders):
        return _Embedder
    if issubclass(cls, Converted) or hasattr(cls, "filter_documents"):
        return _Loader
    takes, name = _inputs(cls), cls.__name__
    if "messages" in takes:
        return _Generator
    if "documents" in takes:  # the same inputs, and what comes of them is told by the name alone
        if "query" in takes or "Ranker" in name:
            return _Ranker
        return _Embedder if "Embedder" in name else _Splitter if takes <= {"documents"} else None
    if "query" in takes:
        return _Retriever
    return _Embedder if takes and takes <= {"text"} else None
