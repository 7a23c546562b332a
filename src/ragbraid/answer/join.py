"""The answers to parts of a question as one answer to the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ragbraid.answer.confidence import refusal
from ragbraid.answer.markers import renumbered
from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.types import Answer, Citation, Hit, Usage


@dataclass(frozen=True, slots=True)
class Join:
    """Joins the answers to several questions into one, each below its question, with the citations of all.

    A marker `[n]` is made to name the same passage among the hits of all answers, and one that names none is
    removed. A citation is kept where its quote stands in one of the hits at its place; what isn't is left out
    and told in the trace. The confidence is that of the least sure answer, since each part is needed;
    it abstains where all do. One answer alone stays as it is, its question unsaid. Raises `InputError` where
    there aren't as many answers as questions.
    """

    def __call__(self, questions: list[str], answers: list[Answer], context: Context) -> Answer:
        """One answer."""
        if len(questions) != len(answers):
            raise InputError(
                f"There are {len(questions)} questions and {len(answers)} answers to be joined.",
                "Where a map may skip items, give `questions: map.items`: those that it has answered.",
            )
        hits = _once(hit for each in answers for hit in each.hits)
        if not answers:
            return Answer(refusal([], None), abstained=True)
        places = {hit.id: number for number, hit in enumerate(hits, 1)}
        texts = [_renumbered(each, places) for each in answers]
        cited = dict.fromkeys(citation for each in answers for citation in each.citations)
        held = tuple(each for each in cited if _stands(each, hits, places))
        if len(held) < len(cited):
            context.note("citations_removed", len(cited) - len(held))
        if len(answers) == 1:
            return replace(answers[0], text=texts[0], citations=held)
        return Answer(
            "\n\n".join(
                f"{question.strip()}\n{text}" for question, text in zip(questions, texts, strict=True)
            ),
            abstained=all(each.abstained for each in answers),
            confidence=min(each.confidence for each in answers),
            citations=held,
            hits=tuple(hits),
            usage=summed([each.usage for each in answers]),
        )


def _once(hits: Iterable[Hit]) -> list[Hit]:
    found: dict[str, Hit] = {}
    for hit in hits:
        found.setdefault(hit.id, hit)
    return list(found.values())


def _renumbered(answer: Answer, places: dict[str, int]) -> str:
    if answer.abstained or answer.text == "\n".join(each.quote for each in answer.citations):
        return answer.text  # brackets in it are the documents' own
    names = {number: places[hit.id] for number, hit in enumerate(answer.hits, 1)}
    return renumbered(answer.text, names)


def _stands(citation: Citation, hits: Sequence[Hit], places: dict[str, int]) -> bool:
    """Whether a citation is verbatim what a hit says at its place."""
    place = places.get(citation.chunk_id)
    if place is None:
        return False
    hit = hits[place - 1]
    start, end = citation.start - hit.start, citation.end - hit.start
    return (
        citation.source == hit.source
        and 0 <= start < end <= len(hit.text)
        and hit.text[start:end] == citation.quote
    )


def summed(usages: Sequence[Usage]) -> Usage:
    """What several answers took together."""
    return Usage(
        sum(each.prompt_tokens for each in usages),
        sum(each.completion_tokens for each in usages),
        sum(each.calls for each in usages),
    )
