"""Where in a source something stands, in the form that editors and terminals know."""

from __future__ import annotations


def place(source: str, page: int | None, line: int | None, last_line: int | None = None) -> str:
    """The source with its page or lines, where there are any: `a.pdf, page 3`, `a.md:12`, `a.md:12–14`."""
    if line is None:
        return source if page is None else f"{source}, page {page}"
    return f"{source}:{line}" if last_line in (None, line) else f"{source}:{line}–{last_line}"
