"""A recorded question: what was asked, of what, and what came of it step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ragbraid.answer.weighed import Weighed
from ragbraid.generate.protocol import Completion, Request
from ragbraid.types import Answer, Hit, Message, Span

if TYPE_CHECKING:
    from ragbraid.pipeline.pipeline import Pipeline
    from ragbraid.pipeline.recording.compare import Comparison

MASK = "<secret>"
"""What stands in a recording for a secret; also a pipeline file with it can be read."""

Stage: TypeAlias = Literal["retrieval", "ranking", "prompt", "model", "answer", "other"]
"""Where in a run something happens; `other` is what gives neither hits nor an answer."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generator was asked, prompt and sampling, and what it gave; `error` where it gave nothing."""

    request: Request
    completion: Completion | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step as it ran: the generators' work in it, and its output.

    `hits` are a search's or ranking's, best first; `value` is any other output as JSON. A step that failed
    has neither. An answer is kept by the recording, not here.
    """

    step: str
    stage: Stage
    generations: tuple[Generation, ...] = ()
    hits: tuple[Hit, ...] | None = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a question ended with, and the step it came from."""

    step: str
    error: str
    message: str
    hint: str = ""
    exit_code: int = 3


@dataclass(frozen=True, slots=True)
class PipelineRecord:
    """The pipeline that was asked: its file's text, overrides, and the settings of the flow's steps.

    `file` is the path that was given, None where the file was found by itself. Secrets are masked.
    """

    name: str
    file: str | None
    text: str
    overrides: Mapping[str, Any]
    settings: Mapping[str, Any]
    digest: str

    def kept_overrides(self) -> dict[str, Any]:
        """The overrides that can be given again: those without a masked secret."""
        return {key: value for key, value in self.overrides.items() if MASK not in str(value)}


@dataclass(frozen=True, slots=True)
class Recording:
    """A question with all that its answer came from. `save` writes it to a file, `load` reads it.

    `documents` has the content hash of each source among the hits, `chunks` the number of chunks in reach of
    the question where an index says, `candidates` what the answer step weighed where it tells.
    """

    question: str
    filter: Mapping[str, Any] | None
    collection: str | None
    history: tuple[Message, ...] | None
    pipeline: PipelineRecord
    versions: Mapping[str, str]
    chunks: int | None
    documents: Mapping[str, str]
    steps: tuple[StepRecord, ...]
    answer: Answer | None
    error: Failure | None
    candidates: tuple[Weighed, ...] = ()
    trace: tuple[Span, ...] = field(default=(), compare=False)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write it as JSON, in whole or not at all. Without `force` raises `InputError` where the file is."""
        from ragbraid.pipeline.recording.file import write

        write(self, Path(path), force)

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Read what `save` wrote. Raises `InputError` for a file that is none or of a newer format."""
        from ragbraid.pipeline.recording.file import read

        return read(Path(path))

    def replay(self, pipeline: Pipeline) -> Comparison:
        """Ask the pipeline the same again, and compare what its steps give now with what they gave then."""
        from ragbraid.pipeline.recording.compare import compare

        now = pipeline.record(
            self.question,
            filter=self.filter,
            collection=self.collection,
            history=self.history,
            look_up=tuple(self.documents),
        )
        return compare(self, now)
