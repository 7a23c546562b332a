"""A step alone, as a pipeline with one flow around it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ragbraid.pipeline.pipeline import Pipeline

FLOW = "step"


class OneStep:
    """Opens, when it is first called, a pipeline whose one flow has the given step."""

    def __init__(self, step: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
        self._step, self._inputs = step, inputs
        self._pipeline: Pipeline | None = None
        self._lock = threading.Lock()

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline. Raises `PipelineFileError` with every problem of the step."""
        with self._lock:
            if self._pipeline is None:
                flow = {"inputs": self._inputs, "steps": [self._step]}
                self._pipeline = Pipeline.build(components={}, flows={FLOW: flow})
            return self._pipeline

    def __call__(self, **inputs: Any) -> Any:
        """What the step gives."""
        return self.pipeline.run(FLOW, **inputs)

    def close(self) -> None:
        """Give back what was opened; the next call opens it again."""
        with self._lock:
            if self._pipeline is not None:
                self._pipeline.close()
                self._pipeline = None
