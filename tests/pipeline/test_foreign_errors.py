"""Whatever code of others raises is a sentence about its step, and never the end of the process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from ragbraid import InputError, Pipeline
from ragbraid.errors import PipelineFileError, StepError
from ragbraid.pipeline.engine import Engine
from ragbraid.types import Answer, Delta, Hit


def leave(question: str, k: int) -> list[Hit]:
    """Ends the process."""
    sys.exit(7)


def fall(question: str, k: int) -> list[Hit]:
    """Calls itself too often, and says nothing of it."""
    raise RecursionError


@dataclass(frozen=True, slots=True)
class Blocking:
    """Ends the process from a thread."""

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, k: int) -> list[Hit]:
        sys.exit(7)


@dataclass(frozen=True, slots=True)
class Streaming:
    """Ends the process while it streams."""

    def __call__(self, question: str) -> Answer:
        sys.exit(7)

    def stream(self, question: str) -> Iterator[Delta | Answer]:
        yield Delta("a")
        sys.exit(7)


@dataclass(frozen=True, slots=True)
class Unmade:
    """Ends the process when it is made."""

    how: int = 0

    def __post_init__(self) -> None:
        if self.how:
            sys.exit(self.how)

    def __call__(self, question: str, k: int) -> list[Hit]:
        return []


@pytest.mark.parametrize(
    ("step", "said"),
    [(leave, "SystemExit: 7"), (fall, "RecursionError$"), (Blocking(), "SystemExit: 7")],
)
def test_a_step_fails_by_name(step: object, said: str) -> None:
    with Pipeline.build(engine=Engine(), search=[step]) as pipeline:  # type: ignore[list-item]
        with pytest.raises(StepError, match=f"failed with {said}"):
            pipeline.search("q")
        with pytest.raises(StepError, match=f"failed with {said}"):
            pipeline.search("q", timeout=5)
        with pytest.raises(StepError, match=f"failed with {said}"):
            asyncio.run(pipeline.asearch("q"))


def test_a_stream_ends_in_an_error() -> None:
    with Pipeline.build(engine=Engine(), ask=[Streaming()]) as pipeline:
        *_, last = pipeline.stream("q")
    assert isinstance(last.value, StepError)
    assert "SystemExit: 7" in last.value.message


def test_what_cant_be_made_or_imported_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(PipelineFileError, match="SystemExit: 3"):
        Pipeline.build(engine=Engine(), search=[{"type": Unmade, "how": 3}])
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(4)\n", "utf-8")
    (tmp_path / "ragbraid.yaml").write_text("ragbraid: 1\nsearch: [{type: ./ends.py:f}]\n", "utf-8")
    with pytest.raises(PipelineFileError, match=r"ends.py can't be imported: SystemExit: 4"):
        Pipeline.load(tmp_path / "ragbraid.yaml", allow=[str(tmp_path / "ends.py")])


def test_a_wrong_input_is_answered_in_whole_sentences() -> None:
    with Pipeline.build(engine=Engine(), search=[Unmade()]) as pipeline:
        with pytest.raises(InputError) as near:
            pipeline.run("search", question="q", kk=1)
        with pytest.raises(InputError) as far:
            pipeline.run("search", question="q", wxyz=1)
    assert near.value.message == "The flow 'search' has no input 'kk'; did you mean 'k'?"
    assert far.value.message == "The flow 'search' has no input 'wxyz'."
