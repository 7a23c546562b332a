"""What the parts that work with a pipeline have in common: which pipeline, opened when it is first used."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ragbraid import Pipeline
from ragbraid.pipeline.lender import Lender


class OfPipeline(BaseModel):
    """Fields that say which pipeline a part works with.

    `pipeline` is an open `ragbraid.Pipeline`, the path of a pipeline file, or None for the `ragbraid.yaml`
    that is found upwards from the current folder. `allow` names the modules whose code that file may run.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, ignored_types=(cached_property,))

    pipeline: Pipeline | str | Path | None = Field(default=None, exclude=True, repr=False)
    allow: tuple[str, ...] = ()

    @cached_property
    def _lender(self) -> Lender:
        return Lender(self.pipeline, allow=self.allow)

    def close(self) -> None:
        """Close the pipeline, where it was opened here; what is asked next opens it again."""
        self._lender.close()


class OfComponent(OfPipeline):
    """`component` names one of the pipeline's components, or is a mapping as in a file, for one that stands
    alone; None for the first of its kind that `ask` uses."""

    component: str | Mapping[str, Any] | None = None

    @cached_property
    def _lender(self) -> Lender:
        return Lender(self.pipeline, self.component, allow=self.allow)
