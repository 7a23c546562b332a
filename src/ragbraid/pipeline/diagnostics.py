"""Problems of a pipeline file: where they are, what they are, what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


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
    import difflib  # a file without mistakes needs none of it

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.65)
    return f"; did you mean {near[0]!r}?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: `a, b and c`."""
    *rest, last = list(names) or ["none"]
    return f"{', '.join(rest)} and {last}" if rest else last
