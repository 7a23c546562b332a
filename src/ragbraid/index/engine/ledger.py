"""The ledger of an index: one small record, whose change in one step is a commit.

Rows carry the number of the commit that they came with, and are seen once the ledger's `head` has reached it.
What a commit replaces is listed as `dead` by that same change, and removed afterwards. So readers see all of
a commit or none, of an engine that knows no transactions.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ragbraid.errors import IndexMismatch, InputError
from ragbraid.index.engine.protocol import LONGEST

FORMAT = 1
"""Raised when an older version of ragbraid couldn't read what this one writes."""
_VOIDS = 256
"""So many commits that came to nothing are remembered, for writes of theirs that arrive late."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection holds: chunks, terms in their texts, the languages that any ever was in."""

    chunks: int = 0
    terms: int = 0
    languages: tuple[str, ...] = ()

    def changed(self, chunks: int, terms: int, languages: Iterable[str] = ()) -> Collection:
        """The same after a commit brought (or, below zero, took) so many."""
        known = tuple(sorted({*self.languages, *languages}))
        return Collection(self.chunks + chunks, self.terms + terms, known)


@dataclass(frozen=True, slots=True)
class Claim:
    """The one who writes: the number that the commit will have, and until when it is theirs, by the clock."""

    commit: int
    host: str
    process: int
    until: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """The state of an index. `dead` are ranges of the numbers of documents, both ends included."""

    embedder: str | None
    dimensions: int | None
    head: int = 0
    next: int = 1
    dead: tuple[tuple[int, int], ...] = ()
    void: tuple[int, ...] = ()
    claim: Claim | None = None
    collections: Mapping[str, Collection] = field(default_factory=dict)

    def written(self) -> str:
        """As a text that never was before. Raises `InputError` where it is longer than engines take."""
        text = json.dumps({"format": FORMAT, "once": uuid.uuid4().hex, **asdict(self)})
        if len(text) > LONGEST:
            raise InputError(
                "So much at once can't be replaced or kept apart in one step.",
                "Ingest or delete fewer documents at a time, and use fewer collections.",
            )
        return text

    def over(self, claim: Claim | None) -> Ledger:
        """The same after a claim was given up or taken away: whatever it wrote is never seen."""
        if claim is None:
            return self
        return replace(self, claim=None, void=(*self.void, claim.commit)[-_VOIDS:])


def read(text: str, shown: str) -> Ledger:
    """The ledger of a text. Raises `IndexMismatch` for one of another format."""
    try:
        told: dict[str, Any] = json.loads(text)
        form = told.pop("format")
    except (ValueError, KeyError, AttributeError):
        form = "unknown"
    if form != FORMAT:
        raise IndexMismatch(
            f"The index at {shown} has format {form}; this version of ragbraid reads format {FORMAT}.",
            "Install a version that reads it, or name another place for a new index.",
        )
    del told["once"]
    return Ledger(
        **{
            **told,
            "dead": tuple((first, last) for first, last in told["dead"]),
            "void": tuple(told["void"]),
            "claim": told["claim"] and Claim(**told["claim"]),
            "collections": {
                name: Collection(**{**each, "languages": tuple(each["languages"])})
                for name, each in told["collections"].items()
            },
        }
    )


def ranges(numbers: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Numbers as ranges, both ends included."""
    found: list[tuple[int, int]] = []
    for each in sorted(set(numbers)):
        if found and found[-1][1] == each - 1:
            found[-1] = (found[-1][0], each)
        else:
            found.append((each, each))
    return tuple(found)


def numbered(commit: int, at: int) -> int:
    """The number of a commit's document or origin, which no other ever has."""
    return commit << 24 | at


def batches(values: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """Values in parts of up to `size`."""
    return (values[at : at + size] for at in range(0, len(values), size))
