"""A router over example utterances: by their meaning, by their words, by patterns and by who asks."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import InputError, SettingError
from ragbraid.route.protocol import OTHERWISE, Candidate, Decision, Fitted, Neighbour
from ragbraid.route.routes import Route, Table, faults
from ragbraid.types import Scope, Vectors

if TYPE_CHECKING:
    from ragbraid.route.fitting import Scorer

_SHOWN = 5
_ANYTHING = Scope()


@dataclass(frozen=True, slots=True)
class SemanticRouter:
    """Routes questions by example utterances, in a millisecond, with no call of a language model.

    `routes` has each route's utterances, or all that a `Route` has; or is a file of them. Those under
    `otherwise` are examples of what no route is for: none are needed, and the more there are the better such
    questions are told. A question takes the route for which it is farthest above that route's own threshold,
    and none where it is above none: an unknown intent is never forced into a route. A pattern decides before
    any score does, in the routes' order. Thresholds are found by leaving out each utterance, and each route,
    in turn, when the router is opened; `thresholds` keeps those that `ragbraid route fit` wrote. Without an
    `embedder` all routes go by words. The utterances' vectors are kept in the folder `cache` until they or
    the embedder change; null keeps none. Raises `SettingError` for routes that are empty or contradict each
    other, and `InputError` for a file that can't be read.
    """

    routes: Path | Mapping[str, tuple[str, ...] | Route]
    embedder: Embedder | None = None
    thresholds: Path | None = None
    cache: Path | None = field(default=Path(".ragbraid/routes"), metadata={"digest": False})
    table: Table = field(init=False, repr=False)
    """What `routes` comes to. A router whose file has changed is another one."""

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.routes, Path):
            from ragbraid.route.routes_file import read_routes

            table = read_routes(self.routes)
        else:
            wrong = list(faults(self.routes))
            if wrong:
                raise SettingError(
                    [(("routes", *at), said, other and ("routes", *other)) for at, said, other in wrong]
                )
            table = Table.of(self.routes)
        object.__setattr__(self, "table", table)
        if self.thresholds is not None and self.thresholds.exists():
            from ragbraid.route.thresholds_file import read_fitted

            read_fitted(self.thresholds, scored(table))

    def open(self) -> SemanticRouterRuntime:
        """The running router. Its utterances are embedded at the first decision."""
        return SemanticRouterRuntime(self)


def scored(table: Table) -> list[str]:
    """The routes that have utterances, and so a threshold."""
    return [name for name, each in table.routes.items() if each.utterances]


class SemanticRouterRuntime:
    """Implements `Router`."""

    def __init__(self, options: SemanticRouter) -> None:
        self._options = options
        self._table = options.table
        self._fitting = threading.Lock()
        self._scorers: tuple[Scorer, ...] | None = None
        self._ruled = any(each.patterns for each in self._table.routes.values())
        self._restricted = {
            name for name, each in self._table.routes.items() if each.where or each.collections
        }

    @property
    def embedder(self) -> Embedder | None:
        """What embeds the questions; None where no route goes by meaning."""
        return self._options.embedder if self._table.by("meaning") else None

    @property
    def names(self) -> list[str]:
        """The routes, in their order."""
        return list(self._table.routes)

    def warm_up(self) -> None:
        """Embed the utterances now."""
        self._fitted()

    def decide(
        self, questions: Sequence[str], vectors: Vectors | None, *, scope: Scope = _ANYTHING
    ) -> list[Decision]:
        """One decision a question."""
        closed = self._closed(scope)
        return [
            self._ruled_by(question, closed)
            or self._scored_by(question, None if vectors is None else vectors[row : row + 1], closed)
            for row, question in enumerate(questions)
        ]

    def nearest(
        self, question: str, vector: Vectors | None, k: int = 5, *, scope: Scope = _ANYTHING
    ) -> list[Neighbour]:
        """The k utterances nearest to a question."""
        closed = self._closed(scope)
        found = [
            each
            for scorer in self._fitted()
            for each in scorer.nearest(question, vector, k + len(closed))
            if each.route not in closed
        ]
        return sorted(found, key=lambda each: -each.score)[:k]

    def fit(self, *, scope: Scope = _ANYTHING) -> Fitted:  # noqa: ARG002 - the same for whoever asks
        """What cross-validation finds, with none of the thresholds that are set."""
        from ragbraid.route.fitting import joined, scorers

        embedder = self._options.embedder
        found = joined(scorers(self._table, embedder, self._options.cache, {}))
        return Fitted(
            {name: found.thresholds[name] for name in scored(self._table)},
            found.recognised, found.accepted, found.refused, found.utterances,
            self._table.digest(), "" if embedder is None else embedder.identity,
        )  # fmt: skip

    def _fitted(self) -> tuple[Scorer, ...]:
        if self._scorers is None:
            with self._fitting:
                if self._scorers is None:
                    from ragbraid.route.fitting import scorers

                    options = self._options
                    self._scorers = scorers(self._table, options.embedder, options.cache, self._set())
        return self._scorers

    def _set(self) -> dict[str, float]:
        """The thresholds that are given: in the file of fitted ones, and by the routes themselves."""
        given: dict[str, float] = {}
        if (path := self._options.thresholds) is not None:
            from ragbraid.route.thresholds_file import read_fitted

            kept = read_fitted(path, scored(self._table))
            embedder = self._options.embedder
            if kept.examples != self._table.digest() or kept.embedder != (
                "" if embedder is None else embedder.identity
            ):
                raise InputError(
                    f"The thresholds in {path} were fitted to other utterances, or by another embedder.",
                    f"Fit them anew: ragbraid route fit --out {path}",
                )
            given.update(kept.thresholds)
        own = {
            name: each.threshold for name, each in self._table.routes.items() if each.threshold is not None
        }
        return {**given, **own}

    def _closed(self, scope: Scope) -> frozenset[str]:
        if not self._restricted:
            return frozenset()
        from ragbraid.route.rules import open_to

        routes = self._table.routes
        return frozenset(each for each in self._restricted if not open_to(routes[each], scope))

    def _ruled_by(self, question: str, closed: frozenset[str]) -> Decision | None:
        """The routes that a pattern gives, or who asks alone; None where none does."""
        if not self._ruled and not self._restricted:
            return None
        from ragbraid.route.rules import matches

        found = []
        for name, route in self._table.routes.items():
            if name in closed:
                continue
            if matches(route, question):
                found.append(Candidate(name, 1.0, 1.0, "pattern"))
            elif name in self._restricted and not (route.utterances or route.patterns):
                found.append(Candidate(name, 1.0, 1.0, "rule"))
        if not found:
            return None
        return Decision(found[0].route, tuple(each.route for each in found), 1.0, tuple(found))

    def _scored_by(self, question: str, vector: Vectors | None, closed: frozenset[str]) -> Decision:
        ranked: list[tuple[float, Candidate]] = []
        for scorer in self._fitted():
            ranked += scorer.ranked(question, vector, closed, _SHOWN)
        ranked.sort(key=lambda each: -each[0])
        taken = [(chance, each) for chance, each in ranked if each.score >= each.threshold]
        shown = tuple(each for _, each in ranked[:_SHOWN])
        if not taken:
            return Decision(OTHERWISE, (), 1 - ranked[0][0] if ranked else 1.0, shown)
        routes = tuple(each.route for _, each in taken)
        return Decision(routes[0], routes, taken[0][0], shown)
