"""Answers that were given before, for the same question or one that means the same."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

from annotated_types import Ge, Gt, Le

from ragbraid.answer.wording import wording
from ragbraid.embed.protocol import Embedder
from ragbraid.types import Answer

if TYPE_CHECKING:
    import numpy as np


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
    put otherwise finds the answer, too ("Please tell me how long the parental leave is" for "How long is
    parental leave?"): its vector's cosine with that of an earlier question is at least `likeness`, and both
    have the same words in the same order, but for how one asks. Likeness alone tells "from Paris to London"
    from "from London to Paris" by 0.003. Of too many answers the one that was asked for longest ago goes.
    Nothing is written to disk, so that no answer outlives the program, the models or the code that made it.
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
    words: tuple[str, ...]


class AnswerCacheRuntime:
    """A cache in memory, for any number of threads."""

    def __init__(self, most: int, seconds: float, embedder: Embedder | None, likeness: float) -> None:
        self.embedder = embedder
        self._most, self._seconds, self._likeness = most, seconds, likeness
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()  # by when it was asked for
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()  # by when it was kept
        self._worded: dict[tuple[str, tuple[str, ...]], set[str]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, group: str, question: str, vector: np.ndarray[Any, Any] | None) -> Known | None:
        """The answer to this question, or to the likest one of its group, if any is like enough."""
        words = () if vector is None else wording(question)
        with self._lock:
            self._forget_late()
            found = self._kept.get((group, question))
            if found is not None:
                self._kept.move_to_end((group, question))
                return Known(found.answer, question, 1.0)
            if vector is None:
                return None
            others = [(other, self._kept[group, other]) for other in self._worded.get((group, words), ())]
            rivals = [(float(each.vector @ vector), other, each.answer) for other, each in others]
            likeness, other, answer = max(rivals, key=lambda each: each[:2], default=(0.0, "", Answer("")))
            if likeness < self._likeness:
                return None
            self._kept.move_to_end((group, other))
            return Known(answer, other, min(likeness, 1.0))

    def keep(self, group: str, question: str, vector: np.ndarray[Any, Any] | None, answer: Answer) -> None:
        """Keep an answer, and forget the one that was asked for longest ago where there are too many."""
        key, words = (group, question), () if vector is None else wording(question)
        with self._lock:
            if key in self._kept:
                self._forget(key)
            self._kept[key] = _Kept(answer, vector, words)
            self._until[key] = time.monotonic() + self._seconds
            if vector is not None:
                self._worded.setdefault((group, words), set()).add(question)
            while len(self._kept) > self._most:
                self._forget(next(iter(self._kept)))

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._until.clear()
            self._worded.clear()

    def _forget_late(self) -> None:
        now = time.monotonic()
        while self._until and self._until[key := next(iter(self._until))] <= now:
            self._forget(key)

    def _forget(self, key: tuple[str, str]) -> None:
        group, question = key
        kept = self._kept.pop(key)
        del self._until[key]
        if kept.vector is not None:
            same = self._worded[group, kept.words]
            same.remove(question)
            if not same:
                del self._worded[group, kept.words]
