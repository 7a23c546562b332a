"""Jupyter notebooks: cells in order, with what they printed; pictures and other bulk stay out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.decoding import decode
from ragbraid.load.described import describe
from ragbraid.load.extraction import joined
from ragbraid.load.images import bare_in_markdown, remark
from ragbraid.load.reading import Reader, Settings, suffixes, warnings
from ragbraid.text.markdown import first_heading
from ragbraid.types import Document, Reading

_LONGEST_OUTPUT = 4000
"""Characters of a cell's printed output that are kept."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.-]+)*;base64,[A-Za-z0-9+/=\s]*")
_TICKS = re.compile(r"`{3,}")


def read_notebook(source: str, data: bytes, _settings: Settings) -> list[Document]:
    """One document, Markdown; a cell is a page, so that citations tell the cell's number, from 1.

    Code is fenced, and followed by what it printed, at most 4,000 characters of it. Raises `LoadError`.
    """
    decoded = decode(data)
    try:
        found = json.loads(decoded.text)
    except (ValueError, RecursionError) as error:
        raise LoadError(f"It is damaged, or no notebook ({str(error)[:200]}).", "Save it anew.") from None
    cells = _cells(found)
    about = _mapping(found.get("metadata"))
    language = _language(about)
    pages = [_page(each, language) for each in cells]
    if not any(pages):
        raise LoadError("No text was found in it.", "Open it to see whether it holds any.")
    text, starts = joined(pages)
    metadata: dict[str, Any] = {}
    title = about.get("title")
    first = first_heading(text)
    describe(metadata, title if isinstance(title, str) else first, None)
    told = warnings(remark(sum(_pictures(each) for each in cells)))
    return [
        Document(
            source, text, metadata, starts, told, 0, "text/markdown", Reading("notebook", decoded.encoding)
        )
    ]


def _cells(found: Any) -> list[dict[str, Any]]:
    cells = found.get("cells") if isinstance(found, dict) else None
    if cells is None and isinstance(found, dict):  # nbformat 3 has sheets of cells
        sheets = [_mapping(each) for each in _list(found.get("worksheets"))]
        cells = [cell for sheet in sheets for cell in _list(sheet.get("cells"))] or None
    if not isinstance(cells, list):
        raise LoadError("It is no notebook: it has no cells.", "Save it anew.")
    return [each for each in cells if isinstance(each, dict)]


def _language(about: dict[str, Any]) -> str:
    """The language of the code, as fences name it."""
    said = (
        _mapping(about.get("language_info")).get("name"),
        _mapping(about.get("kernelspec")).get("language"),
    )
    known = (each for each in said if isinstance(each, str) and re.fullmatch(r"[\w+#-]{1,30}", each))
    return next(known, "python")


def _page(cell: dict[str, Any], language: str) -> str:
    """A cell as Markdown; empty where it says nothing."""
    source = _joined(cell.get("source", cell.get("input"))).strip("\n")
    if cell.get("cell_type") != "code":
        level = cell.get("level") if cell.get("cell_type") == "heading" else None
        source = f"{'#' * level} {source}" if isinstance(level, int) and 0 < level < 7 else source
        return _DATA_URI.sub("", source).strip()
    parts = [_fenced(source, language)] if source.strip() else []
    printed = "\n".join(filter(None, map(str.rstrip, _printed(cell.get("outputs"))))).strip("\n")
    if printed.strip():
        if len(printed) > _LONGEST_OUTPUT:
            printed = f"{printed[:_LONGEST_OUTPUT]}\n… ({len(printed) - _LONGEST_OUTPUT} more characters)"
        parts.append("Output:\n\n" + _fenced(printed, "text"))
    return "\n\n".join(parts)


def _pictures(cell: dict[str, Any]) -> int:
    """How many pictures a cell shows that nothing describes."""
    return sum(map(_shows, _list(cell.get("outputs")))) + (
        bare_in_markdown(_joined(cell.get("source"))) if cell.get("cell_type") == "markdown" else 0
    )


def _shows(output: Any) -> bool:
    """Whether an output is a picture."""
    output = _mapping(output)
    data = _mapping(output.get("data")) or output
    return any(str(name).startswith("image/") or name in ("png", "jpeg", "svg") for name in data)


def _printed(outputs: Any) -> Iterator[str]:
    """What a cell printed or raised, without what only a picture or a page can show."""
    for each in map(_mapping, _list(outputs)):
        data = _mapping(each.get("data")) or each
        if each.get("output_type") in ("error", "pyerr"):
            yield _ANSI.sub("", f"{_joined(each.get('ename'))}: {_joined(each.get('evalue'))}")
        elif not _shows(each):  # beside a picture stands its Python name
            yield _ANSI.sub("", _joined(data.get("text/plain", data.get("text"))))


def _fenced(text: str, language: str) -> str:
    ticks = max([2, *(len(each) for each in _TICKS.findall(text))]) + 1
    return f"{'`' * ticks}{language}\n{text}\n{'`' * ticks}"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(lines: Any) -> str:
    """Text that a notebook holds as one string, or as a list of lines."""
    if isinstance(lines, list):
        return "".join(each for each in lines if isinstance(each, str))
    return lines if isinstance(lines, str) else ""


READERS: Mapping[str, Reader] = suffixes(read_notebook, "ipynb")
