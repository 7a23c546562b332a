"""The last touch to a flow's output: an answer carries the trace of its run."""

from __future__ import annotations

import dataclasses
from typing import Any

from ragbraid.pipeline.handles import Run
from ragbraid.types import Answer


_FIELDS = tuple(each.name for each in dataclasses.fields(Answer))


def finish(value: Any, run: Run) -> Any:
    """A flow's output as the caller gets it."""
    if not isinstance(value, Answer):
        return value
    # A copy, since a component may keep what it returned; by hand, since `replace` costs ten times as much.
    answer = object.__new__(Answer)
    for name in _FIELDS:
        object.__setattr__(answer, name, getattr(value, name))
    object.__setattr__(answer, "trace", tuple(run.spans))
    return answer
