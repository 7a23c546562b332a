"""Numbers and names in a claim that its passages don't have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ragbraid.answer.openers import OPENERS
from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.text.terms import language_of, stem, words

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
_NO_NAME = ("ly", "ing", "ed")
_TOKEN = re.compile(rf"(?P<number>{_NUMBER.pattern})|(?P<word>[^\W\d_]+|%)|(?P<end>[.!?;](?=\s|$)|\n\s*\n)")
_MONTH_NAMES = """january february march april may june july august september october november december
januar februar märz mai juni juli oktober dezember"""
_MONTHS = frozenset(_MONTH_NAMES.split())
_YEAR = re.compile(r"1\d{3}|20\d\d")
_SHORT: Mapping[str, tuple[str, ...]] = {
    "%": ("percent", "prozent"), "mm": ("millim",), "cm": ("centim", "zentim"), "m": ("metr", "meter"),
    "km": ("kilom",), "mi": ("mile",), "ft": ("feet", "foot"), "g": ("gram",), "kg": ("kilo",), "t": ("ton",),
    "l": ("lit",), "s": ("sec", "sek"), "min": ("minut",), "h": ("hour", "stund"), "w": ("watt",),
    "kw": ("kilowatt",), "v": ("volt",), "c": ("celsius",), "eur": ("euro",), "usd": ("dollar",),
}  # fmt: skip
"""Units and how their names begin."""
_NEAR = 3
"""Words on either side of a number, within which its unit or month stands."""


def missing_facts(claim: str, passages: Iterable[str]) -> list[str]:
    """The numbers and names of a claim that its passages don't have.

    A number may stand in words in either text. What it counts, and the month that it belongs to, has to stand
    near it in the passages, too: 33 metres aren't 33 days. A name is a word with a capital; where nouns are
    written so, as in German, names aren't told. A sentence's first word is one, too, in English, unless it is
    of those that often begin a sentence.
    """
    held = "\n\n".join(passages)
    numbers, known = set(_numbers(held)), set(words(held))
    missing = [each for each in _numbers(claim) if each not in numbers]
    language = language_of([claim])
    missing += _strangers(claim, held, language)
    if language != "de":
        missing += [each for each in _names(claim) if not set(words(each)) <= known]
    if language == "en":
        stems = {stem(each, "en") for each in known}
        missing += [each for each in _first_words(claim) if stem(words(each)[0], "en") not in stems]
    return list(dict.fromkeys(missing))


def _strangers(claim: str, held: str, language: str) -> list[str]:
    """Numbers with what stands beside them in the claim, and nowhere near them in the passages."""
    near: dict[str, set[str]] = {}
    for at, token, tokens in _counted(held):
        around = [*tokens[max(at - _NEAR, 0) : at], *tokens[at + 1 : at + 1 + _NEAR]]
        near.setdefault(token, set()).update(stem(each.casefold(), language) for each in around)
    missing = []
    for at, token, tokens in _counted(claim):
        for beside in _companions(at, token, tokens, language):
            name = stem(beside.casefold(), language)
            if token in near and not any(_same(name, each) for each in near[token]):
                missing.append(f"{token} {beside}")
    return missing


def _counted(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Each number in digits: its place among the words of its sentence, itself, and those words."""
    sentence: list[tuple[str, bool]] = []
    for match in [*_TOKEN.finditer(text), None]:
        if match is not None and not match["end"]:
            number = match["number"]
            sentence.append((_plain(number), True) if number else (match.group(), False))
            continue
        tokens = [token for token, _ in sentence]
        yield from ((at, token, tokens) for at, (token, is_number) in enumerate(sentence) if is_number)
        sentence = []


def _companions(at: int, token: str, tokens: list[str], language: str) -> Iterator[str]:
    """What a number counts, and the month that it belongs to."""
    before, after = tokens[at - 1] if at else "", tokens[at + 1] if at + 1 < len(tokens) else ""
    yield from (each for each in (before, after) if each.casefold() in _MONTHS and each[:1].isupper())
    dated = _YEAR.fullmatch(token) and (before in STOP_WORDS.get(language, ()) or before[:1].isupper())
    if (after.islower() or after == "%") and after not in STOP_WORDS.get(language, ()) and not dated:
        plural = tokens[at + 2] if at + 2 < len(tokens) else ""
        yield plural if plural.islower() and plural.endswith("s") else after


def _same(one: str, other: str) -> bool:
    """Whether two units are one: metres and m, kilogrammes and kg."""
    return one == other or any(
        long.startswith(_SHORT[short]) for short, long in ((one, other), (other, one)) if short in _SHORT
    )


def _plain(number: str) -> str:
    plain = _THOUSANDS.sub("", number).replace(",", ".")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain.lstrip("0") or "0"


def _numbers(text: str) -> Iterator[str]:
    yield from map(_plain, _NUMBER.findall(text))
    for word in words(text):
        if word in _WORDS:
            yield _WORDS[word]


def _names(text: str) -> Iterator[str]:
    return (name for name, begins in _capitals(text) if not begins)


def _first_words(text: str) -> Iterator[str]:
    """The first words of English sentences that may be names."""
    for word, begins in _capitals(text):
        plain = word.casefold()
        opens = plain in OPENERS or plain in STOP_WORDS["en"] or plain in _WORDS
        if begins and words(word) and not opens and not plain.endswith(_NO_NAME):
            yield word


def _capitals(text: str) -> Iterator[tuple[str, bool]]:
    """The words with a capital, and whether they begin a sentence."""
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip(" \t\n\"'“”„«(*_")
        if match.group().casefold() not in _NOT_NAMES:
            begins = not before or before[-1] in ".!?:;。！？"
            yield match.group().removesuffix("'s").removesuffix("’s"), begins
