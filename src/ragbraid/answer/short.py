"""The short answer: the model's words, held to the quotes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragbraid.answer.cite import within
from ragbraid.answer.short_examples import EXAMPLES
from ragbraid.answer.short_scored import most_likely
from ragbraid.context import Context
from ragbraid.errors import GenerationError, ModelError, Stopped
from ragbraid.generate.protocol import Completion, Generator, Quotes, Request
from ragbraid.text.sentences import sentences
from ragbraid.types import Citation, Message, Usage

MAX_WORDS = 12
_SHOWN = 4


def short_answer(
    generator: Generator, question: str, quotes: Sequence[Citation], context: Context
) -> tuple[Citation | None, Usage]:
    """The generator's run of words within the quotes, as a citation, and what it took.

    Where the engine scores many texts at once it is the likeliest run of all; else the one that the model
    writes when it can write nothing but the quotes' words. A generator that fails leaves None and a note in
    the trace: the quotes stand on their own. A model that is absent or unfit raises its `ModelError`, for
    whoever configured it wants to know.
    """
    if generator.scores_together:
        try:
            return most_likely(generator, question, quotes, context)
        except GenerationError as error:
            context.note("short", f"No short answer: {error}")
            return None, Usage()
    return _written(generator, question, quotes, context)


def _written(
    generator: Generator, question: str, quotes: Sequence[Citation], context: Context
) -> tuple[Citation | None, Usage]:
    texts = tuple(each.quote for each in quotes)
    # An answer doesn't run from one sentence into the next.
    held = tuple(text[start:end] for text in texts for start, end in sentences(text))
    request = Request(_prompt(texts, question), max_tokens=64, constraint=Quotes(held, MAX_WORDS))
    try:
        outcome = generator.generate([request])[0]
    except GenerationError as error:
        outcome = error
    if isinstance(outcome, Completion):
        place = _place(_bare(outcome.text), quotes)
        if place is None and outcome.text.strip():
            context.note("short", "The generator's words aren't in the quotes and were left out.")
        return place, outcome.usage
    if isinstance(outcome, Stopped | ModelError):
        raise outcome
    context.note("short", f"No short answer: {outcome}")
    return None, Usage()


def _prompt(texts: Sequence[str], question: str) -> tuple[Message, ...]:
    messages = [Message("system", "Answer the question with a few words taken from the text.")]
    for text, asked, answer in EXAMPLES[:_SHOWN]:
        messages += [_turn(text, asked), Message("assistant", answer)]
    return (*messages, _turn("\n".join(texts), question))


def _turn(text: str, question: str) -> Message:
    return Message("user", f"Text: {text}\nQuestion: {question}")


def _bare(words: str) -> str:
    """The words without the punctuation that the sentence, not the answer, put around them."""
    words = words.strip().lstrip(",;:.!?…。、，！？")
    ending = words.rstrip(",;:.!?…。、，！？")
    if words[len(ending) :] == "." and "." in ending.rpartition(" ")[2]:
        return words  # "p.m.", "U.S."
    for opening, closing in ("()", "[]", "「」", "“”", '""'):
        if ending.endswith(closing) and ending.count(opening) < 1 + (opening == closing):
            ending = ending[:-1]
        if ending.startswith(opening) and ending.count(closing) < 1 + (opening == closing):
            ending = ending[1:]
    return ending.strip()


def _place(words: str, quotes: Sequence[Citation]) -> Citation | None:
    """Where the words stand in the quotes: the first place at whole words, else the first at all."""
    if not words:
        return None
    whole = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
    for pattern in (whole, re.compile(re.escape(words))):
        for quote in quotes:
            found = pattern.search(quote.quote)
            if found:
                return within(quote, *found.span())
    return None
