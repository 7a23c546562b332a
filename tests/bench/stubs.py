"""The stub components of `orchestration.yaml`, written as any user would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import work

from ragbraid.context import Context
from ragbraid.embed.protocol import Embedder, Purpose
from ragbraid.generate.protocol import Completion, Generator, Request, Score
from ragbraid.index.protocol import Index
from ragbraid.types import Answer, Chunk, Document, Hit, Message, Scope, Skipped, SourceRef, Vectors


@dataclass(frozen=True, slots=True)
class StubEmbedder:
    """Draws a vector from a hash of the text."""

    @property
    def identity(self) -> str:
        return "stub"

    @property
    def dimensions(self) -> int:
        return work.DIMENSIONS

    @property
    def max_tokens(self) -> int:
        return 256

    def tokenizer_json(self) -> str:
        raise NotImplementedError

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        return np.stack([work.embed(text) for text in texts])


class ListIndex(Index):
    """A thousand texts in a list. What the benchmark never calls is left to the protocol."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def embedder(self) -> Embedder:
        return self._embedder

    def search_vector(self, vectors: Vectors, k: int, *, scope: Scope | None = None) -> list[list[Hit]]:
        return [[_hit(row, score) for row, score in work.search(vector, k)] for vector in vectors]

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class ListStore:
    """Searches a list of texts exactly."""

    embedder: Embedder

    def open(self) -> ListIndex:
        return ListIndex(self.embedder)


def _hit(row: int, score: float) -> Hit:
    text = work.TEXTS[row]
    return Hit(str(row), f"{row}.txt", 0, len(text), text, score, {"dense": score})


@dataclass(frozen=True, slots=True)
class StubGenerator:
    """Says a hash of its prompt."""

    @property
    def context_window(self) -> int:
        return 8192

    scores_together = False

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        return len(prompt)

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        return [Completion(work.generate(str(request.prompt))) for request in requests]

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        text = work.generate(str(request.prompt))
        yield text
        yield Completion(text)

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers with whatever the generator says to the passages."""

    generator: Generator

    def __call__(self, question: str, hits: list[Hit]) -> Answer:
        prompt = work.prompt(question, [hit.text for hit in hits])
        completion = self.generator.generate([Request(prompt)])[0]
        if isinstance(completion, Exception):
            raise completion
        return Answer(text=completion.text, confidence=1.0, hits=tuple(hits))


def same(hits: list[Hit]) -> list[Hit]:
    """Hands the hits on as they are."""
    return hits


@dataclass(frozen=True, slots=True)
class Texts:
    """Loads the thousand texts as one document."""

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
        yield SourceRef("texts", "texts")

    def fingerprint(self, ref: SourceRef) -> str:
        return sha256(work.join(work.TEXTS).encode()).hexdigest()

    def load(self, ref: SourceRef) -> Iterator[Document]:
        yield Document("texts", work.join(work.TEXTS))


def one_each(documents: list[Document]) -> list[Chunk]:
    """Cuts the document where one text ends and the next begins."""
    chunks, start = [], 0
    for text in work.TEXTS:
        chunks.append(Chunk(documents[0].source, start, start + len(text), text))
        start += len(text) + len(work.join(["", ""]))
    return chunks
