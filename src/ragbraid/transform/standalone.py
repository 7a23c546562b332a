"""The `standalone` transform: a question of a conversation, so that it makes sense without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.generate.protocol import Generator
from ragbraid.text.question import LONGEST, check_question
from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.text.terms import language_of, stem, words
from ragbraid.transform.references import names, need
from ragbraid.transform.topic import about, exchanges, resolved
from ragbraid.transform.writing import generated
from ragbraid.types import Message

_ASKED = (
    "Rewrite the last question of this conversation so that it can be understood without the rest: put the "
    "name in the place of each pronoun, and add what was left out. Change nothing else and don't answer it. "
    "Reply with the question alone.\n\n{said}\n\nLast question: {question}"
)


@dataclass(frozen=True, slots=True)
class Standalone:
    """Makes of a follow-up a question that can be searched for, and leaves one alone that can be already.

    A test of microseconds comes first: does it point back ("How high is it?"), or leave something out ("And
    in Kent?")? Then rules give it what is missing: the name is swapped in the question before it, or the
    words with meaning of that question, in full, are put behind it, at most `words`. Only where a pronoun may
    mean one of several names, or there is nothing to carry over, the `generator` is asked, if there is one.
    What it writes, at most `max_tokens`, is taken if it keeps the question's words, adds some, and has no
    name or number that wasn't said. The last `turns` questions and their answers are read, never more. The
    trace tells the question, why it was changed, and by whom. Source: Elgohary, Peskov & Boyd-Graber, Can You
    Unpack That?, EMNLP 2019; for carried words Voskarides et al., Query Resolution, SIGIR 2020.

    Raises `InputError` for an empty question, and whatever the generator fails with.
    """

    generator: Generator | None = None
    turns: Annotated[int, Ge(1)] = 4
    words: Annotated[int, Ge(1)] = 12
    max_tokens: Annotated[int, Ge(1)] = 64

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context, history: list[Message] | None = None) -> str:
        """The question, standing alone."""
        check_question(question)
        said = exchanges(history or (), self.turns)
        before, answer = about(said, self.words)
        why = need(question, language_of([question, before])) if said else ""
        if not why:
            return question
        found, by = resolved(question, before, answer, self.words), "rules"
        refused: str | None = None
        if self.generator is not None and (found == question or _ambiguous(question, why, before, answer)):
            by = "the generator"
            written = self._written(self.generator, question, said, context)
            if not _sound(written, question, said):
                refused = written
                by = "rules, after the generator"
            else:
                found = written
        told = {"question": found, "why": why, "by": by}
        # No sentence, which a command would print: nothing went amiss.
        context.note("rewritten", told if refused is None else {**told, "refused": refused})
        return found

    def _written(
        self, generator: Generator, question: str, said: Sequence[tuple[str, str]], context: Context
    ) -> str:
        """What the generator makes of it, with as much of the conversation as fits."""
        turns = list(said)
        while True:
            text = "\n".join(f"Question: {before}\nAnswer: {answer}" for before, answer in turns)
            asked = _ASKED.format(said=text, question=question)
            tokens = generator.count_tokens((Message("user", asked),)) + self.max_tokens
            if len(turns) == 1 or tokens <= generator.context_window:
                break
            turns = turns[1:]
        outcome = generated(generator, asked, self.max_tokens, context, stop=("\n",))
        return outcome.text.strip().strip("\"'").strip()


def _ambiguous(question: str, why: str, before: str, answer: str) -> bool:
    """Whether a pronoun may mean more than one name of the question before and its answer."""
    met = dict.fromkeys([*names(before), *names(f"x {answer}")])
    return why == "pronoun" and len(met) > 1 and not names(question)


def _sound(written: str, question: str, said: Sequence[tuple[str, str]]) -> bool:
    """Whether a rewrite asks what the question does, adds something, and names nothing that wasn't said."""
    if not 0 < len(written) <= LONGEST or (question.rstrip().endswith("?") and not written.endswith("?")):
        return False
    known = {
        stem(each) for text in (question, *(part for pair in said for part in pair)) for each in words(text)
    }
    own = {stem(each) for each in words(question)}
    told = [each for name in names(f"x {written}") for each in words(name)]
    told = [
        each for each in [*told, *filter(str.isdigit, words(written))] if len(each) > 1
    ]  # no "s" of "Ann's"
    rewritten = {stem(each) for each in words(written)}
    kept = own - {stem(each) for each in STOP_WORDS["en"]}
    return (
        {stem(each) for each in told} <= known
        and bool((rewritten - own) & known)
        and 2 * len(kept & rewritten) >= len(kept)
    )
