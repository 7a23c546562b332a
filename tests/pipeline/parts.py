"""Small components that the files of these tests are made of, named as `./parts.py:dense`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Literal, cast

from annotated_types import Ge, Le
from pydantic import BeforeValidator

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import GenerationError
from ragbraid.generate.protocol import Generator
from ragbraid.index.protocol import Index
from ragbraid.rerank.protocol import Reranker
from ragbraid.secret import Secret
from ragbraid.testing.echo_generator import ScriptedGenerator
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Answer, Batch, Hit


@dataclass(frozen=True, slots=True)
class Dense:
    """Finds hits by meaning."""

    index: Index
    candidates: Annotated[int, Ge(1)] = 30

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        embedder = self.index.embedder
        assert embedder is not None
        vectors = embedder.embed(question, "query")
        return Batch(self.index.search_vector(vectors, max(k, self.candidates)))


@dataclass(frozen=True, slots=True)
class Lexical:
    """Finds hits by words."""

    index: Index
    candidates: Annotated[int, Ge(1)] = 30

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        return Batch(self.index.search_text(question, max(k, self.candidates)))


@dataclass(frozen=True, slots=True)
class Fuse:
    """Puts several lists of hits into one."""

    weight: Annotated[float, Ge(0), Le(1)] = 0.5

    def __call__(self, hits: list[list[Hit]]) -> list[Hit]:
        return list({each.id: each for run in hits for each in run}.values())


@dataclass(frozen=True, slots=True)
class Rank:
    """Orders hits anew, the first `candidates` of them, or as many as the request wants."""

    embedder: Embedder
    candidates: Annotated[int, Ge(1)] = 50

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        return sorted(hits[: max(k, self.candidates)], key=lambda hit: hit.id)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Ranks by another reranker."""

    inner: Reranker | None = None
    others: tuple[Reranker, ...] = ()

    def __call__(self, question: str, hits: list[Hit], k: int) -> list[Hit]:
        return self.inner(question, hits, k) if self.inner else hits


@dataclass(frozen=True, slots=True)
class Quote:
    """Answers with the first hit."""

    generator: Generator
    prefix: str = ""

    def __call__(self, question: str, hits: list[Hit]) -> Answer:
        return Answer(self.prefix + (hits[0].text if hits else "nothing"), hits=tuple(hits))


@dataclass(frozen=True, slots=True)
class Keyed:
    """Holds settings of every kind."""

    key: Secret | None = None
    mode: Literal["fast", "good"] = "fast"
    path: Path = Path("here")
    names: tuple[str, ...] = ()
    ratio: float = 0.5
    on: bool = False
    low: int = 0
    high: int = 10

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low ({self.low}) is above high ({self.high})")

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        return hits


def rewrite(question: str, *, upper: bool = False) -> str:
    """Writes the question anew."""
    return question.upper() if upper else question.strip()


def few(hits: list[Hit], least: int = 1, *, limit: Annotated[int, Ge(1)] = 1) -> bool:
    """Whether there are few hits."""
    return len(hits) < limit + least


def count(hits: Sequence[Hit]) -> int:
    """How many hits there are."""
    return len(hits)


def find(question: str, k: int) -> list[Hit]:
    """Hits out of nothing: one for each number below k, and one more."""
    return [Hit(f"{n}", "made up", 0, 1, question, score=1.0) for n in range(k + 1)]


def words(question: str) -> list[str]:
    """The words of a question."""
    return question.split()


def nobody(question: str) -> list[str]:
    """Nobody at all."""
    return []


def intent(question: str) -> Literal["billing", "small-talk", "other"]:
    """What a question is about."""
    return "billing" if "invoice" in question else "small-talk" if "hello" in question else "other"


def topic(question: str) -> str:
    """A question's first word."""
    return question.split(" ", maxsplit=1)[0]


def liar(question: str) -> Literal["a", "b"]:
    """Gives something else than it says."""
    return cast("Literal['a', 'b']", question)


def first(hits: list[Hit]) -> list[Hit]:
    """The first hit alone."""
    return hits[:1]


def reply(question: str, hits: list[Hit]) -> Answer:
    """Says how many hits there are."""
    return Answer(f"{question}: {len(hits)}", hits=tuple(hits))


def picky(question: Batch[str]) -> Batch[list[Hit]]:
    """Finds a hit for every question but `bad`."""
    return Batch(
        GenerationError("The question is bad.") if each == "bad" else [Hit("a", "s", 0, 1, each)]
        for each in question
    )


@dataclass
class Loose:
    """A dataclass that isn't frozen."""

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        return hits


@dataclass(frozen=True, slots=True)
class Torn:
    """Uses one name for an input and a setting."""

    hits: int = 1

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        return hits


def greedy(*hits: list[Hit]) -> list[Hit]:
    """Takes any number of inputs."""
    return hits[0]


def weighed(hits: list[Hit], *, weights: tuple[float, ...] = ()) -> list[Hit]:
    """Has a setting of several numbers."""
    return hits[: len(weights)]


def labelled(hits: list[Hit], *, label: int | str = "") -> list[Hit]:
    """Has a setting that may be a number or text."""
    return hits if label else []


def untyped(hits: list[Hit]):  # type: ignore[no-untyped-def]
    """Doesn't say what it gives."""
    return hits


def vague(question, *, most: int = 1) -> list[Hit]:  # type: ignore[no-untyped-def]
    """Doesn't say what it takes."""
    return find(question, most)


def loose(hits: list[Hit], *, most=1) -> list[Hit]:  # type: ignore[no-untyped-def]
    """Doesn't say of which type its setting is."""
    return hits[:most]


def anything(hits: Any) -> Any:
    """Takes and gives anything, and says so."""
    return hits


def misspelt(hits: list[Hit.s]) -> list[Hit]:  # type: ignore[name-defined]
    """Its annotation can't be evaluated."""
    return hits


@dataclass(frozen=True, slots=True)
class Half:
    """Its call doesn't say what it gives."""

    def __call__(self, hits: list[Hit]):  # type: ignore[no-untyped-def]
        return hits


@dataclass(frozen=True, slots=True)
class Optional:
    """Its call has a keyword-only parameter that is never given."""

    def __call__(self, hits: list[Hit], *, most: int = 1) -> list[Hit]:
        return hits[:most]


@dataclass(frozen=True, slots=True)
class ByKeyword:
    """Its call has a keyword-only parameter that nobody can give."""

    def __call__(self, hits: list[Hit], *, most: int) -> list[Hit]:
        return hits[:most]


async def awaited(question: str, k: int) -> list[Hit]:
    """An async function."""
    return []


@dataclass(frozen=True, slots=True)
class Awaited:
    """Its call is async."""

    async def __call__(self, question: str, k: int) -> list[Hit]:
        return []


@dataclass(frozen=True, slots=True)
class Bare:
    """An index whose configuration doesn't speak of an embedder."""

    def open(self) -> ListIndexRuntime:
        return ListIndexRuntime(None)


@dataclass(frozen=True, slots=True)
class Fragile:
    """Breaks where it is made, unless its mode is a good one."""

    mode: str = "bad"
    weight: int = 1

    def __post_init__(self) -> None:
        if self.mode != "good":
            raise RuntimeError(f"the mode {self.mode!r} breaks it")

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        return hits


@dataclass(frozen=True, slots=True)
class Unmade:
    """Its default can't be made."""

    each: tuple[int, ...] = field(default_factory=lambda: (1 // 0,))

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        return hits


def _odd(value: object) -> object:
    raise RuntimeError(f"{value} is odd")


def strange(hits: list[Hit], *, most: Annotated[int, BeforeValidator(_odd)] = 1) -> list[Hit]:
    """Its setting's validator breaks."""
    return hits[:most]


def opaque(hits: list[Hit], *, event: Event | None = None) -> list[Hit]:
    """Has a setting that no file can hold."""
    return hits


nothing = 5
several: list[int] = []


@dataclass(frozen=True, slots=True)
class Scripted(ScriptedGenerator):
    """Says what it is given, one answer after the other."""


def order_state(order: str, language: Literal["en", "de"] | None = None) -> str:
    """Tells where an order is."""
    return f"{order} is on its way" if language != "de" else f"{order} ist unterwegs"


def broken_tool() -> str:
    """Fails."""
    return str(1 // 0)
