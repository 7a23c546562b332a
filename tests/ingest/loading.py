"""A pipeline of loaders over a folder, with a real index and an embedder that counts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ragbraid import Pipeline
from ragbraid.pipeline.engine import Engine
from ragbraid.types import Hit


class Bench:
    """A pipeline over a folder, and what it holds."""

    def __init__(self, folder: Path, *loaders: Any, fields: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.engine = Engine()
        self.pipeline = Pipeline.build(
            base=folder,
            engine=self.engine,
            components={
                "embedder": {"type": "testing/hash-embedder"},
                "index": {"type": "faiss", "path": "index", "embedder": "embedder"},
            },
            fields=fields or {},
            ingest=[*loaders, {"type": "testing/fixed-splitter", "words": 50}, "index"],
            search=[{"type": "lexical", "index": "index"}],
        )

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text, "utf-8")
        os.utime(self.folder / name, ns=(1, 1))

    def ingest(self, *paths: str, **options: Any) -> dict[str, int]:
        given = [each if ":" in each else str(self.folder / each) for each in paths or ("d",)]
        self.report = self.pipeline.ingest([] if paths == ("",) else given, **options)
        kinds = ("new", "changed", "renamed", "unchanged", "removed", "gone", "embedded")
        found = {each: getattr(self.report, each) for each in kinds}
        found |= {"skipped": len(self.report.skipped), "failed": len(self.report.failed)}
        return {kind: count for kind, count in found.items() if count}

    def sources(self) -> list[str]:
        return [each.source for each in self.pipeline.sources()]

    def search(self, question: str, **options: Any) -> list[Hit]:
        return self.pipeline.search(question, **options)
