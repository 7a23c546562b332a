"""The last touch to a flow's output: an answer carries the trace of its run."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter
from typing import Any

from ragbraid.frozen import draft_of
from ragbraid.pipeline.handles import Run
from ragbraid.types import Answer

# Read in C: `dataclasses.replace` would cost a question several microseconds. The trace is the last field.
_untraced = attrgetter(*(each.name for each in fields(Answer) if each.name != "trace"))
_Draft = draft_of(Answer)


def finish(value: Any, run: Run) -> Any:
    """A flow's output as the caller gets it."""
    if not isinstance(value, Answer):
        return value
    answer = _Draft(*_untraced(value), tuple(run.spans))
    answer.__class__ = Answer
    return answer
