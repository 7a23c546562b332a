"""What the parts have in common that work with a pipeline's component, or with one alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ragbraid import Pipeline
from ragbraid.pipeline.lender import Lender

Where = str | Path | Pipeline | None
"""A pipeline file, an open pipeline, or None."""
Spec = str | Mapping[str, Any] | None
"""A component's name in the pipeline, or a component as a file writes it: `{"type": …}`."""


def lender(pipeline: Where, component: Spec, default: Mapping[str, Any]) -> Lender:
    """Where a part's component comes from; without a pipeline or a component it is the default one."""
    alone = default if component is None and pipeline is None else component
    return Lender(pipeline, alone)


def model_name(component: Spec, default: Mapping[str, Any]) -> str:
    """What a component is called."""
    if isinstance(component, str):
        return component
    told = component or default
    return str(told.get("model", told.get("type")))
