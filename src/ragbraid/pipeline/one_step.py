"""A step alone, as a pipeline with one flow around it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.pipeline.pipeline import Pipeline

FLOW = "step"
RERANKING: Mapping[str, Any] = {"question": "str", "hits": "hits", "k": {"type": "int", "default": 10}}
"""What a step is given that orders hits anew."""
ANSWERING: Mapping[str, Any] = {**RERANKING, "history": {"type": "history", "default": []}}
"""What a step is given that answers."""


class OneStep:
    """Opens, when it is first called, a pipeline whose one flow has the given step.

    `inputs` are those of the flow, `allow` names the modules whose code the step may run.
    """

    def __init__(self, step: Mapping[str, Any], inputs: Mapping[str, Any], allow: Sequence[str] = ()) -> None:
        self._step, self._inputs, self._allow = step, inputs, allow
        self._pipeline: Pipeline | None = None
        self._lock = threading.Lock()

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline. Raises `PipelineFileError` with every problem of the step."""
        with self._lock:
            if self._pipeline is None:
                flow = {"inputs": self._inputs, "steps": [self._step]}
                self._pipeline = Pipeline.build(components={}, flows={FLOW: flow}, allow=self._allow)
            return self._pipeline

    def __call__(self, **inputs: Any) -> Any:
        """What the step gives."""
        return self.pipeline.run(FLOW, **inputs)

    async def acall(self, **inputs: Any) -> Any:
        """What the step gives, under asyncio."""
        return await self.pipeline.arun(FLOW, **inputs)

    def close(self) -> None:
        """Give back what was opened; the next call opens it again."""
        with self._lock:
            if self._pipeline is not None:
                self._pipeline.close()
                self._pipeline = None
