"""What a step gets and what becomes of what it raises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import run_parts

from ragbraid.context import Context
from ragbraid.embed.protocol import Embedder, Purpose
from ragbraid.errors import DeadlineExceeded, StepError
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.types import Answer, Hit, Vectors

load = partial(run_parts.load, allow="test_run_steps")
EMBEDDED: list[tuple[str, ...]] = []


class OpenedNoting:
    """An embedder that notes what it is asked for."""

    def __init__(self) -> None:
        self._inner = HashEmbedder().open()

    identity = property(lambda self: self._inner.identity)
    dimensions = property(lambda self: self._inner.dimensions)
    max_tokens = property(lambda self: self._inner.max_tokens)

    def tokenizer_json(self) -> str:
        return self._inner.tokenizer_json()

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        EMBEDDED.append((purpose, *texts))
        return self._inner.embed(texts, purpose)

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Noting:
    """Opens an embedder that notes what it is asked for."""

    def open(self) -> OpenedNoting:
        return OpenedNoting()


@dataclass(frozen=True, slots=True)
class Embeds:
    """Embeds texts, spoils what it got, and says what it was."""

    embedder: Embedder
    texts: tuple[str, ...] = ()
    purpose: Purpose = "query"

    def __call__(self, question: str) -> list[Hit]:
        vectors = self.embedder.embed([question, *self.texts], self.purpose)
        found = [Hit(f"{row.tobytes().hex()}", "s", 0, 1, "x") for row in vectors]
        vectors[:] = np.nan
        return found


def embedding(*steps: dict[str, Any]) -> dict[str, Any]:
    search = [{"type": "test_run_steps:Embeds", "embedder": "embedder", **each} for each in steps]
    search.append({"type": "run_parts:Fuse", "hits": [each["id"] for each in steps]})
    return {
        "components": {"embedder": {"type": "test_run_steps:Noting"}},
        "search": search,
        "ask": ["search", {"type": "run_parts:Say"}],
    }


@pytest.fixture(autouse=True)
def fresh() -> None:
    EMBEDDED.clear()


def test_no_text_is_embedded_twice_in_a_run(tmp_path: Path) -> None:
    first, again = {"id": "first"}, {"id": "again", "texts": ["a", "a"]}
    with load(tmp_path, embedding(first, again, {"id": "more", "texts": ["b", "a"]})) as pipeline:
        found = [each.id for each in pipeline.search("q", k=9)]
        assert EMBEDDED == [("query", "q"), ("query", "a"), ("query", "b")]
        right = HashEmbedder().open().embed(["q", "a", "b"], "query")
        assert found == [row.tobytes().hex() for row in right]  # though each step spoilt what it got
        pipeline.search("q")
        assert len(EMBEDDED) == 6  # another run begins anew


def test_questions_and_passages_are_embedded_apart(tmp_path: Path) -> None:
    with load(tmp_path, embedding({"id": "one"}, {"id": "two", "purpose": "passage"})) as pipeline:
        pipeline.search("q")
    assert EMBEDDED == [("query", "q"), ("passage", "q")]


def _stumbles() -> None:
    raise ZeroDivisionError("it stumbled")


def stumble(question: str) -> list[Hit]:
    """Fails in a function of its own."""
    _stumbles()
    return []


@pytest.mark.parametrize("way", ["alone", "batch", "stream"])
def test_what_a_step_raises_is_the_cause_of_its_error(tmp_path: Path, way: str) -> None:
    content = {
        "search": [{"type": "test_run_steps:stumble"}],
        "ask": ["search", {"type": "run_parts:Say"}],
    }
    with load(tmp_path, content) as pipeline:
        error: Any = None
        if way == "alone":
            with pytest.raises(StepError) as caught:
                pipeline.ask("q")
            error = caught.value
        elif way == "batch":
            error, _ = pipeline.ask_batch(["q", "r"])
        else:
            error = list(pipeline.stream("q"))[-1].value
    assert isinstance(error, StepError)
    assert isinstance(error.__cause__, ZeroDivisionError)
    frames, at = [], error.__cause__.__traceback__
    while at is not None:
        frames.append(at.tb_frame.f_code.co_name)
        at = at.tb_next
    assert frames[-2:] == ["stumble", "_stumbles"]


class OpenedSlowly:
    """Answers under asyncio."""

    def __call__(self, question: str, hits: list[Hit]) -> Answer:
        return Answer(question)

    async def acall(self, question: str, hits: list[Hit]) -> Answer:
        return Answer(question)

    def close(self) -> None:
        """Nothing is open."""


OPEN = threading.Event()


@dataclass(frozen=True, slots=True)
class OpensSlowly:
    """Opens when the test says so."""

    blocking: ClassVar[bool] = True

    def open(self) -> OpenedSlowly:
        OPEN.wait(60)
        return OpenedSlowly()


async def test_what_opens_slowly_does_not_hold_up_the_loop(tmp_path: Path) -> None:
    content = {
        "search": [{"type": "run_parts:Find"}],
        "ask": ["search", {"type": "test_run_steps:OpensSlowly"}],
    }
    OPEN.clear()
    with load(tmp_path, content) as pipeline:
        with pytest.raises(DeadlineExceeded):
            await pipeline.aask("q", timeout=0.2)
        waiting = asyncio.create_task(pipeline.aask("q"))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        OPEN.set()
        assert (await waiting).text == "q"
