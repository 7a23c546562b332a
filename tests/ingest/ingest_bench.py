"""An embedder that misbehaves when told to, and an ingest of documents in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ragbraid.context import Context
from ragbraid.embed.protocol import Purpose
from ragbraid.ingest import IngestFlow, IngestReport, ingest
from ragbraid.testing import FixedSplitter
from ragbraid.testing.hash_embedder import HashEmbedderRuntime
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Chunk, Document, Vectors


class Embedder(HashEmbedderRuntime):
    """Keeps the texts of each call, and misbehaves for some of them."""

    def __init__(self, bad: Callable[[str], None] = lambda text: None) -> None:
        super().__init__(16, 256)
        self.seen: list[list[str]] = []
        self.bad = bad

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        for each in texts:
            self.bad(each)
        self.seen.append(list(texts))
        return super().embed(texts, purpose, context=context)


def refuse(word: str, error: Exception) -> Callable[[str], None]:
    def bad(text: str) -> None:
        if word in text:
            raise error

    return bad


def split(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
    return documents, FixedSplitter(3)(documents)


def run(index: ListIndexRuntime, loader: Any, process: Any = split, **options: Any) -> IngestReport:
    return ingest(IngestFlow([loader], process, index, "d"), ["."], base=Path.cwd(), **options)


def sources(index: ListIndexRuntime) -> list[str]:
    return [each.source for each in index.sources()]


TEXTS = {"a": "one", "b": "two bad words", "c": "three", "d": "four"}
