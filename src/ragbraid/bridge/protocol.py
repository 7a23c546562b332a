"""The contract of a connector: what kind of component a class is, and parts that do the work of one.

A part is thin: it calls its framework and converts with `ragbraid.bridge.values`. It may raise what its
framework raises; the component names the part and keeps the cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ragbraid.generate.protocol import Completion, Request
from ragbraid.types import Answer, Document, Filter, Hit

Kind = Literal["loader", "splitter", "embedder", "retriever", "reranker", "generator"]


class Bridge(Protocol):
    """What a connector registers under `ragbraid.bridges`, by its framework's name."""

    def kind(self, cls: type) -> Kind | None:
        """The kind of component that objects of a class are as steps; None where they are none."""
        ...

    def part(self, made: Any) -> Any:
        """The part that does the work of an object whose class has a kind: one of those below."""
        ...

    def asking(self, pipeline: Any) -> Callable[[str], Answer]:
        """What asks an open pipeline as its framework does, and makes the answer of what came back."""
        ...


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage that a splitter cut. `start` is its offset in characters of the text, where that is known."""

    text: str
    start: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


class LoaderPart(Protocol):
    """Loads documents."""

    def load(self) -> Iterable[Document]:
        """Every document; `source` is what its framework calls it, or empty."""
        ...


class SplitterPart(Protocol):
    """Cuts documents."""

    def split(self, document: Document) -> Iterable[Piece]:
        """The pieces of a document, in the order of its text."""
        ...


class EmbedderPart(Protocol):
    """Embeds texts; the vectors needn't be of unit length."""

    def embed_passages(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...

    def embed_query(self, text: str) -> Sequence[float]: ...


class RetrieverPart(Protocol):
    """Finds passages."""

    filters: bool
    """Whether it can keep to a filter; if not, it is never asked under one."""

    def retrieve(self, question: str, k: int, filter: Filter | None) -> list[Hit]:  # noqa: A002
        """Hits, best first, made by `ragbraid.bridge.values.hit_of`."""
        ...


class RerankerPart(Protocol):
    """Orders hits anew."""

    def rerank(self, question: str, hits: Sequence[Hit], k: int) -> Iterable[tuple[str, float | None]]:
        """The ids of the hits that stay, best first, each with its score where there is one."""
        ...


class GeneratorPart(Protocol):
    """Generates text."""

    def stream(self, request: Request) -> Iterator[str | Completion]:
        """Pieces as they come; a `Completion` last where the framework tells usage or why it ended.

        Raises `Unsupported` for a constraint other than `Quotes` that it can't keep to.
        """
        ...
