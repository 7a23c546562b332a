"""Hits that say the same in almost the same words, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from annotated_types import Ge, Gt, Le

from ragbraid.text.terms import words
from ragbraid.types import Hit

_WORDS = 3
"""Words of a shingle: fewer are alike by chance, more miss what one changed word parts."""
_Shingles: TypeAlias = frozenset[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Drops hits that repeat a better one: the copy, the older version, the page in two folders.

    Two are alike where of the runs of three words in the shorter one a share of at least `alike` is in the
    other, too: so a passage within a longer one is a repetition as well. Case and punctuation don't count. Of
    the first `max(k, candidates)` hits those that are left keep order and scores; what follows them is
    dropped. Source: Broder, On the resemblance and containment of documents, 1997.
    """

    alike: Annotated[float, Gt(0), Le(1)] = 0.8
    candidates: Annotated[int, Ge(1)] = 30

    blocking: ClassVar[bool] = True

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The hits without repetitions."""
        kept: list[tuple[Hit, _Shingles]] = []
        for hit in hits[: max(k, self.candidates)]:
            held = _shingles(hit.text)
            if not any(_share(held, other) >= self.alike for _, other in kept):
                kept.append((hit, held))
        return [hit for hit, _ in kept]


def _shingles(text: str) -> _Shingles:
    said = words(text)
    size = min(_WORDS, len(said)) or 1
    return frozenset(tuple(said[at : at + size]) for at in range(len(said) - size + 1))


def _share(one: _Shingles, other: _Shingles) -> float:
    """The share of the smaller one's shingles that the larger one has; texts without words are unlike."""
    shorter = min(len(one), len(other))
    return len(one & other) / shorter if shorter else 0.0
