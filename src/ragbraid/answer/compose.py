"""Answers in prose, written by the generator, each statement with the number of its passage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.answer.candidates import candidates
from ragbraid.answer.cite import cite
from ragbraid.answer.confidence import confidence, refusal
from ragbraid.answer.features import features
from ragbraid.answer.markers import Markers, marked
from ragbraid.answer.prompt import fitted
from ragbraid.context import Context
from ragbraid.generate.protocol import Completion, Generator, Request
from ragbraid.text.question import check_question
from ragbraid.text.sentences import sentences
from ragbraid.text.terms import language_of, terms
from ragbraid.types import Answer, Citation, Delta, Hit, Message, Usage


@dataclass(frozen=True, slots=True)
class Compose:
    """Answers in prose with `[n]` markers, each resolved to the passage's sentence that supports it best.

    The generator sees the best `passages`, as many as fit its window, and the conversation so far. A marker
    that names no passage is removed, and the trace says so. What the prose says is not verified beyond
    that: `quote` promises more. An answer has at most `max_tokens` of the model's tokens. Abstains where
    there are no hits. Raises `InputError` for an empty question, and whatever the generator fails with.
    """

    generator: Generator
    passages: Annotated[int, Ge(1)] = 6
    max_tokens: Annotated[int, Ge(1)] = 400

    blocking: ClassVar[bool] = True

    def __call__(
        self, question: str, hits: list[Hit], context: Context, history: list[Message] | None = None
    ) -> Answer:
        """The whole answer at once."""
        *_, answer = self.stream(question, hits, context, history)
        assert isinstance(answer, Answer)
        return answer

    def stream(
        self, question: str, hits: list[Hit], context: Context, history: list[Message] | None = None
    ) -> Iterator[Delta | Answer]:
        """The prose as it is written, then the answer."""
        check_question(question)
        if not hits:
            yield Answer(refusal(hits, None), abstained=True)
            return
        shown = hits[: self.passages]
        prompt, kept = fitted(self.generator, question, shown, history or (), self.max_tokens, context)
        markers, usage = Markers(kept), Usage()
        for piece in self.generator.stream(Request(prompt, max_tokens=self.max_tokens)):
            context.check()
            if isinstance(piece, Completion):
                usage = piece.usage
            elif clean := markers.feed(piece):
                yield Delta(clean)
        if rest := markers.finish():
            yield Delta(rest)
        if markers.removed:
            context.note("markers_removed", markers.removed)
        yield Answer(
            text=markers.text,
            confidence=_confidence(question, shown, hits),
            citations=_citations(markers.text, shown[:kept]),
            hits=tuple(hits),
            usage=usage,
        )


def _confidence(question: str, shown: Sequence[Hit], hits: Sequence[Hit]) -> float:
    return confidence(features(question, candidates(shown), hits, None), hits)


def _citations(text: str, hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """One citation for each sentence of a passage that a marker rests on, in the order of the prose."""
    language = language_of([text])
    rests = [(claim, hits[number - 1]) for claim, number in marked(text)]
    return tuple(dict.fromkeys(cite(hit, *_support(claim, hit, language)) for claim, hit in rests))


def _support(claim: str, hit: Hit, language: str) -> tuple[int, int]:
    """The passage's sentence that shares most terms with the claim; the earliest of equals."""
    wanted = set(terms(claim, language))
    spans = sentences(hit.text) or [(0, len(hit.text))]
    return max(spans, key=lambda span: len(wanted & set(terms(hit.text[slice(*span)], language))))
