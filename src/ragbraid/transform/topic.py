"""What a conversation is about just now: the words that a follow-up leaves out, and how it gets them back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ragbraid.text.question import LONGEST
from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.text.terms import language_of, stem
from ragbraid.transform.references import OPENERS, names, need, person
from ragbraid.types import Message

_TOKEN = re.compile(r"\w(?:[\w.'’#&/-]*\w)?")
_READ = 1000
"""Characters of an earlier message that are looked at."""
_SHORT = 12
"""Words of an answer whose names are what it says; a longer one speaks of much else besides."""
_FRAGMENT = re.compile(
    r"(?:(?:in|at|on|for|of|with|by|from|to|the|für|mit|von|bei|pour|de|para|con|per|di)\s+)*", re.I
)


def exchanges(history: Sequence[Message], turns: int) -> list[tuple[str, str]]:
    """The last questions that were asked, each with its answer (empty where there is none), oldest first.

    It reads no further back than that, however long the history is.
    """
    found: list[tuple[str, str]] = []
    answer = ""
    for each in reversed(history):
        if each.role == "assistant":
            answer = each.content[:_READ]
        elif each.role == "user":
            found.append((each.content[:_READ], answer))
            answer = ""
            if len(found) == turns:
                break
    return found[::-1]


def about(said: Sequence[tuple[str, str]], most: int) -> tuple[str, str]:
    """The last question in full, as far as rules can tell, and its answer."""
    whole = answer = ""
    for question, next_answer in said:
        whole, answer = resolved(question, whole, answer, most), next_answer
    return whole, answer


def resolved(question: str, before: str, answer: str, most: int) -> str:
    """A question with what it leaves out, from the question before it (in full) and that one's answer.

    "And in Kent?" after "How many live in Essex?" becomes "How many live in Kent?"; any other has the words
    with meaning of the question before behind it, at most `most` of them: "How high is it (lighthouse)?".
    """
    language = language_of([question, before])
    why = need(question, language)
    if not why or not before:
        return question
    if why == "ellipsis" and (swapped := _swapped(question, before, language)):
        return swapped
    carried = _carried(question, before, answer, language)[:most]
    whole = f"{question.rstrip(' ?.!')} ({' '.join(carried)})?"
    return whole if carried and len(whole) <= LONGEST else question


def _carried(question: str, before: str, answer: str, language: str) -> list[str]:
    """Words with meaning of the question before and, where someone is meant, the names of its answer."""
    there = {stem(each, language) for each in _folded(question)}
    given = names(f". x {answer}") if person(question, language) and len(answer.split()) <= _SHORT else []
    found: dict[str, str] = {}
    for word in [*_meaning(before, language), *(each for name in given for each in _TOKEN.findall(name))]:
        found.setdefault(stem(word.casefold(), language), word)
    return [word for key, word in found.items() if key not in there]


def _meaning(text: str, language: str) -> Iterator[str]:
    stop = STOP_WORDS.get(language, STOP_WORDS["en"])
    return (each for each in _TOKEN.findall(text) if each.casefold() not in stop)


def _folded(text: str) -> list[str]:
    return [each.casefold() for each in _TOKEN.findall(text)]


def _swapped(question: str, before: str, language: str) -> str | None:
    """The question before with its one name (or number) replaced, where the follow-up is just another."""
    opener = OPENERS.get(language, OPENERS["en"]).match(question.strip())
    if opener is None:
        return None
    rest = question.strip()[opener.end() :].strip(" ,?.!")
    value = rest[len(_FRAGMENT.match(rest).group()) :]  # type: ignore[union-attr]  # it matches the empty text
    number = value.isdigit()
    held = re.findall(r"\b\d+\b", before) if number else names(before)
    if not value or (not number and names(f"x {value}") != [value]) or len(set(held)) != 1:
        return None
    return re.sub(rf"(?<!\w){re.escape(held[0])}(?!\w)", lambda _: value, before)
