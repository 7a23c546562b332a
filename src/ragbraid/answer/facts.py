"""Numbers and names in a claim that its passages don't have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ragbraid.text.terms import language_of, words

_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f ]\d{3})*(?:[.,]\d+)?")
_THOUSANDS = re.compile(r"(?<=\d)[.,\u00a0\u202f ](?=\d{3}(?!\d))")
_NAME = re.compile(r"[^\W\d_a-zß-öø-ÿ][\w'’.-]*\w|[^\W\d_a-zß-öø-ÿ]\b")
_UNITS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen"""
_TENS = "ten twenty thirty forty fifty sixty seventy eighty ninety"
_WORDS = {
    **{name: str(number) for number, name in enumerate(_UNITS.split())},
    **{name: f"{number}0" for number, name in enumerate(_TENS.split(), start=1)},
}
_NOT_NAMES = frozenset({"i", "i'm", "i’m"})


def missing_facts(claim: str, passages: Iterable[str], question: str) -> list[str]:
    """The numbers and names of a claim that neither its passages nor, for names, the question have.

    Dates are numbers with the name of a month. A number may stand in words in either text. A name is a word
    with a capital that doesn't begin a sentence; where nouns are written so, as in German, names aren't told.
    """
    held = " ".join(passages)
    numbers, known = set(_numbers(held)), {*words(held), *words(question)}
    missing = [each for each in _numbers(claim) if each not in numbers]
    if language_of([claim]) != "de":
        missing += [each for each in _names(claim) if not set(words(each)) <= known]
    return list(dict.fromkeys(missing))


def _numbers(text: str) -> Iterator[str]:
    for match in _NUMBER.finditer(text):
        plain = _THOUSANDS.sub("", match.group()).replace(",", ".")
        yield plain.rstrip("0").rstrip(".") if "." in plain else plain.lstrip("0") or "0"
    for word in words(text):
        if word in _WORDS:
            yield _WORDS[word]


def _names(text: str) -> Iterator[str]:
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip(" \t\n\"'“”„«(*_")
        begins = not before or before[-1] in ".!?:;。！？"
        if not begins and match.group().casefold() not in _NOT_NAMES:
            yield match.group().removesuffix("'s").removesuffix("’s")
