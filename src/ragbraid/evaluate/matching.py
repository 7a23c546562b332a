"""Whether a text holds an answer, as question answering measures it, and whether a passage is the right one.

Source: Rajpurkar et al., SQuAD, EMNLP 2016, section 6.1: exact match and F1 over normalised words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from ragbraid.evaluate.questions import Question
from ragbraid.text.terms import words

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SHINGLE = 5
"""Words in a row that two passages share where one was cut from the other."""


def normalised(text: str) -> str:
    """Lower case, without punctuation and articles, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    bare = "".join(each for each in folded if not unicodedata.category(each).startswith("P"))
    return " ".join(_ARTICLES.sub(" ", bare).split())


def contains(text: str, answers: Iterable[str]) -> bool:
    """Whether one of the answers stands in the text, both normalised."""
    held = normalised(text)
    return any(wanted in held for each in answers if (wanted := normalised(each)))


def exact(text: str, answers: Iterable[str]) -> bool:
    """Whether the text is one of the answers, both normalised."""
    return normalised(text) in map(normalised, answers)


def f1(text: str, answers: Iterable[str]) -> float:
    """The best F1 of the text's words and an answer's; Chinese, Japanese and Korean as bigrams."""
    given = words(normalised(text))
    return max((_f1(given, words(normalised(each))) for each in answers), default=0.0)


def fits(source: str, text: str, question: Question) -> int:
    """The grade of a passage for a question: its document's, or 1 where it is of a passage that fits."""
    grade = max((grade for name, grade in question.sources.items() if names(name, source)), default=0)
    return max(grade, int(any(overlap(text, each) for each in question.passages)))


def names(name: str, source: str) -> bool:
    """Whether a question set's name of a document means a source of the index.

    It is the source's own name, the id of its row (`corpus.jsonl#id=NAME`), or its file's name with or
    without folders and suffix.
    """
    if name == source or source.endswith(f"#id={name}"):
        return True
    if "#" in source:
        return False
    path = PurePosixPath(source)
    return source.endswith(f"/{name}") or name in (path.stem, str(path.with_suffix("")))


def _f1(given: list[str], wanted: list[str]) -> float:
    common = sum((Counter(given) & Counter(wanted)).values())
    return 2 * common / (len(given) + len(wanted)) if common else 0.0


def overlap(one: str, other: str) -> bool:
    """Whether at least half of the shorter one's runs of words stand in the longer one."""
    short, long = sorted((_shingles(one), _shingles(other)), key=len)
    return bool(short) and 2 * len(short & long) >= len(short)


def _shingles(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    length = min(_SHINGLE, len(found))
    return {tuple(found[at : at + length]) for at in range(len(found) - length + 1)} if found else set()
