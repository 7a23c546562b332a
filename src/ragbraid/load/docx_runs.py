"""The text in a paragraph of a Word document: its runs, links, fields, notes, equations and images."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from ragbraid.load.docx_math import latex
from ragbraid.load.docx_symbols import symbol
from ragbraid.load.images import says
from ragbraid.load.zipped_xml import attribute, local

_LEFT_OUT = {"del", "moveFrom", "pPr", "rPr", "sdtPr", "rt", "smartTagPr", "customXmlPr", "delText"}
_MARKS = {"b": "**", "i": "*", "strike": "~~", "dstrike": "~~"}
_RAISED = {"superscript": "^", "subscript": "~"}
_OFF = ("0", "false", "off")
_NO_BREAK = re.compile(r"[\n\r\t]")
"""What is a space where it stands in a text."""
_BROKEN = re.compile(" *\n *")
_LINK = re.compile(r'^\s*HYPERLINK\s+"([^"\\]+)"')
_LONGEST_CODE = 4000
"""Characters of a field's code: an address needs no more."""
_HIDDEN = None
"""Stands for a field whose result hasn't begun."""


@dataclass(slots=True)
class Line:
    """Pieces of text with the Markdown marks around each, and the text boxes that hang on them."""

    pieces: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    boxes: list[Element] = field(default_factory=list)

    def text(self, plain: bool = False) -> str:
        """The text; `plain` for one whose place says that it stands out."""
        text = "".join(text for _, text in self.pieces) if plain else self.marked()
        text = _BROKEN.sub("\n", re.sub("  +", " ", text)) if "\n" in text or "  " in text else text
        return text.strip(" \n\t")

    def marked(self) -> str:
        """The text with its marks, as it stands between other pieces."""
        groups = itertools.groupby(self.pieces, key=lambda piece: piece[0])
        return "".join(
            _around("".join(text for _, text in group), "".join(marks), "".join(reversed(marks)))
            for marks, group in groups
        )


@dataclass(slots=True)
class Runs:
    """Reads paragraphs, and gathers what stands at another place."""

    target: Callable[[str], str]
    """Where a link leads, by its relationship."""
    notes: dict[tuple[str, str], int] = field(default_factory=dict)
    """The numbers of notes by their part and id, in the order of reading."""
    comments: list[str] = field(default_factory=list)
    bare: int = 0
    """Images without a description."""
    _fields: list[str | None] = field(default_factory=list)
    """What stands behind the result of each field that is open."""
    _code: str = ""

    def line(self, paragraph: Element) -> Line:
        """A paragraph's text. A field may go on in the next one, but its code doesn't."""
        line = Line()
        self._inline(paragraph, line)
        if self._fields:
            self._show(line, "".join(filter(None, self._fields)))
            self._fields = [""] * len(self._fields)
        return line

    def _inline(self, element: Element, line: Line) -> None:
        for each in element:
            match local(each):
                case "r":
                    self._run(each, line)
                case "hyperlink":
                    self._linked(each, line, self.target(attribute(each, "id")))
                case "fldSimple":
                    self._linked(each, line, _address(attribute(each, "instr")))
                case "oMath":
                    self._show(line, f"${latex(each)}$")
                case "oMathPara":
                    self._show(line, f"$${latex(each)}$$")
                case "AlternateContent":
                    self._inline(chosen(each), line)
                case name if name not in _LEFT_OUT:
                    self._inline(each, line)

    def _run(self, element: Element, line: Line) -> None:
        marks: tuple[str, ...] | None = ()
        for each in element:
            name = local(each)
            if name == "rPr":
                marks = _marks(each)
            elif marks is None:
                if name in ("fldChar", "instrText"):  # a field may begin hidden and show its result
                    self._sign(name, each, line)
            elif name == "t":
                self._show(line, _NO_BREAK.sub(" ", each.text or ""), marks)
            else:
                self._sign(name, each, line)

    def _sign(self, name: str, element: Element, line: Line) -> None:
        """What stands in a run beside its text."""
        match name:
            case "tab" | "ptab":
                self._show(line, "\t")
            case "br" | "cr":
                self._show(line, "\n")
            case "noBreakHyphen":
                self._show(line, "\N{NON-BREAKING HYPHEN}")
            case "sym":
                self._show(line, symbol(attribute(element, "font"), attribute(element, "char")))
            case "fldChar":
                self._field(attribute(element, "fldCharType"), line)
            case "instrText":
                self._code = (self._code + (element.text or ""))[:_LONGEST_CODE]
            case "footnoteReference" | "endnoteReference":
                note = (f"{name.removesuffix('Reference')}s", attribute(element, "id"))
                self._show(line, f"[^{self.notes.setdefault(note, len(self.notes) + 1)}]")
            case "commentReference":
                self.comments.append(attribute(element, "id"))
            case "drawing" | "pict" | "object":
                self._drawing(element, line)
            case "AlternateContent":
                for each in chosen(element):
                    self._sign(local(each), each, line)
            case "ruby" | "rubyBase":
                self._inline(element, line)

    def _show(self, line: Line, text: str, marks: tuple[str, ...] = ()) -> None:
        if text and _HIDDEN not in self._fields:
            line.pieces.append((marks, text))

    def _field(self, kind: str, line: Line) -> None:
        """A field begins, its result does, or it ends (section 17.16.18)."""
        if kind == "begin":
            self._fields.append(_HIDDEN)
            self._code = ""
        elif kind == "separate" and self._fields:
            address = _address(self._code)
            self._fields[-1] = f"]({address})" if address else ""
            self._show(line, "[" if address else "")
        elif kind == "end" and self._fields:
            self._show(line, self._fields.pop() or "")

    def _linked(self, element: Element, line: Line, address: str) -> None:
        inner = Line(boxes=line.boxes)
        self._inline(element, inner)
        text = inner.marked()
        if address and text.strip() not in ("", address, address.removeprefix("mailto:")):
            line.pieces.append(((), _around(text, "[", f"]({address})")))
        else:
            line.pieces += inner.pieces

    def _drawing(self, element: Element, line: Line) -> None:
        """What describes an image, and the text boxes of a drawing."""
        boxes = list(_boxes(element))
        line.boxes += boxes
        whole, parts, images = "", [], 0
        for each in _outside_of_boxes(element):
            match local(each):
                case "docPr":
                    whole = _description(each)
                case "cNvPr" | "shape":
                    parts.append(_description(each))
                case "pic":
                    images += 1
                case "imagedata" if local(element) == "pict":
                    images += 1
                case "decorative" if attribute(each, "val") not in _OFF:
                    images -= 1
        described = [whole] if whole else [*dict.fromkeys(filter(None, parts))]
        for words in described:
            self._show(line, f"[Image: {words}]")
        self.bare += 0 if whole else max(images - len(described), 0)


def chosen(alternatives: Element) -> Element:
    """One of the ways in which something is written for newer and older programs."""
    found = {local(each): each for each in reversed(alternatives)}
    return found.get("Choice", found.get("Fallback", alternatives))


def _marks(properties: Element) -> tuple[str, ...] | None:
    """The marks around a run; None for one that is hidden."""
    marks = []
    for each in properties:
        name = local(each)
        if name in _MARKS and attribute(each, "val") not in _OFF:
            marks.append(_MARKS[name])
        elif name == "vertAlign":
            marks += [_RAISED[value] for value in (attribute(each, "val"),) if value in _RAISED]
        elif name == "vanish" and attribute(each, "val") not in _OFF:
            return None
    if "**" in marks and "*" in marks:  # three stars and more are hard to read, for programs, too
        marks.remove("*")
    return tuple(marks)


def _around(text: str, before: str, after: str) -> str:
    """A text with something right around its words, not around the spaces beside them."""
    inner = text.strip()
    if not before or not inner:
        return text
    start = text.index(inner)
    return f"{text[:start]}{before}{inner}{after}{text[start + len(inner) :]}"


def _description(properties: Element) -> str:
    words = (attribute(properties, name) for name in ("title", "descr", "alt"))
    return ": ".join(dict.fromkeys(filter(None, map(says, words))))


def _address(code: str) -> str:
    """Where the code of a field leads; empty for one that is no link out of the document."""
    found = _LINK.match(code)
    return found[1] if found else ""


def _boxes(element: Element) -> Iterator[Element]:
    """The text boxes of a drawing, not those in them."""
    for each in element:
        if local(each) == "txbxContent":
            yield each
        else:
            yield from _boxes(chosen(each) if local(each) == "AlternateContent" else each)


def _outside_of_boxes(element: Element) -> Iterator[Element]:
    for each in element:
        if local(each) == "AlternateContent":
            yield from _outside_of_boxes(chosen(each))
        elif local(each) != "txbxContent":
            yield each
            yield from _outside_of_boxes(each)
