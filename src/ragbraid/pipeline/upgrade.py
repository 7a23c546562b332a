"""A pipeline file of an older version of the language → the current one, its comments kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.check import VERSION, version_fits
from ragbraid.pipeline.diagnostics import Place, Problems
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.parse import parse
from ragbraid.pipeline.tree import Map, Scalar

Step: TypeAlias = Callable[[str, Map], str]
"""A file's text and its tree → its text in the next version, but for the number."""

STEPS: Mapping[int, Step] = {}
"""For each older version the step to the next one. A new version adds one function here."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A file's text in the current version. `before` is None where the file didn't say its version."""

    text: str
    before: int | None
    after: int


def upgrade(source: PipelineSource, steps: Mapping[int, Step] = STEPS, to: int = VERSION) -> Upgraded:
    """Bring a file's text to version `to`. Only what changes is touched.

    Raises `PipelineFileError` where it can't be read, or is of a version that isn't known.
    """
    root = _tree(source.text, source.name, to)
    text, version = source.text, _version(root)
    before = version
    if version is None:
        text, version = _with_version(text, root), 1
        root = _tree(text, source.name, to)
        if _version(root) != version:
            raise InputError(
                f"`ragbraid: {version}` can't be added to {source.name}.", "Write it as the first line."
            )
    while version < to:
        text, version = steps[version](text, root), version + 1
        number = _tree(text, source.name, to).items["ragbraid"]
        text = _replaced(text, number.place, str(version - 1), str(version))
        root = _tree(text, source.name, to)
    return Upgraded(text, before, version)


def _tree(text: str, name: str, known: int) -> Map:
    problems = Problems()
    root = parse(text, name, problems)
    if root is not None and "ragbraid" in root.items:
        version_fits(root, problems, known)
    if root is None or problems:
        raise PipelineFileError(problems.sorted())
    return root


def _version(root: Map) -> int | None:
    node = root.items.get("ragbraid")
    return node.value if isinstance(node, Scalar) else None


def _with_version(text: str, root: Map) -> str:
    """`ragbraid: 1` before the first key: on a line of its own, or inside the braces."""
    first = next(iter(root.keys.values()), None)
    at = _offset(text, first or root.place)
    opened = text[_offset(text, root.place)] == "{"
    if first is None:
        return f"{text[: at + 1]}ragbraid: 1{text[at + 1 :]}"
    if opened:
        return f"{text[:at]}ragbraid: 1, {text[at:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{text[:at]}ragbraid: 1{newline}{' ' * (first.column - 1)}{text[at:]}"


def _replaced(text: str, place: Place, old: str, new: str) -> str:
    at = _offset(text, place)
    assert text.startswith(old, at), "a version stands where the parser found it"
    return text[:at] + new + text[at + len(old) :]


def _offset(text: str, place: Place) -> int:
    """The place of a parser as a number of characters."""
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: place.line - 1])) + place.column - 1
