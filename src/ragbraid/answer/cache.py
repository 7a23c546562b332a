"""Answers that were given before, for the same question or one that means the same."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

from annotated_types import Ge, Gt, Le

from ragbraid.embed.protocol import Embedder
from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.types import Answer

if TYPE_CHECKING:
    import numpy as np

_COMMON = frozenset().union(*STOP_WORDS.values())
_DENIALS = frozenset(
    ["not", "no", "never", "without", "nor", "nicht", "kein", "keine", "nie", "ohne", "pas", "sans", "jamais"]
)


class Known(NamedTuple):
    """An answer that was kept, the question that it was given to, and the likeness of the two, at most 1."""

    answer: Answer
    question: str
    likeness: float


class Cache(Protocol):
    """Keeps answers by group and question. Whatever else an answer depends on is in the group's name."""

    @property
    def embedder(self) -> Embedder | None:
        """What makes the questions' vectors; None where only the same question finds its answer."""
        ...

    def find(self, group: str, question: str, vector: np.ndarray[Any, Any] | None) -> Known | None:
        """The answer to this question, or to the likest one of its group, if any is like enough."""
        ...

    def keep(self, group: str, question: str, vector: np.ndarray[Any, Any] | None, answer: Answer) -> None:
        """Keep an answer."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """Remembers up to `most` answers for up to `seconds`, in the memory of this process.

    It stands before steps that answer: `{cache: NAME, then: STEPS}`. With an `embedder` a question that is
    worded otherwise finds the answer, too: its vector's cosine with that of an earlier question is at least
    `likeness`, and both have the same numbers, names and denials. Of too many answers the one that was asked
    for longest ago goes. Nothing is written to disk, so that no answer outlives the program, the models or
    the code that made it.
    """

    most: Annotated[int, Ge(1)] = 1000
    seconds: Annotated[float, Gt(0)] = 3600
    embedder: Embedder | None = None
    likeness: Annotated[float, Gt(0), Le(1)] = 0.95

    def open(self) -> AnswerCacheRuntime:
        """An empty cache."""
        return AnswerCacheRuntime(self.most, self.seconds, self.embedder, self.likeness)


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Answer
    vector: Any
    until: float


class AnswerCacheRuntime:
    """A cache in memory, for any number of threads."""

    def __init__(self, most: int, seconds: float, embedder: Embedder | None, likeness: float) -> None:
        self.embedder = embedder
        self._most, self._seconds, self._likeness = most, seconds, likeness
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, group: str, question: str, vector: np.ndarray[Any, Any] | None) -> Known | None:
        """The answer to this question, or to the likest one of its group, if any is like enough."""
        with self._lock:
            now = time.monotonic()
            for key in [key for key, each in self._kept.items() if each.until <= now]:
                del self._kept[key]
            found = self._kept.get((group, question))
            if found is not None:
                self._kept.move_to_end((group, question))
                return Known(found.answer, question, 1.0)
            if vector is None:
                return None
            rivals = [
                (float(each.vector @ vector), other, each.answer)
                for (its, other), each in self._kept.items()
                if its == group and each.vector is not None and _telling(other) == _telling(question)
            ]
            likeness, other, answer = max(rivals, key=lambda each: each[:2], default=(0.0, "", Answer("")))
            if likeness < self._likeness:
                return None
            self._kept.move_to_end((group, other))
            return Known(answer, other, min(likeness, 1.0))

    def keep(self, group: str, question: str, vector: np.ndarray[Any, Any] | None, answer: Answer) -> None:
        """Keep an answer, and forget the one that was asked for longest ago where there are too many."""
        with self._lock:
            self._kept[group, question] = _Kept(answer, vector, time.monotonic() + self._seconds)
            self._kept.move_to_end((group, question))
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


def _telling(question: str) -> tuple[list[str], frozenset[str]]:
    """What two questions must have in common to be one: names, that is capitals, numbers, and denials."""
    found = [each.strip("?!.,;:\"'()") for each in question.split()]
    told = [each for each in found if any(char.isupper() or char.isdigit() for char in each)]
    if told and told[0] == found[0] and found[0].casefold() in _COMMON:
        told = told[1:]  # a sentence's first word is no name
    said = [each.casefold().replace("’", "'") for each in found]
    denied = frozenset(each for each in said if each in _DENIALS or each.endswith("n't"))
    return sorted(each.casefold() for each in told), denied
