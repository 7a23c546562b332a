"""The points of a sweep: each way of setting what is set to one of several values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from ragbraid.errors import InputError
from ragbraid.pipeline.overrides import parse_overrides

MOST = 10_000
"""Points that a grid may have; more is a slip of the keyboard."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Keys of a pipeline file, each with the values that are tried. `fixed` are those with one value."""

    fixed: Mapping[str, Any]
    swept: Mapping[str, Sequence[Any]]

    def points(self) -> list[dict[str, Any]]:
        """What is swept at each point; the first key changes slowest."""
        return [dict(zip(self.swept, values, strict=True)) for values in product(*self.swept.values())]


def parse_grid(texts: Sequence[str]) -> Grid:
    """`KEY=A,B,C` texts; values are read as YAML, so that one may be a list: `hits=[dense],[dense, lexical]`.

    Raises `InputError` for a text without `=`, a key that stands there twice, values that are equal, and a
    grid that is too large or of one point; `PipelineFileError` for what isn't YAML.
    """
    fixed: dict[str, Any] = {}
    swept: dict[str, Sequence[Any]] = {}
    size = 1
    for text in texts:
        key, _, values = text.partition("=")
        # As the items of a list, so that a comma inside brackets or quotes parts nothing.
        ((name, held),) = parse_overrides([f"{key}=[{values}]" if "," in values else text]).items()
        held = held if "," in values else [held]
        if name in fixed or name in swept:
            raise InputError(f"{name} is set twice.", f"Write all values at once: --set {name}=1,2,3.")
        if len({json.dumps(each, sort_keys=True, default=str) for each in held}) < len(held):
            raise InputError(f"Two values of {name} are the same.", "Name each once.")
        if len(held) > 1:
            swept[name] = held
        else:
            fixed[name] = held[0]
        size *= len(held)
    if not swept:
        raise InputError(
            "Nothing is set to several values.", "Write for example --set search.dense.candidates=10,30,100."
        )
    if size > MOST:
        raise InputError(
            f"The grid has {size:,} points, and at most {MOST:,} are asked.", "Sweep fewer values."
        )
    return Grid(fixed, swept)


def short_keys(keys: Sequence[str]) -> list[str]:
    """The last part of each key, or the whole key where two end alike."""
    last = [each.rpartition(".")[2] for each in keys]
    return [short if last.count(short) == 1 else key for key, short in zip(keys, last, strict=True)]


def told(value: Any) -> str:
    """A value in a word, as it could be given."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
