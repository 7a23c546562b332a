"""How text becomes the terms of the lexical index: one analyser per language, bigrams for CJK.

Words are lower-cased and stemmed (Snowball) in the language that the document's metadata names under `lang`,
English where it names none, and left unstemmed in a language without a stemmer. Scripts that are written
without spaces are indexed beside it as characters and pairs of characters. Stop words stay in the index and
are dropped from queries that have other words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any

import tantivy

STEMMED: Mapping[str, str] = {
    "ar": "arabic", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "no": "norwegian",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
OTHER = "other"
CJK = "cjk"
LANGUAGES = (*STEMMED, OTHER)
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+"
)
_LONGEST_TERM = 255


def language(metadata: Mapping[str, Any]) -> str:
    """The analyser for a document: from its `lang`, be it "de", "de-AT" or "German"."""
    named = metadata.get("lang")
    return _code(named.strip().lower()) if isinstance(named, str) and named.strip() else "en"


@lru_cache(maxsize=256)
def _code(name: str) -> str:
    code = re.split("[-_]", name)[0]
    code = {"nb": "no", "nn": "no"}.get(code, code)
    by_name = {full: short for short, full in STEMMED.items()}
    return code if code in STEMMED else by_name.get(name, OTHER)


@cache
def analyser(code: str, stop_words: bool = True) -> Any:
    """tantivy's analyser of a language; without stop words for queries."""
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    builder = builder.filter(tantivy.Filter.remove_long(_LONGEST_TERM)).filter(tantivy.Filter.lowercase())
    if not stop_words and code in STEMMED:
        builder = builder.filter(tantivy.Filter.stopword(STEMMED[code]))
    if code in STEMMED:
        builder = builder.filter(tantivy.Filter.stemmer(STEMMED[code]))
    return builder.build()


def pairs_analyser() -> Any:
    """tantivy's analyser for what `pairs` returns."""
    return tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()


def normal(text: str) -> str:
    """Compatible characters made one (full-width letters, ligatures, accents as marks)."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def pairs(text: str) -> str:
    """Characters and pairs of characters of the scripts without spaces, for indexing."""
    if text.isascii():
        return ""
    return " ".join(term for run in _SPACELESS.findall(text) for term in (*run, *_bigrams(run)))


def query_pairs(text: str) -> list[str]:
    """The terms that a query looks for among `pairs`: pairs, or the character that stands alone."""
    return _unique(term for run in runs(text) for term in run)


def query_terms(code: str, text: str) -> list[str]:
    """The terms of a query in one language, each once; its stop words only where it has no others."""
    return _unique(analyser(code, stop_words=False).analyze(spaced(text))) or _unique(terms(code, text))


def terms(code: str, text: str) -> list[str]:
    """All terms of a text in one language, in order."""
    found: list[str] = analyser(code).analyze(spaced(text))
    return found


def runs(text: str) -> list[list[str]]:
    """The terms of each run of the scripts without spaces, in order: pairs, or the character alone."""
    return [] if text.isascii() else [_bigrams(run) or [run] for run in _SPACELESS.findall(text)]


def spaced(text: str) -> str:
    """A text with a space for what `pairs` takes, so that a word beside it stands alone."""
    return text if text.isascii() else _SPACELESS.sub(" ", text)


def _bigrams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _unique(terms: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(terms))
