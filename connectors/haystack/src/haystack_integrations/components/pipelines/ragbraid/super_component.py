"""A whole pipeline as a super component of its parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from haystack import Pipeline, default_from_dict, default_to_dict, super_component

from ragbraid.exchange.exporting.chain import chain_of
from ragbraid.exchange.exporting.haystack import haystack, questions_of
from ragbraid.pipeline.find import find


@super_component
class RagbraidSuperComponent:
    """Answers questions by the parts of a ragbraid pipeline, each a component that Haystack sees and traces.

    `pipeline` is a file; None is the `ragbraid.yaml` of this folder or one above it. Inside is what
    `ragbraid export --to haystack` writes: retrievers, rankers and a reader where the file's steps have such
    equivalents, else `RagbraidSearch` or `RagbraidPipeline`. It takes a `query`, and gives `answers` and
    `documents`, the same as a `RagbraidPipeline`. Raises `PipelineFileError` for a file with mistakes.
    """

    def __init__(self, pipeline: str | Path | None = None) -> None:
        self.file = None if pipeline is None else str(pipeline)
        chain = chain_of(find(self.file))
        self.pipeline = Pipeline.loads(haystack(chain))
        self.input_mapping = {"query": questions_of(chain)}
        last = chain.parts[-1].name
        self.output_mapping = {f"{last}.answers": "answers", f"{last}.documents": "documents"}

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return default_to_dict(self, pipeline=self.file)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> RagbraidSuperComponent:
        """The component that `to_dict` told."""
        made: RagbraidSuperComponent = default_from_dict(cls, data)
        return made
