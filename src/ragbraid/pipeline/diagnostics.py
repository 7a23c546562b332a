"""Problems of a pipeline file: where they are, what they are, what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ragbraid.text.near import nearest

LIKENESS = 0.65
"""How alike a name and the one that was meant are at least, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file with line and column from 1, or an override (line 0).

    A place in a call, such as `search[1].candidates`, has no column; its line is its number among the others.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.column else self.file


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem; printed as `file:line:col: error: message`."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: error: {self.message}"

    def to_json(self) -> dict[str, str | int | None]:
        """What programs read of it; a problem of an override has no line, one of a call no column."""
        place = self.place
        return {
            "file": place.file, "line": place.line or None, "column": place.column or None,
            "message": self.message,
        }  # fmt: skip


class Problems:
    """Gathers diagnostics; gives them back in file order, each once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}

    def add(self, place: Place, message: str) -> None:
        """Note a problem."""
        self._found[Diagnostic(place, message)] = None

    def __len__(self) -> int:
        return len(self._found)

    def sorted(self) -> list[Diagnostic]:
        """All of them, by line and column; those of overrides last."""
        return sorted(self._found, key=lambda each: (not each.place.line, each.place.line, each.place.column))


def meant(name: str, known: Iterable[str]) -> str:
    """A question that offers the nearest known name, or the empty string.

    >>> meant("generatr", ["embedder", "generator"])
    "; did you mean 'generator'?"
    """
    near = nearest(name, known, LIKENESS)
    return f"; did you mean {near!r}?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: `a, b and c`."""
    *rest, last = list(names) or ["none"]
    return f"{', '.join(rest)} and {last}" if rest else last
