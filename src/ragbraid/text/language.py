"""Which language a text is in: what its metadata says, else a cheap guess."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from ragbraid.text.stopwords import SNOWBALL, STOP_WORDS
from ragbraid.text.terms import language_of, words

_SAMPLE = 2000
_FEWEST = 12
"""Words below which nothing is guessed."""
_SHARE = 0.15
"""Of the words of running text, at least so many are stop words of its language."""
_CODES = {name: code for code, name in SNOWBALL.items()} | {"nb": "no", "nn": "no"}
_SCRIPTS = {
    "ARABIC": "ar", "CJK": "zh", "CYRILLIC": "ru", "DEVANAGARI": "hi", "GREEK": "el", "HANGUL": "ko",
    "HEBREW": "he", "HIRAGANA": "ja", "KATAKANA": "ja", "THAI": "th",
}  # fmt: skip
"""The most spoken language of each script that isn't Latin."""


def code(named: object) -> str | None:
    """The ISO 639-1 code in what a document's metadata says: "de", "de-AT" or "German"; None for neither."""
    if not isinstance(named, str):
        return None
    first = re.split("[-_]", named.strip().lower())[0]
    first = _CODES.get(first, first)
    return first if re.fullmatch("[a-z]{2,3}", first) else None


def guess(text: str) -> str | None:
    """The ISO 639-1 code of the language that a text seems to be in; None where it doesn't show.

    By the script where that isn't Latin, else by the share of stop words.
    """
    sample = text[:_SAMPLE]
    letters = [each for each in sample if each.isalpha()]
    scripts = Counter(unicodedata.name(each, "?").split()[0] for each in letters)
    foreign = {script: count for script, count in scripts.items() if script in _SCRIPTS}
    if sum(foreign.values()) * 2 > len(letters):
        kana = foreign.keys() & {"HIRAGANA", "KATAKANA"}
        return "ja" if kana else _SCRIPTS[max(foreign, key=lambda script: foreign[script])]
    found = words(sample)
    language = language_of([sample])
    known = sum(word in STOP_WORDS[language] for word in found)
    return language if len(found) >= _FEWEST and known >= _SHARE * len(found) else None
