"""What a route is, and which routes contradict each other."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from math import isfinite
from typing import Any, ClassVar, Literal, TypeAlias

from ragbraid.route.patterns import finder
from ragbraid.route.protocol import OTHERWISE

Spot: TypeAlias = tuple[str | int, ...]
"""Where something stands in `routes`: a route's name, and what leads on from there."""

_NAME = re.compile(r"[^\W\d][\w-]*")
_EDGE = re.compile(r"^\W+|\W+$")


@dataclass(frozen=True, slots=True)
class Route:
    """One way for questions, and what tells that they take it.

    A question takes it where one of the `patterns` is found in it, or where it is near enough to the
    `utterances`: by the `threshold` where it has one, else by its calibrated one. Patterns are regular
    expressions that heed no case and never backtrack, and so have neither lookaround nor backreferences. `by`
    words compares utterances word by word instead of by meaning, for part numbers and jargon that no embedder
    knows. `where` and `collections` say for whom the route is at all: those whose questions are bound to
    these values of metadata (one, or one of several), by their key's filter or the request's, and to one of
    these collections. A route with these alone takes all their questions.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}

    utterances: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    where: Mapping[str, str | int | float | bool | tuple[str | int | float | bool, ...]] = field(
        default_factory=dict
    )
    collections: tuple[str, ...] = ()
    by: Literal["meaning", "words"] = "meaning"
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """All routes of a router, in their order, and examples of what none of them is for."""

    routes: Mapping[str, Route]
    others: tuple[str, ...] = ()

    @classmethod
    def of(cls, given: Mapping[str, tuple[str, ...] | Route]) -> Table:
        """The table of a mapping, in which a list of utterances may stand for a route."""
        routes = {
            name: each if isinstance(each, Route) else Route(tuple(each)) for name, each in given.items()
        }
        others = routes.pop(OTHERWISE, Route())
        return cls(routes, others.utterances)

    def digest(self) -> str:
        """Equal where the examples are: SHA-256 in hexadecimal."""
        told = [(name, each.by, each.utterances) for name, each in self.routes.items()]
        return sha256(repr((told, self.others)).encode()).hexdigest()

    def by(self, kind: Literal["meaning", "words"]) -> dict[str, Route]:
        """The routes whose utterances are compared in this way."""
        return {name: each for name, each in self.routes.items() if each.by == kind and each.utterances}


def faults(given: Mapping[str, tuple[str, ...] | Route]) -> Iterator[tuple[Spot, str, Spot | None]]:
    """What is wrong with routes: where, what, and of a contradiction the other place, to be named there."""
    table = Table.of(given)
    if not table.routes:
        yield (), "there are no routes", None
    seen: dict[str, Spot] = {}
    for name, each in given.items():
        route = table.routes.get(name, Route()) if isinstance(each, Route) else Route(tuple(each))
        if name == OTHERWISE:
            if isinstance(each, Route):
                yield (
                    (name,),
                    f"{OTHERWISE!r} is no route: it holds a list of examples that no route is for",
                    None,
                )
                continue
        else:
            yield from _of_route(name, route)
        base: Spot = (name, "utterances") if isinstance(each, Route) else (name,)
        for place, text in enumerate(route.utterances):
            spot = (*base, place)
            key = normal(text)
            if not key:
                yield spot, f"an utterance of {name!r} says nothing", None
            elif (before := seen.setdefault(key, spot)) != spot:
                told = "twice in" if before[0] == name else f"in {before[0]!r} and in"
                yield spot, f"the utterance {text!r} stands {told} {name!r}", before
    yield from _equal_rules(table)


def normal(text: str) -> str:
    """An utterance without what makes no difference: case, spaces, signs at its ends."""
    return _EDGE.sub("", " ".join(unicodedata.normalize("NFKC", text).casefold().split()))


def _of_route(name: str, route: Route) -> Iterator[tuple[Spot, str, None]]:
    if not _NAME.fullmatch(name):
        yield (name,), f"a route's name is a word of letters, digits, - and _, not {name!r}", None
    if not (route.utterances or route.patterns or route.where or route.collections):
        yield (name,), f"the route {name!r} is empty: it wants utterances, patterns, or for whom it is", None
    if route.threshold is not None and not isfinite(route.threshold):
        yield (name, "threshold"), f"the threshold of {name!r} is no finite number", None
    for place, each in enumerate(route.patterns):
        spot = (name, "patterns", place)
        try:
            found = finder(each)
        except ValueError as error:
            yield spot, f"the pattern {each!r} of {name!r} can't be used: {error}", None
            continue
        if found(""):
            yield spot, f"the pattern {each!r} of {name!r} is found in every question", None


def _equal_rules(table: Table) -> Iterator[tuple[Spot, str, Spot]]:
    """Routes of which the later one can never be taken."""
    seen: dict[Any, tuple[str, Spot]] = {}
    for name, route in table.routes.items():
        whom = (tuple(sorted(route.where.items(), key=repr)), route.collections)
        rules: list[tuple[Any, Spot, str]] = [
            ((whom, each), (name, "patterns", place), f"the pattern {each!r}")
            for place, each in enumerate(route.patterns)
        ]
        if not (route.utterances or route.patterns) and whom != ((), ()):
            rules.append(((whom, None), (name,), "the same rule"))
        for key, spot, said in rules:
            owner, before = seen.setdefault(repr(key), (name, spot))
            if owner != name:
                yield spot, f"{said} stands in {owner!r} and in {name!r}", before
