"""A table of routes → what scores questions for them: one scorer by meaning, one by words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import InputError
from ragbraid.route.calibrate import Calibrated, calibrate
from ragbraid.route.evidence import Evidence
from ragbraid.route.protocol import By, Candidate, Neighbour
from ragbraid.route.routes import Route, Table
from ragbraid.route.vectors import vectors_of
from ragbraid.route.words import Words
from ragbraid.types import Vectors


@dataclass(frozen=True, slots=True)
class Joined:
    """What was found for several scorers: thresholds of all, shares weighed by their utterances."""

    thresholds: Mapping[str, float]
    recognised: float
    accepted: float
    refused: float
    utterances: int


class Scorer:
    """Scores questions for some of the routes. `words` makes their vectors where no embedder does."""

    def __init__(
        self,
        by: By,
        names: Sequence[str],
        utterances: Sequence[str],
        evidence: Evidence,
        given: Mapping[str, float],
        words: Words | None = None,
    ) -> None:
        import numpy as np

        self._by: By = by
        self._names = names
        self._utterances = utterances
        self._evidence = evidence
        self._words = words
        self.found: Calibrated = calibrate(evidence, len(names), [given.get(each) for each in names])
        self._thresholds = np.array(self.found.thresholds, np.float32)

    @property
    def thresholds(self) -> dict[str, float]:
        """By route."""
        return dict(zip(self._names, self.found.thresholds, strict=True))

    @property
    def count(self) -> int:
        """Utterances that it was fitted to."""
        return int((self._evidence.labels >= 0).sum())

    def ranked(
        self, question: str, vector: Vectors | None, closed: frozenset[str], most: int
    ) -> list[tuple[float, Candidate]]:
        """The routes that take the question, or come nearest to it, each with its chance of being right.

        The best is the one that is farthest above its threshold. All that take the question are given, and of
        the others as many as make `most`.
        """
        import numpy as np

        scores = self._evidence.scores(self._vector(question, vector))[0]
        margins = scores - self._thresholds
        found: list[tuple[float, Candidate]] = []
        for place in np.argsort(-margins, kind="stable"):
            margin, name = float(margins[place]), self._names[place]
            if margin < 0 and len(found) >= most:
                break
            if name not in closed:
                score, threshold = float(scores[place]), float(self._thresholds[place])
                found.append((self.found.chance(margin), Candidate(name, score, threshold, self._by)))
        return found

    def nearest(self, question: str, vector: Vectors | None, k: int) -> list[Neighbour]:
        """The k utterances nearest to a question."""
        import numpy as np

        cosines = self._evidence.cosines(self._vector(question, vector))[0]
        labels = self._evidence.labels
        order = [each for each in np.argsort(-cosines, kind="stable") if labels[each] >= 0][:k]
        return [
            Neighbour(self._names[labels[each]], self._utterances[each], float(cosines[each]))
            for each in order
        ]

    def _vector(self, question: str, vector: Vectors | None) -> Vectors:
        if self._words is not None:
            return self._words.vectors([question])
        if vector is None:
            raise InputError("This router goes by meaning, and was given no vector of the question.")
        return vector


def scorers(
    table: Table, embedder: Embedder | None, cache: Path | None, given: Mapping[str, float]
) -> tuple[Scorer, ...]:
    """The scorers of a table: where there is no embedder, one by words for all routes."""
    meant = {} if embedder is None else table.by("meaning")
    worded = {name: each for name, each in table.routes.items() if each.utterances and name not in meant}
    found = []
    if meant and embedder is not None:
        texts, labels = _examples(meant.values(), table)
        evidence = Evidence(vectors_of(texts, embedder, cache), labels, len(meant))
        found.append(Scorer("meaning", list(meant), texts, evidence, given))
    if worded:
        texts, labels = _examples(worded.values(), table)
        words = Words(texts)
        evidence = Evidence(words.vectors(texts), labels, len(worded))
        found.append(Scorer("words", list(worded), texts, evidence, given, words))
    return tuple(found)


def joined(parts: Sequence[Scorer]) -> Joined:
    """What cross-validation found for all of them."""
    many = sum(each.count for each in parts)

    def mean(name: str) -> float:
        return sum(getattr(each.found, name) * each.count for each in parts) / many if many else 0.0

    thresholds = {name: value for each in parts for name, value in each.thresholds.items()}
    return Joined(thresholds, mean("recognised"), mean("accepted"), mean("refused"), many)


def _examples(routes: Iterable[Route], table: Table) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    labels: list[int] = []
    for number, route in enumerate(routes):
        texts += route.utterances
        labels += [number] * len(route.utterances)
    return [*texts, *table.others], [*labels, *[-1] * len(table.others)]
