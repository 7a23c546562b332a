"""Whether two checked pipelines are the same, and whether one survives being written as YAML."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from ragbraid.pipeline.check import check
from ragbraid.pipeline.diagnostics import Place
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.model import CheckedPipeline, Value
from ragbraid.pipeline.signature import Signature
from ragbraid.pipeline.writing import to_yaml


def described(checked: CheckedPipeline) -> Any:
    """All that a checked pipeline says, but for the places in its file; equal for equal pipelines."""
    return _described(checked, {})


def _described(value: Any, seen: dict[int, int]) -> Any:
    if isinstance(value, Value):  # compared by who reads which, since each is itself alone
        return (seen.setdefault(id(value), len(seen)), value.name, value.type, value.read)
    if isinstance(value, Signature):
        return value.target
    if isinstance(value, Place):
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [each for each in dataclasses.fields(value) if each.compare]
        return type(value), [(each.name, _described(getattr(value, each.name), seen)) for each in fields]
    if isinstance(value, Mapping):
        return [(key, _described(each, seen)) for key, each in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [_described(each, seen) for each in value]
    return type(value), value


def demand_round_trip(checked: CheckedPipeline, allow: Sequence[str] = ()) -> str:
    """Assert that the file of a pipeline says what the pipeline does; returns the file's text."""
    text = to_yaml(checked)
    again = check(PipelineSource(text, "again.yaml", checked.base), allow=allow)
    assert again.pipeline is not None, ([str(each) for each in again.diagnostics], text)
    assert described(again.pipeline) == described(checked), text
    assert to_yaml(again.pipeline) == text
    return text
