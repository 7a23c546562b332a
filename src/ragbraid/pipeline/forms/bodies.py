"""Where steps stand inside a step, in the tree of a file."""

from __future__ import annotations

from collections.abc import Iterator

from ragbraid.pipeline.tree import Map

BODIES = ("then", "else", "until", "otherwise", "tools")
"""The keys of a step that hold a step or a list of steps."""
TABLES = ("cases", "to")
"""The keys of a step that hold a mapping of such."""


def bodies(step: Map) -> Iterator[tuple[Map, str]]:
    """Each place of steps inside this one: the mapping and its key."""
    yield from ((step, key) for key in BODIES if key in step.items)
    for key in TABLES:
        table = step.items.get(key)
        if isinstance(table, Map):
            yield from ((table, each) for each in table.items)
