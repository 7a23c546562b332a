"""The parts of a Word document beside its text: what relates to it, its styles, its numberings.

Source of the elements: ISO/IEC 29500-1, sections 11.3 (parts), 17.7 (styles) and 17.9 (numbering);
ISO/IEC 29500-2, sections 6.5 (relationships) and 8 (core properties).
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO, Any, cast
from xml.etree.ElementTree import Element, XMLPullParser, fromstring

from ragbraid.load.zipped_xml import attribute, entry, local, stream

_ROOT = "word/document.xml"
_HEADING = re.compile(
    r"(?:heading|ü?berschrift|titre|t[íi]tulo|titolo|kop|rubrik|overskrift|nagłówek|nadpis|otsikko|"
    r"заголовок|标题|標題|見出し|제목) ?([1-9])",
    re.IGNORECASE,
)
"""Names of heading styles; Word itself writes the English one, whatever its language."""
_LIST = re.compile(r"list (?:bullet|number) ([2-5])", re.IGNORECASE)
_CORE = {
    "title": "title",
    "language": "language",
    "subject": "subject",
    "created": "created",
    "modified": "modified",
}
_LATENT = b"latentStyles"
"""How a program shows styles that the document doesn't have: most of what stands before those it has."""
_READ = 1 << 16
_FED = 1 << 12
_DEEPEST = 20
"""Styles that stand on each other."""


@dataclass(frozen=True, slots=True)
class Style:
    """What a style of paragraphs says that matters to their text; None and 0 where it doesn't say it."""

    name: str
    base: str
    outline: int | None
    numbering: str
    level: int

    @property
    def heading(self) -> int | None:
        """The level of a heading from 1, or 0 for a paragraph that is none; None where the base says it."""
        if self.outline is not None:
            return self.outline + 1 if 0 <= self.outline < 9 else 0
        if found := _HEADING.fullmatch(self.name):
            return int(found[1])
        return 1 if self.name.lower() == "title" else None


class Package:
    """A document as an archive of parts."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        self.root = _ROOT
        if _ROOT not in self._names:
            near = self._relations("")
            self.root = next((path for kind, path in near.values() if kind == "officeDocument"), _ROOT)

    def document(self) -> Element:
        """The part that holds the text."""
        return fromstring(entry(self._archive, self.root))

    def part(self, kind: str) -> Element | None:
        """The part of a kind, such as `footnotes`; None where there is none."""
        path = self._path(kind)
        return fromstring(entry(self._archive, path)) if path in self._names else None

    def styles(self) -> Iterator[tuple[str, Element]]:
        """The elements of styles by their id, one after the other: a file is read as far as somebody asks."""
        path = self._path("styles")
        if path not in self._names:
            return
        parser: XMLPullParser[Element] = XMLPullParser()
        with stream(self._archive, path) as file:
            for chunk in _chunks(file):
                parser.feed(chunk)
                for _, each in cast("Iterator[tuple[str, Element]]", parser.read_events()):
                    if local(each) == "style":
                        yield attribute(each, "styleId"), each
        parser.close()

    def target(self, number: str) -> str:
        """Where the link of this relationship leads out of the document; empty where it doesn't."""
        kind, path = self._near.get(number, ("", ""))
        return path if kind == "external" else ""

    def about(self) -> dict[str, Any]:
        """What the document says of itself."""
        found: dict[str, Any] = dict.fromkeys(_CORE.values())
        found |= {"authors": [], "keywords": []}
        path = "docProps/core.xml"
        if path not in self._names:
            path = next((at for kind, at in self._relations("").values() if kind == "core-properties"), "")
        for each in fromstring(entry(self._archive, path)) if path in self._names else ():
            name, text = local(each), (each.text or "").strip()
            if name in _CORE:
                found[_CORE[name]] = text
            elif name == "creator" and text:
                found["authors"] = [text]
            elif name == "keywords":
                found["keywords"] = [word for word in map(str.strip, text.split(",")) if word]
        return found

    @cached_property
    def _near(self) -> dict[str, tuple[str, str]]:
        return self._relations(self.root)

    def _path(self, kind: str) -> str:
        return next((path for other, path in self._near.values() if other == kind), "")

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """The kind and the path of what a part names, by the relationship's number."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        found = {}
        for each in fromstring(entry(self._archive, path)) if path in self._names else ():
            target = each.get("Target", "")
            if each.get("TargetMode") == "External":
                kind = "external"
            else:
                kind = each.get("Type", "").rpartition("/")[2]
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[each.get("Id", "")] = (kind, target)
        return found


class Styles:
    """The styles of paragraphs, read from their file up to the last one that is asked for."""

    def __init__(self, package: Package) -> None:
        self._rest = package.styles()
        self._passed: dict[str, Element] = {}
        self._known: dict[str, Style] = {}

    def line(self, number: str) -> Iterator[Style]:
        """The style of this id, and those that it stands on; one that isn't there is known by its id."""
        for _ in range(_DEEPEST):
            if not number:
                return
            style = self._known.get(number)
            if style is None:
                style = self._known[number] = self._found(number)
            yield style
            number = style.base

    def _found(self, number: str) -> Style:
        while number not in self._passed:
            found = next(self._rest, None)
            if found is None:
                return Style(number, "", None, "", 0)
            self._passed.setdefault(*found)
        return _style(self._passed[number])


@dataclass(slots=True)
class Numberings:
    """The lists of a document: how their items are marked, and how far each has counted."""

    levels: Mapping[str, Mapping[int, tuple[str, int]]] = field(default_factory=dict)
    """The kind and the start of each level, by the numbering's id."""
    shared: Mapping[str, str] = field(default_factory=dict)
    """Numberings of the same definition count on where the other stopped, unless they restart."""
    restarts: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    counts: dict[str, dict[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, part: Element | None) -> Numberings:
        """Those that a part defines."""
        definitions = {attribute(each, "abstractNumId"): each for each in _named(part, "abstractNum")}
        linked = {_value(each, "styleLink"): each for each in definitions.values()}
        levels, shared, restarts = {}, {}, {}
        for each in _named(part, "num"):
            number, definition = attribute(each, "numId"), _value(each, "abstractNumId")
            found = definitions.get(definition)
            if found is not None and (link := _value(found, "numStyleLink")):
                found = linked.get(link, found)
            own = [each for other in _named(each, "lvlOverride") for each in _named(other, "lvl")]
            levels[number] = dict(_level(level) for level in (*_named(found, "lvl"), *own))
            shared[number] = definition
            restarts[number] = {
                number_of(attribute(other, "ilvl")): number_of(start)
                for other in _named(each, "lvlOverride")
                if (start := _value(other, "startOverride"))
            }
        return cls(levels, shared, restarts)

    def mark(self, number: str, level: int) -> str:
        """The mark of the next item: `-`, its number with a point, or nothing."""
        known = self.levels.get(number, {})
        level = level if level in known else 0
        kind, start = known.get(level, ("bullet", 1))
        if kind in ("bullet", "none"):
            return "-" if kind == "bullet" else ""
        counts = self.counts.get(number)
        if counts is None:
            shared = self.counts.setdefault(f"of {self.shared[number]}", {})
            counts = self.counts[number] = {} if self.restarts[number] else shared
        start = self.restarts[number].get(level, start)
        counts[level] = counts.get(level, start - 1) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        return f"{counts[level]}."


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The file of styles in small parts, since most are wanted only as far as its first ones."""
    while data := file.read(_READ):
        begin = data.rfind(b"<", 0, max(data.find(_LATENT), 0))
        end = data.find(_LATENT + b">", begin)
        if 0 <= begin < end:
            data = data[:begin] + data[end + len(_LATENT) + 1 :]
        for start in range(0, len(data), _FED):
            yield data[start : start + _FED]


def _style(element: Element) -> Style:
    outline, numbering, level = None, "", 0
    for each in _named(element, "pPr"):
        if said := _value(each, "outlineLvl"):
            outline = number_of(said)
        for numbered in _named(each, "numPr"):
            numbering, level = _value(numbered, "numId"), number_of(_value(numbered, "ilvl"))
    name = _value(element, "name")
    if found := _LIST.fullmatch(name):
        level = int(found[1]) - 1
    return Style(name, _value(element, "basedOn"), outline, numbering, level)


def _level(element: Element) -> tuple[int, tuple[str, int]]:
    start = _value(element, "start")
    kind = _value(element, "numFmt") or "decimal"
    return number_of(attribute(element, "ilvl")), (kind, number_of(start) if start else 1)


def _named(element: Element | None, name: str) -> Iterator[Element]:
    return (each for each in (() if element is None else element) if local(each) == name)


def _value(element: Element, name: str) -> str:
    return next((attribute(each, "val") for each in _named(element, name)), "")


def number_of(text: str) -> int:
    """A number as it stands in an attribute; 0 for what is none, or too large to be meant."""
    return int(text) if text.isdecimal() and len(text) < 9 else 0
