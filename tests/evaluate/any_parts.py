"""Stand-ins for models in any shipped pipeline: a writer that tells the truth and lies, and a reranker."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

from ragbraid.context import Context
from ragbraid.generate.protocol import Completion, JsonSchema, Quotes, Request, Score
from ragbraid.types import Hit, Message, Usage

_PASSAGE = re.compile(r"^\[(\d+)\] (.*?)(?=^\[\d+\] |\n\nQuestion: |\Z)", re.M | re.S)

_EMBEDDER = {"type": "testing/hash-embedder"}
_STAND_INS = {"local": {"type": "any_parts:Writer"}, "openai": {"type": "any_parts:Writer"}}


def with_stand_ins(node: Any, abstain: str = "never") -> Any:
    """A pipeline's file with nothing in it that wants weights or a network."""
    if isinstance(node, list):
        return [with_stand_ins(each, abstain) for each in node]
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    if kind == "sentence-transformer":
        return dict(_EMBEDDER)
    if kind in _STAND_INS:
        return dict(_STAND_INS[kind])
    if kind == "cross-encoder":
        return {"type": "any_parts:shuffled"}
    found = {name: with_stand_ins(each, abstain) for name, each in node.items()}
    if "max_tokens" in found:
        found["max_tokens"] = min(found["max_tokens"], 240)  # the stand-in sees no more
    return {**found, "abstain": abstain} if kind == "quote" else found


def shuffled(question: str, hits: list[Hit]) -> list[Hit]:
    """The hits in an order that the question decides."""
    return sorted(hits, key=lambda hit: sha256(f"{question} {hit.id}".encode("utf-8", "replace")).digest())


@dataclass(frozen=True, slots=True)
class Writer:
    """A generator that keeps to no instruction, and to every constraint."""

    def open(self) -> WriterRuntime:
        return WriterRuntime()


class WriterRuntime:
    """Writes what the passages say, near it, or far from it; the same for the same prompt."""

    context_window = 100_000
    scores_together = False

    def count_tokens(self, prompt: tuple[Message, ...] | str) -> int:
        return len(str(prompt).split())

    def generate(
        self, requests: Sequence[Request], *, context: Context | None = None
    ) -> list[Completion | Exception]:
        return [self._written(each) for each in requests]

    def stream(self, request: Request, *, context: Context | None = None) -> Iterator[str | Completion]:
        written = self._written(request)
        draw, rest = Random(len(written.text)), written.text
        while rest:
            size = draw.randint(1, 9)
            yield rest[:size]
            rest = rest[size:]
        yield written

    def score(
        self,
        prompt: tuple[Message, ...] | str,
        continuations: Sequence[str],
        *,
        then: str | None = None,
        context: Context | None = None,
    ) -> list[Score]:
        raise NotImplementedError

    def close(self) -> None:
        pass

    def _written(self, request: Request) -> Completion:
        draw = Random(sha256(repr(request).encode("utf-8", "replace")).digest())
        held_to = request.constraint
        if isinstance(held_to, Quotes):
            return Completion(_run(draw, draw.choice(held_to.texts), held_to.max_words), usage=Usage(1, 1, 1))
        said = request.prompt if isinstance(request.prompt, str) else request.prompt[-1].content
        if isinstance(held_to, JsonSchema):
            return Completion(json.dumps(_fitting(draw, held_to.schema, said)), usage=Usage(1, 1, 1))
        passages = [(int(number), text) for number, text in _PASSAGE.findall(said)] or [(1, "nothing")]
        text = " ".join(_sentence(draw, passages) for _ in range(draw.randint(0, 6)))
        return Completion(text, usage=Usage(1, 1, 1))


def _sentence(draw: Random, passages: list[tuple[int, str]]) -> str:
    number, text = draw.choice(passages)
    other, _ = draw.choice(passages)
    run = _run(draw, text, 15)
    return draw.choice(
        [
            f"{run} [{number}].", f"{run} [{number}]", f"It says “{run}” [{number}].", f'"{run}" [{other}].',
            f"- {run}. [{number}][{other}]\n", f"{run}.", f"{run} [{number + 50}].",
            f"“{run} and lies” [{number}].",
            f"In {draw.randint(1, 3000)} there was {run} [{number}].", "I can't answer that.",
        ]
    )  # fmt: skip


def _fitting(draw: Random, schema: Mapping[str, Any], said: str) -> Any:
    """What fits a schema, its texts words that were said."""
    if "anyOf" in schema:
        return _fitting(draw, draw.choice(schema["anyOf"]), said)
    if "const" in schema or "enum" in schema:
        return draw.choice(schema.get("enum", [schema.get("const")]))
    match schema["type"]:
        case "object":
            return {name: _fitting(draw, each, said) for name, each in schema["properties"].items()}
        case "array":
            return [_fitting(draw, schema["items"], said)]
        case "string":
            return _run(draw, said, 8)
        case "null":
            return None
        case kind:
            return draw.random() < 0.5 if kind == "boolean" else draw.randint(0, 3000)


def _run(draw: Random, text: str, most: int) -> str:
    """Whole words in a row, as they stand there."""
    words = list(re.finditer(r"\S+", text))
    if not words:
        return text
    start = draw.randrange(len(words))
    end = min(len(words), start + draw.randint(1, most)) - 1
    return text[words[start].start() : words[end].end()]
