"""What stands inside a component's value."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ragbraid.pipeline.function import FunctionComponent


def parts_of(value: Any) -> Iterator[Any]:
    """The value, and all that its fields, settings and collections hold, however deep."""
    yield value
    if isinstance(value, FunctionComponent):
        yield from parts_of([each for _, each in value.settings])
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for each in dataclasses.fields(value):
            yield from parts_of(getattr(value, each.name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from parts_of(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from parts_of(each)


def models_in(value: Any) -> tuple[str, ...]:
    """The names of the models that components inside a value name, each once."""
    named: dict[str, None] = {}
    for each in parts_of(value):
        if dataclasses.is_dataclass(each) and not isinstance(each, type):
            for field in dataclasses.fields(each):
                name = getattr(each, field.name)
                if "ModelName" in str(field.type) and name:
                    named[str(name)] = None
    return tuple(named)
