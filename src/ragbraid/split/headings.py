"""The sections of a Markdown text by its headings, each with its path of headings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import attrgetter

from ragbraid.text.markdown import Heading, Outline

JOINER = " > "
_LONGEST = 200
"""Characters of a heading in a path."""


@dataclass(frozen=True, slots=True)
class Headed:
    """A heading with the text below it, up to the next heading; `level` 0 is what stands before the first.

    `above` are the headings that it is under, `path` its own, too; `bare` says that no text follows it.
    """

    start: int
    text_start: int
    level: int
    above: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    bare: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring sections that chunks may hold together: the first, the last, and their common path."""

    first: Headed
    last: Headed
    path: tuple[str, ...]


def headed(text: str, start: int, outline: Outline) -> list[Headed]:
    """The sections of `text[start:]`, in order."""
    found = [Headed(start, start, 0)]
    above: list[Heading] = []
    headings = outline.headings
    for i, heading in enumerate(headings):
        while above and above[-1].level >= heading.level:
            above.pop()
        path = _path(above)
        own = _path([heading])
        above.append(heading)
        end = headings[i + 1].start if i + 1 < len(headings) else len(text)
        bare = not text[heading.end : end].strip()
        found.append(Headed(heading.start, heading.end, heading.level, path, path + own, bare))
    if len(found) > 1 and not text[start : found[1].start].strip():
        del found[0]
    return found


def within(found: list[Headed], start: int, end: int) -> list[Headed]:
    """The sections that lie in a stretch, the one that it begins in included."""
    first = max(0, bisect_right(found, start, key=attrgetter("start")) - 1)
    return found[first : max(first + 1, bisect_left(found, end, key=attrgetter("start")))]


def apart(found: list[Headed]) -> Iterator[Group]:
    """Each section alone."""
    for each in found:
        yield Group(each, each, each.path)


def merged(found: list[Headed], tokens: Callable[[int, int], int], limit: int, end: int) -> Iterator[Group]:
    """Sections with their sub-sections where these fit, and small neighbours under one heading together.

    `tokens` counts between two offsets; the last section ends at `end`. Those of the first level stay apart.
    """
    starts = [*(each.start for each in found), end]
    small: tuple[int, int, tuple[str, ...]] | None = None
    i = 0
    while i < len(found):
        after = _after(found, i)
        fits = tokens(starts[i], starts[after]) <= limit
        beside = small and fits and 1 < found[i].level == found[small[0]].level
        if small and beside and tokens(starts[small[0]], starts[after]) <= limit:
            small, i = (small[0], after, found[i].above), after
            continue
        if small:
            yield Group(found[small[0]], found[small[1] - 1], small[2])
        small = (i, after, found[i].path) if fits else None
        if not fits:
            yield Group(found[i], found[i], found[i].path)
        i = after if fits else i + 1
    if small:
        yield Group(found[small[0]], found[small[1] - 1], small[2])


def without_bare(groups: Iterable[Group]) -> Iterator[Group]:
    """The groups, a heading without text with the section below it."""
    bare: Group | None = None
    for group in groups:
        if bare and group.first.level <= bare.last.level:
            yield bare
            bare = None
        first = bare.first if bare else group.first
        joined = Group(first, group.last, group.path)
        bare = joined if group.first is group.last and group.last.bare else None
        if bare is None:
            yield joined
    if bare:
        yield bare


def _after(found: list[Headed], i: int) -> int:
    """The number of the first section that isn't below section `i`."""
    level = found[i].level or 6
    return next((j for j in range(i + 1, len(found)) if found[j].level <= level), len(found))


def _path(headings: list[Heading]) -> tuple[str, ...]:
    return tuple(each.text[:_LONGEST].strip() for each in headings if each.text)
