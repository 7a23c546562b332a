"""The contract of a router: questions in, the names of the routes that they take out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from ragbraid.embed.protocol import Embedder
from ragbraid.types import Scope, Vectors

OTHERWISE = "otherwise"
"""What a question is called that no route takes."""

By: TypeAlias = Literal["meaning", "words", "pattern", "rule"]
"""What a route was chosen by: its utterances' vectors, their words, a pattern, or who asks alone."""

_ANYTHING = Scope()


class RouteName(str):
    """The name of a route, or `otherwise`. It is no question, though it is text."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that a question could take: it does where `score` is at least `threshold`."""

    route: str
    score: float
    threshold: float
    by: By


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a question goes.

    `route` is the best of `routes`, which are all that take it, best first; `otherwise` where none does.
    `confidence` is the chance in [0, 1] that `route` is right, as cross-validation over the utterances tells
    it, or 1 for a pattern or a rule; `candidates` are the nearest routes, best first.
    """

    route: str
    routes: tuple[str, ...]
    confidence: float
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An utterance near a question, with their cosine in [-1, 1]."""

    route: str
    utterance: str
    score: float


class Router(Protocol):
    """Decides where questions go. Its utterances are embedded at the first decision, never before."""

    @property
    def embedder(self) -> Embedder | None:
        """What embeds the questions for `decide`; None where words alone decide."""
        ...

    @property
    def names(self) -> list[str]:
        """Its routes, in their order."""
        ...

    def decide(
        self, questions: Sequence[str], vectors: Vectors | None, *, scope: Scope = _ANYTHING
    ) -> list[Decision]:
        """One decision a question; `vectors` are the questions' as the embedder gives them for queries."""
        ...

    def nearest(
        self, question: str, vector: Vectors | None, k: int = 5, *, scope: Scope = _ANYTHING
    ) -> list[Neighbour]:
        """The k utterances nearest to a question, best first; `vector` is of shape (1, dimensions)."""
        ...

    def fit(self, *, scope: Scope = _ANYTHING) -> Fitted:
        """What cross-validation over the utterances finds, whatever thresholds are set."""
        ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was found by leaving each utterance out in turn.

    `thresholds` by route; `recognised` is the share of utterances that found their own route, `accepted` that
    of those that were above its threshold, too, `refused` the share of utterances that no route took where
    their own was left out as a whole, as a question of an intent that has no route.
    `examples` is a digest of the utterances, `embedder` the identity of what embedded them.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    recognised: float = 0.0
    accepted: float = 0.0
    refused: float = 0.0
    utterances: int = 0
    examples: str = ""
    embedder: str = ""
