"""What two questions must have in common to be one: their words in their order, but for how one asks."""

from __future__ import annotations

import re
import unicodedata

from ragbraid.text.stopwords import STOP_WORDS

_LEAD = re.compile(
    r"(?:please,?\s+)?(?:(?:(?:can|could|would)\s+you\s+(?:please\s+)?)?tell\s+me\s+|"
    r"i(?:'d|\s+would)\s+like\s+to\s+know\s+)?(?=(?:how|what|when|where|which|who|whom|whose|why)\s)",
    re.IGNORECASE,
)
_ASKS = frozenset(["what", "when", "where", "who"])
_MEASURES = frozenset(
    ["big", "deep", "expensive", "far", "heavy", "high", "large", "long", "old", "tall", "wide"]
)
_COPULAS = frozenset(["is", "are", "was", "were"])


def wording(question: str) -> tuple[str, ...]:
    """The question's words. Two questions of equal ones ask the same.

    No stop word is left out and nothing is stemmed, since either makes questions of one that aren't: "from
    Paris to London" and back, "who is hired" and "who hired", "how much vitamin a" and "how much vitamin".
    What counts as equal is a direct and an indirect question in English ("How long is parental leave?",
    "Please tell me how long the parental leave is"), the case of a first word that is no name, and marks at
    the end.
    """
    text = unicodedata.normalize("NFC", question).replace("’", "'").strip()
    text = re.sub(r"[\s?？。¿]+$", "", text)
    text = re.sub(r"(?<=[^\W\d_])[.!]+$", "", text)  # 5! is another number than 5
    found = _LEAD.sub("", text, count=1).split() if _LEAD.match(text) else text.split()
    if found and found[0] == found[0].capitalize() and found[0].casefold() in STOP_WORDS["en"]:
        found[0] = found[0].casefold()  # a sentence's first word is no name
    return _indirect(found)


def _indirect(found: list[str]) -> tuple[str, ...]:
    """`how long is the …` as `how long … is`; anything else as it is."""
    measured = found[:1] == ["how"] and found[1:2] != [] and found[1] in _MEASURES
    if not measured and (not found or found[0] not in _ASKS):
        return tuple(found)
    asked = 2 if measured else 1
    head, rest = found[:asked], found[asked:]
    if len(rest) > 1 and rest[0] in _COPULAS:
        rest = [*rest[1:], rest[0]]
    # "What is the time?" and "How old is the man?" are others than those without the article.
    if measured and len(rest) > 3 and rest[0] == "the" and rest[-1] in _COPULAS:
        rest = rest[1:]
    return (*head, *rest)
