"""What a query asks for, as PostgreSQL's text search takes it."""

from __future__ import annotations

from collections.abc import Iterable

from ragbraid.index.terms import AllOf, AnyOf, InARow, Term, Tree

_NOTHING = "'!'"
"""A term that no text has: no analyser lets a mark through."""


def tsquery(tree: Tree) -> str:
    """What holds for a chunk, as a tsquery."""
    match tree:
        case Term(name):
            return quoted(name)
        case InARow(names):
            return f"({' <-> '.join(map(quoted, names))})"
        case AnyOf(nodes):
            return _joined(" | ", map(tsquery, nodes)) if nodes else _NOTHING
        case AllOf(nodes, without):
            return _joined(" & ", [*map(tsquery, nodes), *(f"!{tsquery(each)}" for each in without)])


def quoted(term: str) -> str:
    """A term as it stands in a tsquery."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def _joined(word: str, parts: Iterable[str]) -> str:
    return f"({word.join(parts)})"
