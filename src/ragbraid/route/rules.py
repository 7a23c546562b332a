"""Routes that are told without a score: by patterns in the question, and by who asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ragbraid.route.patterns import finder
from ragbraid.route.routes import Route
from ragbraid.types import Filter, Scope


def open_to(route: Route, scope: Scope) -> bool:
    """Whether the route is for questions of this scope at all."""
    if route.collections and scope.collection not in route.collections:
        return False
    if not route.where:
        return True
    bound = bound_values(scope.filter or {})
    return all(
        (values := bound.get(name)) and values <= _allowed(wanted) for name, wanted in route.where.items()
    )


def matches(route: Route, question: str) -> bool:
    """Whether one of the route's patterns is found in the question, without the blanks at its ends."""
    bare = question.strip()
    return any(finder(each)(bare) for each in route.patterns)


def bound_values(written: Filter) -> Mapping[str, frozenset[Any]]:
    """The fields that a filter binds to a value, or to one of several, with these; others aren't told."""
    bound: dict[str, frozenset[Any]] = {}
    for name, wanted in written.items():
        if name == "$and" and isinstance(wanted, list | tuple):
            for each in wanted:
                _join(bound, bound_values(each).items())
        elif not name.startswith("$"):
            values = _values(wanted)
            if values is not None:
                _join(bound, [(name, values)])
    return bound


def _join(bound: dict[str, frozenset[Any]], others: Iterable[tuple[str, frozenset[Any]]]) -> None:
    for name, values in others:
        bound[name] = bound[name] & values if name in bound else values


def _values(wanted: Any) -> frozenset[Any] | None:
    if isinstance(wanted, Mapping):
        if set(wanted) == {"$eq"}:
            wanted = [wanted["$eq"]]
        elif set(wanted) == {"$in"}:
            wanted = wanted["$in"]
        else:
            return None
    elif not isinstance(wanted, str | int | float | bool):
        return None
    else:
        wanted = [wanted]
    return frozenset(each for each in wanted if isinstance(each, str | int | float | bool))


def _allowed(wanted: Any) -> frozenset[Any]:
    return frozenset(wanted) if isinstance(wanted, tuple | list) else frozenset((wanted,))
