"""What comes next in a run: the calls of one stage after the other, and decisions in between. No I/O."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias

from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.operations import Stage, Stages
from ragbraid.pipeline.state import State


@dataclass(slots=True)
class Attempt:
    """Stages to be run within so many seconds, and to be abandoned then: `state` is a detached one.

    `done` says afterwards whether they came to their end.
    """

    stages: Stages
    state: State
    run: Run
    seconds: float
    done: bool = False


Turn: TypeAlias = "tuple[Stage, State, Run] | Attempt"
"""Calls that may run side by side, the questions and the run that they are for; or an attempt."""


def schedule(stages: Stages, state: State, run: Run) -> Generator[Turn, None, None]:
    """Yield a stage's calls, and go on when they are done; branches and loops are decided in between."""
    for stage in stages:
        run.cancellation.check()
        if not state.alive:
            return
        if stage.calls:
            yield stage, state, run
        for each in stage.others:
            yield from each.decide(state, run)
            state.settle()
