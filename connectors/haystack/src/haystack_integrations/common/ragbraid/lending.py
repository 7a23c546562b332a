"""What the components have in common that work with a pipeline's part, or with a component alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haystack import default_to_dict
from haystack.core.errors import SerializationError

from ragbraid import Pipeline
from ragbraid.pipeline.lender import Lender

Where = str | Path | Pipeline | None
"""A pipeline file, an open pipeline, or None."""
Spec = str | Mapping[str, Any] | None
"""A component's name in the pipeline, or a component as a file writes it: `{"type": …}`."""


class Lending:
    """A component that opens its pipeline when it is first used, and lets others share its weights.

    A file that Haystack loads can't let ragbraid run code: for a pipeline with code of its own, open it
    by `Pipeline.load(allow=…)` and pass it. Its constructor is called by name, since Haystack's decorator
    makes components' classes anew, which `super()` doesn't survive.
    """

    def __init__(self, pipeline: Where = None, component: Spec = None, *, default: Spec = None) -> None:
        self.pipeline = str(pipeline) if isinstance(pipeline, Path) else pipeline
        self.component = component
        alone = default if component is None and pipeline is None else component
        self._lender = Lender(pipeline, alone)

    def _to_dict(self, **settings: Any) -> dict[str, Any]:
        """The component as a pipeline's file says it. Raises `SerializationError` for an open pipeline."""
        if isinstance(self.pipeline, Pipeline):
            raise SerializationError(
                f"A {type(self).__name__} of an open pipeline can't go into a file: name its file instead."
            )
        return default_to_dict(self, pipeline=self.pipeline, **settings)

    def close(self) -> None:
        """Give back what was opened here; the next run opens it again."""
        self._lender.close()
