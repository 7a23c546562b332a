"""ragbraid's side of `orchestration.py`: two pipeline files, and their steps called by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stubs
import work

from ragbraid import Pipeline
from ragbraid.generate.protocol import Request
from ragbraid.types import Answer

HERE = Path(__file__).parent
STUBS = "./stubs.py"


def over_list(extra: int, folder: Path) -> Callable[[str], str]:
    """The pipeline over the list store, with `extra` steps that hand the hits on."""
    same = "".join(f"  - {{id: same{number}, type: {STUBS}:same}}\n" for number in range(extra))
    text = (HERE / "orchestration.yaml").read_text().replace("ask:\n", f"{same}ask:\n")
    return _asking(_load(folder / f"list-{extra}", text))


def over_index(folder: Path) -> Callable[[str], str]:
    """The pipeline over the real index, which it fills first."""
    pipeline = _load(folder / "real", (HERE / "orchestration-index.yaml").read_text())
    pipeline.ingest(["texts"])
    return _asking(pipeline)


def _load(folder: Path, text: str) -> Pipeline:
    folder.mkdir()
    shutil.copy(HERE / "stubs.py", folder)
    (folder / "texts").touch()
    (folder / "ragbraid.yaml").write_text(text)
    return Pipeline.load(folder / "ragbraid.yaml", allow=(str(folder / "stubs.py"),))


def _asking(pipeline: Pipeline) -> Callable[[str], str]:
    return lambda question: pipeline.ask(question).text


def same_calls(index: Any) -> Callable[[str], str]:
    """What the pipeline's steps do, as a loop over the same objects, up to the same `Answer`."""
    embedder, generator = stubs.StubEmbedder(), stubs.StubGenerator()

    def ask(question: str) -> str:
        hits = index.search_vector(embedder.embed([question], "query"), work.K)[0]
        prompt = work.prompt(question, [hit.text for hit in hits])
        text = generator.generate([Request(prompt)])[0].text  # type: ignore[union-attr]
        return Answer(text=text, confidence=1.0, hits=tuple(hits)).text

    return ask


def opened_index(folder: Path) -> Any:
    """The index that `over_index` filled, as a component opens it."""
    from ragbraid.index.faiss import Faiss

    return Faiss(path=folder / "real" / "index", embedder=stubs.StubEmbedder()).open()
