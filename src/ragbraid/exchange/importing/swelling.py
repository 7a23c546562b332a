"""Plain values of a file that names one of them very often, or inside itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class SwellingError(Exception):
    """A value that holds too much, or is nested too deep."""


def copied(value: Any, most: int, depth: int) -> Any:
    """A value's mappings and lists anew, each as often as it is named.

    Raises `SwellingError` where there are more than `most` values, or more than `depth` levels of them.
    """
    left = most

    def copy(each: Any, levels: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or levels < 0:
            raise SwellingError
        if isinstance(each, Mapping):
            return {key: copy(inner, levels - 1) for key, inner in each.items()}
        if isinstance(each, list | tuple):
            return [copy(inner, levels - 1) for inner in each]
        return each

    return copy(value, depth)
