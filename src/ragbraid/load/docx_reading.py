"""What a Word document says, as Markdown; runs in the parser's process alone.

Source of the elements: ISO/IEC 29500-1, sections 17.2 to 17.4 (text), 17.11 (notes), 17.13 (annotations)
and 17.16 (fields); ISO/IEC 29500-3, section 7 (alternate content).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from ragbraid.load.docx_math import latex
from ragbraid.load.docx_parts import Numberings, Package, Styles, number_of
from ragbraid.load.docx_runs import Line, Runs, chosen
from ragbraid.load.zipped_xml import attribute, local, opened, table

_LEFT_OUT = {"del", "moveFrom", "sdtPr", "sectPr", "pPr", "trPr", "tcPr", "tblPr", "tblGrid", "customXmlPr"}
_MOST_COLUMNS = 63
"""As many as Word itself has."""
_QUOTES = ("quote", "intense quote")


def read(data: bytes, _question: Mapping[str, Any]) -> dict[str, Any]:
    """Content, its properties, and the number of images without a description."""
    return opened(data, _read)


def _read(archive: zipfile.ZipFile) -> dict[str, Any]:
    package = Package(archive)
    text = _Text(package, Styles(package), Runs(package.target))
    parts = [*text.blocks(package.document()), *text.notes()]
    return {**package.about(), "pages": ["\n\n".join(parts)], "bare": text.runs.bare}


class _Item(NamedTuple):
    """A paragraph of a list: the list's id, its depth in it from 0, its mark, and its text."""

    numbering: str
    level: int
    mark: str
    text: str


@dataclass(slots=True)
class _Text:
    """Goes through the elements of a document in the order of reading."""

    package: Package
    styles: Styles
    runs: Runs
    _numberings: Numberings | None = field(default=None)

    def blocks(self, parent: Element) -> Iterator[str]:
        """The paragraphs, headings, lists and tables of an element; a list is one block."""
        lines: list[str] = []
        depths: list[tuple[int, int]] = []
        """The level and the width of the mark of each item that the next one may lie in."""
        numbering = ""
        for piece in self._pieces(parent):
            if isinstance(piece, _Item):
                while depths and depths[-1][0] >= piece.level:
                    depths.pop()
                if lines and not depths and piece.numbering != numbering:
                    yield "\n".join(lines)
                    lines = []
                indent = " " * sum(width for _, width in depths)
                inside = indent + " " * (len(piece.mark) + 1)
                lines.append(f"{indent}{piece.mark} " + piece.text.replace("\n", f"\n{inside}"))
                depths.append((piece.level, len(piece.mark) + 1))
                numbering = piece.numbering if len(depths) == 1 else numbering
                continue
            if lines:
                yield "\n".join(lines)
                lines, depths = [], []
            yield piece
        if lines:
            yield "\n".join(lines)

    def notes(self) -> Iterator[str]:
        """The footnotes, endnotes and comments that the text refers to, in this order."""
        parts: dict[str, dict[str, Element]] = {}
        told = 0
        while new := list(self.runs.notes)[told:]:  # a note may refer to others
            for kind, reference in new:
                told += 1
                yield f"[^{told}]: {self._note(parts, kind, reference)}".rstrip()
        for reference in dict.fromkeys(self.runs.comments):
            if said := self._note(parts, "comments", reference):
                yield f"Comment: {said}"

    def _note(self, parts: dict[str, dict[str, Element]], kind: str, reference: str) -> str:
        if kind not in parts:
            part = self.package.part(kind)
            parts[kind] = {attribute(each, "id"): each for each in (() if part is None else part)}
        found = parts[kind].get(reference)
        return "" if found is None else self._flat(found)

    def _flat(self, element: Element) -> str:
        """The text of an element as one line."""
        texts = (each.text if isinstance(each, _Item) else each for each in self._pieces(element, flat=True))
        return " ".join(" ".join(texts).split())

    def _pieces(self, parent: Element, flat: bool = False) -> Iterator[str | _Item]:
        for each in parent:
            match local(each):
                case "p":
                    yield from self._paragraph(each, flat)
                case "tbl" if flat:
                    yield from (cell for row in _rows(each) for cell in self._cells(row))
                case "tbl":
                    if found := table([self._cells(row) for row in _rows(each)]):
                        yield found
                case "oMath" | "oMathPara":
                    yield f"$${latex(each)}$$"
                case "AlternateContent":
                    yield from self._pieces(chosen(each), flat)
                case name if name not in _LEFT_OUT:
                    yield from self._pieces(each, flat)

    def _paragraph(self, element: Element, flat: bool) -> Iterator[str | _Item]:
        """A paragraph, then the text boxes that hang on it."""
        line = self.runs.line(element)
        yield from self._written(element, line, flat)
        for each in line.boxes:
            yield from self._pieces(each, flat)

    def _written(self, element: Element, line: Line, flat: bool) -> Iterator[str | _Item]:
        properties = next((each for each in element if local(each) == "pPr"), None)
        heading, numbering, level, quoted = 0, "", 0, False
        if properties is not None:
            heading, numbering, level, quoted = self._kind(properties)
        mark = self._mark(numbering, level) if numbering and not heading else ""
        text = line.text(plain=bool(heading))
        if not text:
            return
        if flat:
            yield text
        elif heading:
            yield f"{'#' * min(heading, 6)} {' '.join(text.split())}"
        elif mark:
            yield _Item(numbering, level, mark, text)
        elif quoted:
            yield "> " + text.replace("\n", "\n> ")
        else:
            yield text

    def _kind(self, properties: Element) -> tuple[int, str, int, bool]:
        """Of a paragraph: its level as a heading, the id of its list, the level in that, and if it quotes.

        What it says itself goes before what its style says, and that before what the style stands on.
        """
        heading: int | None = None
        numbering: str | None = None
        level, style, quoted = 0, "", False
        for each in properties:
            match local(each):
                case "pStyle":
                    style = attribute(each, "val")
                case "outlineLvl":
                    outline = number_of(attribute(each, "val"))
                    heading = outline + 1 if outline < 9 else 0
                case "numPr":
                    numbers = {local(inner): attribute(inner, "val") for inner in each}
                    numbering = numbers.get("numId", "0")
                    level = min(number_of(numbers.get("ilvl", "")), 8)
        for base in self.styles.line(style):
            heading = base.heading if heading is None else heading
            if numbering is None and base.numbering:
                numbering, level = base.numbering, base.level
            quoted = quoted or base.name.lower() in _QUOTES
        return heading or 0, "" if numbering in (None, "0") else numbering, level, quoted

    def _mark(self, numbering: str, level: int) -> str:
        if self._numberings is None:
            self._numberings = Numberings.of(self.package.part("numbering"))
        return self._numberings.mark(numbering, level)

    def _cells(self, row: Element) -> list[str]:
        """The cells of a row; of those that are merged, the first has the text, and the others are empty."""
        before = next((_property(each, "gridBefore") for each in row if local(each) == "trPr"), "")
        cells = [""] * min(number_of(before), _MOST_COLUMNS)
        for each in _inside(row, "tc"):
            text = self._flat(each)
            properties = next((inner for inner in each if local(inner) == "tcPr"), None)
            wide = 1 if properties is None else number_of(_property(properties, "gridSpan"))
            cells += [text, *[""] * (min(wide, _MOST_COLUMNS) - 1)]
        return cells


def _rows(element: Element) -> Iterator[Element]:
    """The rows of a table without those that a change deleted."""
    for each in _inside(element, "tr"):
        if not any(local(inner) == "trPr" and any(local(p) == "del" for p in inner) for inner in each):
            yield each


def _inside(parent: Element, name: str) -> Iterator[Element]:
    """The rows of a table, or the cells of a row, also those in content controls and insertions."""
    for each in parent:
        if local(each) == name:
            yield each
        elif local(each) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _inside(each, name)


def _property(properties: Element, name: str) -> str:
    return next((attribute(each, "val") for each in properties if local(each) == name), "")
