"""Puts the ingest flow of a file into the form that the ingest driver takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ragbraid.context import Context
from ragbraid.errors import InputError, RagbraidError
from ragbraid.index.protocol import Index, SourceState
from ragbraid.pipeline.digest import digest
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.plan import plan
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.targets import Target
from ragbraid.pipeline.workers import Workers
from ragbraid.types import Chunk, Document


class Ingesting:
    """The ingest flow with its loaders and index, ready to run."""

    def __init__(self, checked: CheckedPipeline, engine: Engine, workers: Workers) -> None:
        steps = checked.ingest
        if steps is None:
            raise InputError(
                f"The pipeline {checked.name!r} has no ingest flow.", "Add an `ingest` section to its file."
            )
        self._base = checked.base
        self._runner = Runner(plan(steps.flow, checked.flows, [steps.documents]), engine, workers)
        self._loaders = [Target(engine, each, f"load{number}") for number, each in enumerate(steps.loaders)]
        self._index = Target(engine, steps.index, steps.index_id, Index)
        self._digest = digest(
            [*steps.loaders, *(call.component for call in self._runner.tasks)], checked.base
        )

    def ingest(
        self,
        paths: Sequence[str],
        run: Run,
        prune: bool,
        metadata: Mapping[str, Any],
        on_progress: Callable[[Any], None] | None,
    ) -> Any:
        """Run the driver; see `ragbraid.ingest.driver.ingest`."""
        from ragbraid.ingest.driver import IngestFlow, ingest

        def process(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
            # A trace of every source of a large folder would only grow.
            part = Run(run.scope, run.cancellation)
            state = self._runner.state([{"documents": documents}])
            self._runner.drive(state, part)
            value = state.result(self._runner.plan.output, 0)
            if isinstance(value, RagbraidError):
                raise value
            (stored,) = self._runner.plan.kept
            return state.slots[stored][0], list(value)

        flow = IngestFlow(
            [each.bind(run) for each in self._loaders], process, self._index.handle(run), self._digest
        )
        context = Context(run.cancellation, "ingest")
        return ingest(
            flow,
            paths,
            base=self._base,
            prune=prune,
            metadata=metadata,
            on_progress=on_progress,
            context=context,
        )

    def stale(self, run: Run, states: Iterable[SourceState]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of what is stored, the origins that an ingest would read again, and those whose files are gone."""
        from ragbraid.ingest.diff import outdated

        return outdated([each.bind(run) for each in self._loaders], states, self._digest, self._base)

    def warm_up(self) -> None:
        """Open what the flow uses."""
        for each in (*self._targets(), self._index):
            each.warm_up()

    def release(self) -> None:
        """Give back what it opened."""
        for each in (*self._targets(), *self._loaders, self._index):
            each.release()

    def _targets(self) -> list[Target]:
        return [each.target for each in self._runner.tasks.values()]
