"""What an OpenDocument text or presentation says, as Markdown; runs in the parser's process alone.

xberg reads these, too, but glues words at tabs and spaces, doubles text boxes and drops images.
Source of the elements: OpenDocument 1.3, part 3, sections 5, 6, 9 and 10.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from ragbraid.load.images import says
from ragbraid.load.zipped_xml import attribute, entry, local, opened, table

_MOST_REPEATED = 64
"""Columns and rows that a sheet repeats to its end aren't worth repeating."""
_SPACE = re.compile(r"[ \t\r\n]+")
_LEFT_OUT = {"tracked-changes", "table-of-content", "annotation-end", "forms", "page-thumbnail"}
_META = {
    "title": "title",
    "language": "language",
    "subject": "subject",
    "creation-date": "created",
    "date": "modified",
}


def read(data: bytes, _question: Mapping[str, Any]) -> dict[str, Any]:
    """Content, pages (one for each slide), properties, and the number of images without a description."""
    return opened(data, _read)


def _read(archive: zipfile.ZipFile) -> dict[str, Any]:
    content = fromstring(entry(archive, "content.xml"))
    about = _about(archive)
    text = _Text()
    slides = [each for each in content.iter() if local(each) == "page" and "drawing" in each.tag]
    if slides:
        pages = ["\n\n".join([*text.slide(each), *text.taken()]) for each in slides]
    else:
        body = next((each for each in content.iter() if local(each) == "body"), content)
        pages = ["\n\n".join([*text.blocks(body), *text.taken()])]
    return {**about, "pages": pages, "bare": text.bare}


@dataclass(slots=True)
class _Text:
    """Gathers what can't stand where it is: notes, and how many images nothing describes."""

    notes: list[str] = field(default_factory=list)
    count: int = 0
    """Of footnotes."""
    bare: int = 0

    def taken(self) -> list[str]:
        """The notes and comments since the last time."""
        taken, self.notes = self.notes, []
        return taken

    def slide(self, page: Element) -> Iterator[str]:
        """The text of a slide, its title as a heading; then the notes."""
        for each in page:
            if local(each) == "notes":
                if said := " ".join(self.blocks(each)):
                    yield f"Notes: {' '.join(said.split())}"
            elif attribute(each, "class") == "title":
                if title := " ".join(" ".join(self.blocks(each)).split()):
                    yield f"## {title}"
            else:
                yield from self.blocks(each)

    def blocks(self, parent: Element) -> Iterator[str]:
        """The paragraphs, headings, lists and tables of an element, and of what lies in it."""
        match local(parent):
            case name if name in _LEFT_OUT:
                return
            case "p" | "h":
                yield from self._paragraph(parent)
            case "annotation":
                self._comment(parent)
            case "list":
                yield "\n".join(self._items(parent, 0))
            case "table" if "table" in parent.tag:
                yield self._table(parent)
            case "frame":
                yield from self._frame(parent)
            case _:
                for each in parent:
                    yield from self.blocks(each)

    def _paragraph(self, element: Element) -> Iterator[str]:
        """A paragraph, then the text boxes that hang on it."""
        boxes: list[str] = []
        text = "".join(self._inline(element, boxes)).strip(" ")
        if text.strip() and local(element) == "h":
            level = attribute(element, "outline-level")
            yield f"{'#' * min(int(level), 6) if level.isdecimal() and int(level) else '#'} {text}"
        elif text.strip():
            yield text
        yield from boxes

    def _inline(self, element: Element, boxes: list[str]) -> Iterator[str]:
        yield _SPACE.sub(" ", element.text or "")
        for each in element:
            match local(each):
                case "s":
                    count = attribute(each, "c")
                    yield " " * (min(int(count), 100) if count.isdecimal() else 1)
                case "tab":
                    yield "\t"
                case "line-break":
                    yield "\n"
                case "note":
                    yield self._note(each)
                case "annotation":
                    self._comment(each)
                case "frame":
                    for number, block in enumerate(self._frame(each)):
                        if number == 0 and block.startswith("[Image: "):
                            yield block
                        else:
                            boxes.append(block)
                case name if name in _LEFT_OUT or name == "ruby-text":
                    pass
                case _:
                    yield from self._inline(each, boxes)
            yield _SPACE.sub(" ", each.tail or "")

    def _comment(self, element: Element) -> None:
        said = " ".join(
            block for each in element if local(each) in ("p", "list") for block in self.blocks(each)
        )
        if said:
            self.notes.append(f"Comment: {said}")

    def _note(self, element: Element) -> str:
        body = " ".join(
            block for each in element if local(each) == "note-body" for block in self.blocks(each)
        )
        self.count += 1
        number = self.count
        self.notes.append(f"[^{number}]: {body}")
        return f"[^{number}]"

    def _frame(self, element: Element) -> Iterator[str]:
        """What describes an image, or the text of a box."""
        parts = {local(each): each for each in element}
        if "image" in parts and not parts.keys() & {"object", "text-box", "table"}:
            words = (
                " ".join("".join(parts[each].itertext()).split())
                for each in ("title", "desc")
                if each in parts
            )
            described = ": ".join(filter(None, map(says, words)))
            self.bare += not described
            if described:
                yield f"[Image: {described}]"
            return
        for name, each in parts.items():
            if name not in ("image", "title", "desc"):
                yield from self.blocks(each)

    def _items(self, element: Element, depth: int) -> Iterator[str]:
        for item in element:
            mark = "- "
            for each in item:
                if local(each) == "list":
                    yield from self._items(each, depth + 1)
                    continue
                for block in self.blocks(each):
                    yield "  " * depth + mark + block.replace("\n", "\n" + "  " * (depth + 1))
                    mark = "  "

    def _table(self, element: Element) -> str:
        return table([self._cells(each) for each in _rows(element)])

    def _cells(self, row: Element) -> list[str]:
        cells: list[str] = []
        for each in row:
            if local(each) in ("table-cell", "covered-table-cell"):
                text = " ".join(self._flat(inner) for inner in each)
                repeated = attribute(each, "number-columns-repeated")
                times = min(int(repeated), _MOST_REPEATED) if repeated.isdecimal() else 1
                cells += [" ".join(text.split())] * times
        return cells

    def _flat(self, element: Element) -> str:
        """What stands in a cell as one line, a table in it cell by cell."""
        if local(element) == "table":
            return " ".join(cell for row in _rows(element) for cell in self._cells(row))
        return " ".join(self.blocks(element))


def _rows(parent: Element) -> Iterator[Element]:
    """The rows of a table, also those in groups and headers, but not those of tables in its cells."""
    for each in parent:
        if local(each) == "table-row":
            yield each
        elif local(each) in ("table-rows", "table-header-rows", "table-row-group"):
            yield from _rows(each)


def _about(archive: zipfile.ZipFile) -> dict[str, Any]:
    found: dict[str, Any] = dict.fromkeys(_META.values())
    found |= {"authors": [], "keywords": []}
    if "meta.xml" not in archive.namelist():
        return found
    people: dict[str, str] = {}
    for each in fromstring(entry(archive, "meta.xml")).iter():
        name, text = local(each), (each.text or "").strip()
        if name in _META:
            found[_META[name]] = text
        elif name in ("creator", "initial-creator") and text:
            people[name] = text
        elif name == "keyword" and text:
            found["keywords"].append(text)
    author = people.get("initial-creator") or people.get("creator")
    return {**found, "authors": [author] if author else []}
