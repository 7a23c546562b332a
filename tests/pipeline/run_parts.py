"""Stub steps for the tests of running pipelines, named in files as `run_parts:Find`."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal
from zlib import crc32

import yaml

from ragbraid import Pipeline
from ragbraid.context import Context
from ragbraid.errors import Cancelled, InputError
from ragbraid.generate.protocol import Completion, JsonSchema, Request, Score
from ragbraid.pipeline.engine import Engine
from ragbraid.types import Answer, Batch, Delta, Hit, Message


def load(
    folder: Path, content: dict[str, object], engine: Engine | None = None, *, allow: str = "run_parts"
) -> Pipeline:
    """The pipeline of a file with this content, over an engine of its own; `allow` holds more steps."""
    path = folder / "ragbraid.yaml"
    path.write_text(yaml.safe_dump({"ragbraid": 1, **content}, sort_keys=False), "utf-8")
    return Pipeline.load(path, allow=("run_parts", allow), engine=engine or Engine())


def threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "ragbraid"]


def hit(name: str, score: float = 0.0) -> Hit:
    return Hit(id=name, source=f"{name}.txt", start=0, end=len(name), text=name, score=score)


def _fail(fails: str, question: str) -> None:
    if fails and fails in question.split():
        raise InputError(f"{fails} was met.") if fails.endswith("1") else ValueError(f"{fails} was met")


def _found(question: str, seed: int, k: int) -> list[Hit]:
    start = crc32(f"{seed} {question}".encode())
    return [hit(f"h{(start + 7 * each) % 23}", 1.0 / (1 + each)) for each in range(max(4, k))]


@dataclass(frozen=True, slots=True)
class Find:
    """Finds hits that depend on the question."""

    seed: int = 0
    fails: str = ""

    def __call__(self, question: str, k: int) -> list[Hit]:
        _fail(self.fails, question)
        return _found(question, self.seed, k)


@dataclass(frozen=True, slots=True)
class BlockingFind:
    """Finds hits in a thread."""

    seed: int = 0
    fails: str = ""

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, k: int) -> list[Hit]:
        time.sleep(0.0005)
        _fail(self.fails, question)
        return _found(question, self.seed, k)


@dataclass(frozen=True, slots=True)
class BatchFind:
    """Finds hits for all questions at once."""

    seed: int = 0
    fails: str = ""

    def __call__(self, question: Batch[str], k: int) -> Batch[list[Hit]]:
        return Batch(self._one(each, k) for each in question)

    def _one(self, question: str, k: int) -> list[Hit] | Exception:
        try:
            _fail(self.fails, question)
        except Exception as error:
            return error
        return _found(question, self.seed, k)


@dataclass(frozen=True, slots=True)
class Rank:
    """Orders hits by the question."""

    seed: int = 0
    fails: str = ""

    def __call__(self, question: str, hits: list[Hit]) -> list[Hit]:
        _fail(self.fails, question)
        return sorted(hits, key=lambda each: crc32(f"{self.seed} {question} {each.id}".encode()))


@dataclass(frozen=True, slots=True)
class AsyncRank:
    """Orders hits, awaited where there is a loop."""

    seed: int = 0
    fails: str = ""

    def __call__(self, question: str, hits: list[Hit]) -> list[Hit]:
        return Rank(self.seed, self.fails)(question, hits)

    async def acall(self, question: str, hits: list[Hit]) -> list[Hit]:
        await asyncio.sleep(0)
        return Rank(self.seed, self.fails)(question, hits)


@dataclass(frozen=True, slots=True)
class BatchRank:
    """Orders the hits of all questions, the number of them shared."""

    seed: int = 0
    fails: str = ""

    def __call__(self, question: Batch[str], hits: Batch[list[Hit]], k: int) -> Batch[list[Hit]]:
        return Batch(self._one(*each) for each in zip(question, hits, strict=True))

    def _one(self, question: str, hits: list[Hit]) -> list[Hit] | Exception:
        try:
            return Rank(self.seed, self.fails)(question, hits)
        except Exception as error:
            return error


@dataclass(frozen=True, slots=True)
class Chooser:
    """A generator that chooses among tools by its prompt alone, so that it does the same however asked."""

    seed: int = 0
    fails: str = ""
    context_window: int = 100_000

    scores_together: ClassVar[bool] = False

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        return len(str(prompt))

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        return [self._one(each) for each in requests]

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        raise NotImplementedError

    def score(self, *arguments: object, **more: object) -> list[Score]:
        raise NotImplementedError

    def _one(self, request: Request) -> Completion | Exception:
        assert isinstance(request.constraint, JsonSchema)
        schema = request.constraint.schema
        ways = schema.get("anyOf", [schema])
        drawn = crc32(f"{self.seed} {request.prompt}".encode())
        way, asked = ways[drawn % len(ways)]["properties"], request.prompt[1].content.split()
        try:
            _fail(self.fails, " ".join(asked))
        except Exception as error:
            return error
        question = " ".join(asked[drawn % len(asked) :])
        said = (
            {"name": way["name"]["const"], "arguments": {"question": question}}
            if "name" in way
            else {"reply": ""}
        )
        return Completion(json.dumps(said))


def drop(hits: list[Hit], *, most: int = 3) -> list[Hit]:
    """The first few hits."""
    return hits[:most]


@dataclass(frozen=True, slots=True)
class Fuse:
    """Each hit once."""

    def __call__(self, hits: list[list[Hit]]) -> list[Hit]:
        return list({each.id: each for some in hits for each in some}.values())


@dataclass(frozen=True, slots=True)
class Reword:
    """Another question."""

    word: str = "again"
    fails: str = ""

    def __call__(self, question: str) -> str:
        _fail(self.fails, question)
        return f"{question} {self.word}"


def is_long(question: str, *, words: int = 4) -> bool:
    """Whether a question has many words."""
    return len(question.split()) > words


def words(question: str, *, fails: str = "") -> list[str]:
    """The words of a question."""
    _fail(fails, question)
    return question.split()


def size(question: str, *, words: int = 3) -> Literal["short", "fair", "long"]:
    """How long a question is."""
    count = len(question.split())
    return "short" if count < words else "fair" if count == words else "long"


def few(hits: list[Hit], *, most: int = 2) -> bool:
    """Whether there are few hits."""
    return len(hits) <= most


@dataclass(frozen=True, slots=True)
class Trim:
    """Leaves out the last hit."""

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        return hits[:-1]


def _said(question: str, hits: list[Hit]) -> Answer:
    return Answer(
        " ".join([*question.split(), *(each.id for each in hits)]), confidence=0.5, hits=tuple(hits)
    )


@dataclass(frozen=True, slots=True)
class Say:
    """Answers with the ids of the hits, word by word."""

    fails: str = ""

    def __call__(self, question: str, hits: list[Hit]) -> Answer:
        _fail(self.fails, question)
        return _said(question, hits)

    def stream(self, question: str, hits: list[Hit]) -> Iterator[Delta | Answer]:
        answer = _said(question, hits)
        head, *rest = answer.text.split(" ")
        yield Delta(head)
        _fail(self.fails, question)
        for each in rest:
            yield Delta(f" {each}")
        yield answer


@dataclass(frozen=True, slots=True)
class SayAtOnce:
    """Answers with the ids of the hits."""

    fails: str = ""

    def __call__(self, question: str, hits: list[Hit]) -> Answer:
        _fail(self.fails, question)
        return _said(question, hits)


@dataclass(frozen=True, slots=True)
class Shout:
    """The answer in capitals, as it comes."""

    def __call__(self, answer: Answer) -> Answer:
        return replace(answer, text=answer.text.upper())

    def stream(self, events: Iterator[Delta | Answer]) -> Iterator[Delta | Answer]:
        for each in events:
            yield Delta(each.text.upper()) if isinstance(each, Delta) else self(each)


@dataclass(frozen=True, slots=True)
class Whisper:
    """The answer in small letters, all at once."""

    def __call__(self, answer: Answer) -> Answer:
        return replace(answer, text=answer.text.lower())


@dataclass(frozen=True, slots=True)
class Wait:
    """Hands the hits on after a while; looks at its context every 2 ms."""

    seconds: float = 0.05
    name: str = ""

    blocking: ClassVar[bool] = True

    def __call__(self, hits: list[Hit], context: Context) -> list[Hit]:
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            context.check()
            time.sleep(0.002)
        return hits


@dataclass(frozen=True, slots=True)
class AsyncWait:
    """Hands the hits on after a while, awaited where there is a loop."""

    seconds: float = 0.05

    def __call__(self, hits: list[Hit], context: Context) -> list[Hit]:
        return Wait(self.seconds)(hits, context)

    async def acall(self, hits: list[Hit], context: Context) -> list[Hit]:
        await asyncio.sleep(self.seconds)
        return hits


ENOUGH = threading.Event()
"""Set by a test that has seen enough of a `Deaf` step."""


@dataclass(frozen=True, slots=True)
class Deaf:
    """Hands the hits on when the test has seen enough, whatever happens to the run meanwhile."""

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        ENOUGH.wait(60)
        return hits


@dataclass(frozen=True, slots=True)
class SaySlowly:
    """Answers a word at a time, with pauses."""

    pause: float = 0.01

    def __call__(self, question: str, hits: list[Hit], context: Context) -> Answer:
        *_, answer = self.stream(question, hits, context)
        assert isinstance(answer, Answer)
        return answer

    def stream(self, question: str, hits: list[Hit], context: Context) -> Iterator[Delta | Answer]:
        answer = _said(question, hits)
        for number, each in enumerate(answer.text.split(" ")):
            context.check()
            time.sleep(self.pause)
            yield Delta(f" {each}" if number else each)
        yield answer


@dataclass(frozen=True, slots=True)
class Stopping:
    """Ends the whole run."""

    def __call__(self, hits: list[Hit]) -> list[Hit]:
        raise Cancelled("It is enough.")
