"""Questions made from the stored documents themselves, and kept where they lead back to where they came from.

Source: Alberti et al., Synthetic QA Corpora Generation with Roundtrip Consistency, ACL 2019.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ragbraid.errors import GenerationError, InputError, StepError
from ragbraid.evaluate.asking import OnAsked
from ragbraid.evaluate.asking_back import answer_in, ask_back, read_back
from ragbraid.evaluate.matching import contains, f1, normalised, overlap
from ragbraid.evaluate.questions import Question
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.text.sentences import sentences
from ragbraid.text.terms import words

DROPPED: Mapping[str, str] = {
    "form": "the generator wrote no question, or one that names its answer",
    "twice": "the question had been made before",
    "reader": "the generator itself, shown the sentence, answers something else",
    "passage": "its passage isn't among the first ten hits",
    "answer": "the answer doesn't hold what was asked for",
    "failed": "asking it raised an error",
}
"""Why a question isn't kept."""
_TRIES = 8
"""Passages that are looked at for each question that is wanted."""
_ALL_FAIL = 5
"""So many failures at the beginning say that no question will be made, such as by a server that is down."""
_FIRST = 10
_ALIKE = 0.5
"""The F1 of two answers from which on they are the same."""
_WORDS = (6, 60)
"""The fewest and the most words of a sentence that is asked about."""


@dataclass(slots=True)
class Made:
    """Questions that lead back, each with the source that it was made from, and how many didn't, and why."""

    questions: list[tuple[Question, str]] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def tried(self) -> int:
        """Questions that were written."""
        return sum(each.answers != () for each, _ in self.questions) + sum(self.dropped.values())

    def to_json(self) -> dict[str, Any]:
        """As `ragbraid questions --json` prints it."""
        return {
            "questions": [as_line(each, source) for each, source in self.questions],
            "tried": self.tried,
            "dropped": {name: self.dropped[name] for name in DROPPED},
        }


def make(
    pipeline: Pipeline,
    names: Sequence[str] | None = None,
    *,
    count: int = 50,
    seed: int = 0,
    collection: str | None = None,
    on_asked: OnAsked | None = None,
) -> Made:
    """Make `count` questions, or as many as come of the passages that are there.

    Of a sentence from a passage a number, a name or a quoted term is chosen, and the pipeline's generator
    writes a question that this answers. Shown the sentence, it must give the same answer; and the pipeline,
    asked the question, must have the passage among its first ten hits and hold the answer. `names` are
    sources as `Pipeline.sources` takes them. The same seed, documents and pipeline give the same questions.
    Raises `InputError` for a pipeline without a generator or without `ask`, what `sources` raises, and what
    each of the first questions fails with.
    """
    draw, made, said = Random(seed), Made(), set[str]()
    if not count:
        return made
    pipeline.steps("ask")
    pipeline.generate(())  # what the pipeline lacks is told before anything is read
    for source, title, sentence in _sentences(pipeline, names, draw, count, collection):
        answer = answer_in(sentence, draw)
        if answer is None:
            continue
        try:
            text = ask_back(pipeline.generate, title, sentence, answer)
            fault = _fault(pipeline, text, sentence, answer, said, collection)
        except (GenerationError, InputError, StepError):  # of this question alone, unless it is of each
            text, fault = "", "failed"
            if made.dropped["failed"] + 1 == made.tried + 1 == _ALL_FAIL:
                raise
        if fault is not None:
            made.dropped[fault] += 1
        else:
            said.add(normalised(text))
            made.questions.append((_question(text, sentence, answer), source))
            if on_asked is not None:
                on_asked(text, len(made.questions), count)
            if len(made.questions) == count:
                break
    return made


def as_line(question: Question, source: str = "") -> dict[str, Any]:
    """A question as a line of a question set; `from` is for people, and not read."""
    line: dict[str, Any] = {"id": question.id, "question": question.text}
    if question.answers is not None:
        line["answers"] = list(question.answers)
    if question.passages:
        line["passages"] = list(question.passages)
    return {**line, "from": source} if source else line


def _question(text: str, sentence: str, answer: str) -> Question:
    return Question(identity(text), text, (answer,), passages=(sentence,))


def identity(text: str) -> str:
    """A question's id, of its words."""
    return hashlib.sha256(normalised(text).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _fault(
    pipeline: Pipeline, text: str, sentence: str, answer: str, said: Collection[str], collection: str | None
) -> str | None:
    """Why a question isn't kept; None where it leads back."""
    if not text:
        return "form"
    if normalised(text) in said:
        return "twice"
    if f1(read_back(pipeline.generate, sentence, text), [answer]) < _ALIKE:
        return "reader"
    found = pipeline.ask(text, collection=collection)
    if not any(overlap(each.text, sentence) for each in found.hits[:_FIRST]):
        return "passage"
    return None if not found.abstained and contains(found.text, [answer]) else "answer"


def _sentences(
    pipeline: Pipeline, names: Sequence[str] | None, draw: Random, count: int, collection: str | None
) -> Iterator[tuple[str, str, str]]:
    """Source, title and a sentence of each of some passages, drawn from all alike."""
    sources = pipeline.sources(names, collection=collection)
    places = [(each.source, at) for each in sources for at in range(each.chunks)]
    for source, at in draw.sample(places, min(len(places), _TRIES * count)):
        document = pipeline.document(source, collection=collection)
        if at >= len(document.chunks):  # the index was written to meanwhile
            continue
        text = document.chunks[at].text
        held = [" ".join(text[start:end].split()) for start, end in sentences(text)]
        fit = [each for each in held if _WORDS[0] <= len(words(each)) <= _WORDS[1]]
        if fit:
            yield source, str(document.metadata.get("title", "")), draw.choice(fit)
