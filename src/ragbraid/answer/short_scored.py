"""The short answer by likelihood: of all runs of words in the quotes, the one that the model finds likeliest.

The model scores the runs after a prompt of examples, text and question, all of them in one pass, and again
after the same text with a question that asks for nothing in particular: what is likely there as well is so
for the text's sake and not for the question's (contextual calibration, Zhao et al. 2021). Two cheap features
join them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragbraid.answer.answer_type import AnswerType
from ragbraid.answer.short_examples import EXAMPLES
from ragbraid.context import Context
from ragbraid.generate.protocol import Generator
from ragbraid.text.quotable import quotable
from ragbraid.text.sentences import sentences
from ragbraid.text.terms import language_of, terms
from ragbraid.types import Citation, Usage

MAX_WORDS = 8
_STARTS = 8
"""Starts of runs, the likeliest first, that are followed further."""
_CALIBRATED = 20
"""Of the runs, the best so far that are held against what is likely after any question."""
_ANYTHING = "What is it?"
_END = "\n"
_PRIOR, _ENDS, _NEW, _TYPE, _WORD = 0.4, 1.1, 2.0, 1.0, 0.1
"""Weights of what is likely after any question, of an end after the run, of what is new, of type and words.

Fitted on 473 questions of SQuAD; each of five folds chose the same.
"""


@dataclass(frozen=True, slots=True)
class _Run:
    """Words of a quote: the number of the quote, and the place in it."""

    quote: int
    start: int
    end: int
    text: str


def most_likely(
    generator: Generator, question: str, quotes: Sequence[Citation], context: Context
) -> tuple[Citation | None, Usage]:
    """The likeliest run of at most eight words as a citation; None where the quotes have no word.

    Raises what the generator raises.
    """
    begun = list(_begun(quotes))
    if not begun:
        return None, Usage()
    text = " ".join(each.quote for each in quotes)
    shown = _shown(generator, text, question)
    asked = shown + _asked(text, question)
    context.check()
    firsts = generator.score(asked, [f" {runs[0].text}" for runs in begun])
    likeliest = sorted(range(len(begun)), key=lambda at: (-firsts[at].logprob, at))[:_STARTS]
    candidates = [run for at in sorted(likeliest) for run in begun[at]]
    texts = list(dict.fromkeys(f" {run.text}" for run in candidates))
    context.check()
    after = generator.score(asked, texts, then=_END)
    context.check()
    judge = _Judge(question)
    so_far = {text: each.logprob + _ENDS * each.stop for text, each in zip(texts, after, strict=True)}

    def value(run: _Run) -> float:
        return so_far[f" {run.text}"] + judge(run.text)

    best_so_far = sorted(candidates, key=lambda run: -value(run))[:_CALIBRATED]
    kept = list(dict.fromkeys(f" {run.text}" for run in best_so_far))
    anyway = generator.score(shown + _asked(text, _ANYTHING), kept)
    prior = {text: each.logprob for text, each in zip(kept, anyway, strict=True)}
    best = max(best_so_far, key=lambda run: value(run) - _PRIOR * prior[f" {run.text}"])
    quote = quotes[best.quote]
    found = replace(quote, start=quote.start + best.start, end=quote.start + best.end, quote=best.text)
    usage = Usage(generator.count_tokens(asked), sum(each.tokens for each in after), 3)
    return found, usage


def _begun(quotes: Sequence[Citation]) -> Iterator[list[_Run]]:
    """For each word of the quotes, the runs that begin with it, the shortest first.

    None runs from one sentence into the next.
    """
    for number, quote in enumerate(quotes):
        for first, last in sentences(quote.quote):
            places, at = [], first
            for word in quotable(quote.quote[first:last]):
                start = at + len(word.gap) + len(word.lead)
                places.append((start, start + len(word.core)))
                at = start + len(word.core) + len(word.trail)
            for at, (start, _) in enumerate(places):
                yield [
                    _Run(number, start, end, quote.quote[start:end]) for _, end in places[at : at + MAX_WORDS]
                ]


def _shown(generator: Generator, text: str, question: str) -> str:
    """As many of the examples as the context window has room for, beside the text and an answer."""
    room = generator.context_window - generator.count_tokens(_asked(text, question)) - 8 * MAX_WORDS
    examples = [f"{_asked(text, asked)} {answer}\n\n" for text, asked, answer in EXAMPLES]
    while examples and generator.count_tokens("".join(examples)) > room:
        examples = examples[: len(examples) // 2]
    return "".join(examples)


def _asked(text: str, question: str) -> str:
    return f"Text: {text}\nQ: {question}\nA:"


class _Judge:
    """What speaks for a run beside its likelihood: words that the question hasn't, and the type asked for."""

    def __init__(self, question: str) -> None:
        self._language = language_of([question])
        self._known = set(terms(question, self._language))
        self._fits = AnswerType(question)

    def __call__(self, text: str) -> float:
        found = terms(text, self._language)
        new = sum(each not in self._known for each in found) / len(found) if found else 0.0
        # A name counts where it isn't a sentence's first word, which a run alone doesn't tell.
        return _NEW * new + _TYPE * self._fits(f"a {text}") + _WORD * len(text.split())
