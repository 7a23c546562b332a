"""Puts the ingest flow of a file into the form that the ingest driver takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ragbraid.context import Cancellation, Context
from ragbraid.errors import InputError, RagbraidError, SourceMissing
from ragbraid.index.protocol import Index, SourceState
from ragbraid.pipeline.digest import digest
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.handles import Run
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.plan import plan
from ragbraid.pipeline.run import Runner
from ragbraid.pipeline.targets import Target
from ragbraid.pipeline.workers import Workers
from ragbraid.types import Chunk, Document, Span

if TYPE_CHECKING:
    from ragbraid.ingest.flow import IngestFlow


_PATIENCE = 0.5
"""Seconds after which another ingest that is waited for is named."""


class Ingesting:
    """The ingest flow with its loaders and index, ready to run."""

    def __init__(self, checked: CheckedPipeline, engine: Engine, workers: Workers) -> None:
        steps = checked.ingest
        if steps is None:
            raise InputError(
                f"The pipeline {checked.name!r} has no ingest flow.", "Add an `ingest` section to its file."
            )
        self._base = checked.base
        self._keeps_documents = steps.documents is steps.flow.inputs["documents"].value
        self._runner = Runner(plan(steps.flow, checked.flows, [steps.documents]), engine, workers)
        self._loaders = [Target(engine, each, f"load{number}") for number, each in enumerate(steps.loaders)]
        self._index = Target(engine, steps.index, steps.index_id, Index)
        self._fields = checked.fields
        parts = [*steps.loaders, *(call.component for call in self._runner.tasks)]
        self._digest = digest([*parts, dict(checked.fields)] if checked.fields else parts, checked.base)

    @property
    def reads_without_paths(self) -> bool:
        """Whether a loader of the flow knows by itself what it reads."""
        return any(hasattr(each.opened.signature.runtime, "roots") for each in self._loaders)

    def ingest(
        self,
        paths: Sequence[str],
        run: Run,
        on_notice: Callable[[str], None] | None = None,
        on_step: Callable[[Span], None] | None = None,
        **options: Any,
    ) -> Any:
        """Run the driver; see `ragbraid.ingest.driver.ingest`. `on_notice` is told what it waits for."""
        from ragbraid.ingest.driver import ingest

        context = Context(run.cancellation, "ingest")
        flow = replace(self._flow(run, on_step), alone=lambda: self._alone(run, on_notice))
        try:
            return ingest(flow, paths, base=self._base, context=context, **options)
        finally:
            if on_step is not None:
                for each in run.spans:  # what was asked of the index
                    on_step(each)

    def _alone(self, run: Run, on_notice: Callable[[str], None] | None) -> AbstractContextManager[None]:
        told = False

        def busy(holder: str, waited: float) -> None:
            nonlocal told
            run.cancellation.check()
            if waited >= _PATIENCE and not told and on_notice is not None:
                told = True
                on_notice(f"Another process ({holder}) is ingesting into this index; waiting for it.")

        alone = getattr(self._index.opened.runtime, "alone", None)
        return nullcontext() if alone is None else cast("AbstractContextManager[None]", alone(busy))

    def watch(
        self, paths: Sequence[str], start: Callable[[], Run], ignore: Sequence[Path], **options: Any
    ) -> Any:
        """See `ragbraid.ingest.watch.Watch`; `start` gives the run of each sync."""
        from ragbraid.ingest.watch import Watch

        def begin() -> tuple[IngestFlow, Cancellation]:
            run = start()
            return self._flow(run), run.cancellation

        return Watch(begin, paths, base=self._base, ignore=ignore, **options)

    def _flow(self, run: Run, on_step: Callable[[Span], None] | None = None) -> IngestFlow:
        from ragbraid.ingest.flow import IngestFlow

        def process(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
            # A trace of every source of a large folder would only grow.
            part = Run(run.scope, run.cancellation)
            state = self._runner.state([{"documents": documents}])
            self._runner.drive(self._runner.plan.stages, state, part)
            if on_step is not None:
                behind = (part.began - run.began) * 1000
                for each in part.spans:
                    on_step(each._replace(start_ms=each.start_ms + behind))
            value = state.result(self._runner.plan.output, 0)
            if isinstance(value, RagbraidError):
                raise value
            (stored,) = self._runner.plan.kept
            return state.slots[stored][0], list(value)

        declare = getattr(self._index.opened.runtime, "declare", None)
        if declare is not None:
            declare(self._fields)
        loaders = [each.bind(run) for each in self._loaders]
        return IngestFlow(
            loaders,
            process,
            self._index.handle(run),
            self._digest,
            self._keeps_documents,
            self._fields,
            in_threads=all(each.opened.lock is None for each in self._loaders),
        )

    def read(self, run: Run, source: str) -> Document:
        """A source's document as it is now. Raises `SourceMissing`, and `LoadError` as the loader does."""
        from ragbraid.ingest.scan import has_scheme, scan

        origin = source.partition("#")[0]
        place = origin if has_scheme(origin) else str(self._base / origin)
        try:
            found = scan([each.bind(run) for each in self._loaders], [place], self._base).found
        except InputError:
            found = {}
        for each in found.values():
            documents, _ = self._flow(run).process(list(each.loader.load(each.ref)))
            for document in documents:
                if document.source == source:
                    return document
        raise SourceMissing(f"There is no {source} any more.", "Look where it went.")

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
