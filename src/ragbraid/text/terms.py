"""Words as a search counts them: folded, without stop words, stemmed; bigrams where no spaces are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from ragbraid.text.stopwords import SNOWBALL, STOP_WORDS

_WIDE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\uff66-\uff9f"
_TOKEN = re.compile(rf"(?P<wide>[{_WIDE}]+)|[^\W_{_WIDE}]+")


def words(text: str) -> list[str]:
    """The text's words in lower case (NFKC); Chinese, Japanese and Korean runs as character bigrams."""
    found: list[str] = []
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        token = match.group()
        if match.group("wide") and len(token) > 1:
            found.extend(token[i : i + 2] for i in range(len(token) - 1))
        else:
            found.append(token)
    return found


def terms(text: str, language: str = "en") -> list[str]:
    """The words that carry meaning, stemmed (Snowball), in order and with repetitions.

    `language` is an ISO 639-1 code; one without stop words or stemmer leaves the words as they are.
    """
    return [stem(word, language) for word in _meaning(text, language)]


@lru_cache(maxsize=4096)
def passage_terms(text: str, language: str = "en") -> tuple[str, ...]:
    """`terms` of a passage, remembered: several steps of a search look at the same ones."""
    return tuple(terms(text, language))


def surfaces(text: str, language: str = "en") -> dict[str, str]:
    """Each of the text's terms with the first word that it stands for."""
    found: dict[str, str] = {}
    for word in _meaning(text, language):
        found.setdefault(stem(word, language), word)
    return found


@lru_cache(maxsize=1 << 16)
def stem(word: str, language: str = "en") -> str:
    """The Snowball stem of a word in lower case."""
    stemmer = _stemmer(language)
    return word if stemmer is None else str(stemmer.stemWord(word))


def language_of(texts: Iterable[str]) -> str:
    """The language whose stop words are most frequent, as an ISO 639-1 code; `en` where none is."""
    found = words(" ".join(text[:2000] for text in texts))
    counts = {code: sum(word in stop for word in found) for code, stop in STOP_WORDS.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] > counts["en"] else "en"


def _meaning(text: str, language: str) -> Iterator[str]:
    stop = STOP_WORDS.get(language, frozenset())
    return (word for word in words(text) if word not in stop)


@lru_cache(maxsize=32)
def _stemmer(language: str) -> Any:
    name = SNOWBALL.get(language)
    if name is None:
        return None
    import Stemmer

    return Stemmer.Stemmer(name)
