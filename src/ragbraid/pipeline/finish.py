"""The last touch to a flow's output: an answer carries the trace of its run."""

from __future__ import annotations

import dataclasses
from typing import Any

from ragbraid.pipeline.handles import Run
from ragbraid.types import Answer


def finish(value: Any, run: Run) -> Any:
    """A flow's output as the caller gets it."""
    if not isinstance(value, Answer):
        return value
    return dataclasses.replace(value, trace=tuple(run.spans))
