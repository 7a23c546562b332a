"""Where a connector's parts come from: a pipeline, or a component that stands alone."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.pipeline import Pipeline

ALONE = "part"
"""What a component that stands alone is called in the pipeline that is made for it."""


class Lender:
    """Opens, when it is first needed, the pipeline that a part of another framework works with.

    `pipeline` is an open pipeline, a file's path, or None for the `ragbraid.yaml` that is found upwards from
    the current folder; `component` the name of one of its components. A component that is a mapping, as in
    a file, stands alone: it needs no pipeline.
    """

    def __init__(
        self,
        pipeline: Pipeline | str | Path | None = None,
        component: str | Mapping[str, Any] | None = None,
        *,
        allow: Sequence[str] = (),
        engine: Engine | None = None,
    ) -> None:
        self._given = pipeline
        self._component = component
        self._allow = allow
        self._engine = engine
        self._opened: Pipeline | None = pipeline if isinstance(pipeline, Pipeline) else None
        self._lock = threading.Lock()

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline. Raises `PipelineFileError` with every problem, and `InputError` without a file."""
        if self._opened is None:
            with self._lock:
                if self._opened is None:
                    self._opened = self._open()
        return self._opened

    def part(self, kind: Any, **options: Any) -> Any:
        """The component, for one use; see `Pipeline.part`."""
        return self.pipeline.part(kind, self._name, **options)

    def warm_up(self, kind: Any) -> None:
        """Load the component's weights now."""
        self.pipeline.open_part(kind, self._name)

    @property
    def _name(self) -> str | None:
        return ALONE if isinstance(self._component, Mapping) else self._component

    def close(self) -> None:
        """Close the pipeline, if it was opened here; what is asked next opens it again."""
        with self._lock:
            if self._opened is not None and self._opened is not self._given:
                self._opened.close()
                self._opened = None

    def _open(self) -> Pipeline:
        if isinstance(self._component, Mapping):
            components = {ALONE: self._component}
            return Pipeline.build(components=components, flows={}, allow=self._allow, engine=self._engine)
        given = self._given
        return Pipeline.load(None if given is None else str(given), allow=self._allow, engine=self._engine)
