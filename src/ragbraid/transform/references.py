"""Whether a question makes sense alone: words that point back, and what is left when they are gone.

Rules, no model, after what makes questions of a conversation incomplete: coreference and omission (Elgohary,
Peskov & Boyd-Graber, Can You Unpack That?, EMNLP 2019, section 3). English in detail; German, French, Spanish
and Italian by their pronouns and first words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypeAlias

from ragbraid.text.stopwords import STOP_WORDS
from ragbraid.text.terms import words

Need: TypeAlias = Literal["pronoun", "ellipsis", ""]
"""Why a question doesn't make sense alone; empty where it does."""

_PRONOUNS_OF = {
    "en": """
he him his himself she her hers herself it its itself they them their theirs themselves these those
former latter others else
""",
    "de": """
er ihn ihm sein seine seinem seinen seiner sie ihr ihre ihrem ihren ihrer ihnen es dessen deren dies
dieser diese dieses diesem diesen jener jene jenes dort dorthin daran darauf darin damit davon dafür dazu
dabei danach dagegen darüber
""",
    "fr": "il elle ils elles lui leur leurs son sa ses celui celle ceux celles cela ça y en",
    "es": """
él ella ellos ellas lo le les su sus suyo suya ese esa eso esos esas este esta esto estos estas allí ahí
""",
    "it": """
egli lui lei essi esse loro gli suo sua suoi sue questo questa questi queste quello quella quelli quelle
ci ne lì là
""",
}
_PRONOUNS: Mapping[str, frozenset[str]] = {
    code: frozenset(text.split()) for code, text in _PRONOUNS_OF.items()
}
OPENERS: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r"(?:and|but|or|so|also|then|what about|how about|what if)\b", re.I),
    "de": re.compile(r"(?:und|aber|oder|also|auch|was ist mit|wie ist es mit|wie steht es)\b", re.I),
    "fr": re.compile(r"(?:et|mais|ou|alors|aussi|qu'en est-il)\b", re.I),
    "es": re.compile(r"¿?\s*(?:y|e|pero|o|entonces|también|qué hay de|qué tal)\b", re.I),
    "it": re.compile(r"(?:e|ed|ma|o|allora|anche|che dire)\b", re.I),
}
# Only where they stand so: "problems that …", "is there …" and "one of the first" point at nothing.
_POINTING = re.compile(
    r"\b(?:this|that)\s*(?:[?.!,;]|$)"
    r"|\b(?:of|in|on|at|by|for|from|to|with|after|before|about|than|like|is|was|are|were|do|does|did|can"
    r"|could|will|would|has|had|all)\s+(?:this|that)\b"
    r"|^\s*(?:this|that)\b|\bthis\s+\w+"
    r"|\b(?:which|the|that|this|another|last|first|next|other|\w+er|\w+est)\s+ones?\b(?!\s+of)"
    r"|\bones\b|\b(?:there|then|here|instead|too|as well|again|afterwards|otherwise)\s*[?.!]*\s*$"
    r"|\b(?:the\s+other|of\s+(?:which|whom)|both)\b",
    re.I,
)
# "How long does it take to …" and "is it possible to …" mean nothing by `it`.
_EMPTY_IT = re.compile(
    r"\b(?:does|did|will|would|can)\s+it\s+(?:take|cost|need|mean|matter)\b[^?]*\b(?:to|if|when|that)\b"
    r"|\b(?:is|was)\s+it\s+\w+\s+(?:to|that|for)\b",
    re.I,
)
_NAME = re.compile(
    r"\b(?:[A-ZÀ-ÖØ-Þ][\w’'-]*[\w]|[A-Z]|\w*[a-z][A-Z]\w*|\w*[A-Za-z][\w-]*\d\w*|\w+_\w+)\b|`[^`]+`|\"[^\"]+\""
)
_ENOUGH = 4
"""Words with meaning that a question without a name wants, to be taken for complete."""
_LONG = 40
"""Words of a question that says by itself what its pronouns mean."""
_CLAUSE = re.compile(
    r"[,;:.?!]\s+|\s+(?:and|but|because|if|when|while|und|aber|weil|wenn|et|mais|y|pero|e|ma)\s+"
)
_PEOPLE_OF = {
    "en": "he him his she her hers they them their",
    "de": "er ihn ihm sein seine sie ihr ihre ihnen",
    "fr": "il elle ils elles lui leur son sa ses",
    "es": "él ella ellos ellas le les su sus",
    "it": "egli lui lei essi loro suo sua",
}
_PEOPLE: Mapping[str, frozenset[str]] = {code: frozenset(text.split()) for code, text in _PEOPLE_OF.items()}


def need(question: str, language: str = "en") -> Need:
    """Whether a question points back at what was said before, or leaves something out."""
    said = words(question)
    if len(said) > _LONG:
        return ""
    opener = OPENERS.get(language, OPENERS["en"]).match(question.lstrip())
    if _points(question, language):
        first = _CLAUSE.split(question.strip(), maxsplit=1)[0]
        # "Who built the church, and who painted its altar?" says itself what the pronoun means.
        own = not opener and not _points(first, language) and len(meaning(first, language)) > 1
        return "" if own else "pronoun"
    if opener:
        return "ellipsis"
    told = len(meaning(question, language))
    return "" if told >= _ENOUGH or (told > 1 and names(question)) else "ellipsis"


def _points(text: str, language: str) -> bool:
    bare = _EMPTY_IT.sub(" ", text) if language == "en" else text
    pronouns = _PRONOUNS.get(language, frozenset())
    return not pronouns.isdisjoint(words(bare)) or (language == "en" and _POINTING.search(bare) is not None)


def meaning(text: str, language: str = "en") -> list[str]:
    """The words of a text that aren't function words, in lower case."""
    stop = STOP_WORDS.get(language, STOP_WORDS["en"])
    return [each for each in words(text) if each not in stop]


def person(question: str, language: str = "en") -> bool:
    """Whether a question points at someone, as far as its pronouns tell."""
    return not _PEOPLE.get(language, frozenset()).isdisjoint(words(question))


def names(text: str) -> list[str]:
    """Names and identifiers in a text, in order: runs of capitalised words but the first of a sentence, code.

    What stands in quotation marks or backticks is one, too.
    """
    found: list[str] = []
    end = -1
    for match in _NAME.finditer(text):
        before = text[: match.start()].rstrip()
        plain = match.group().isalpha() and not any(each.isupper() for each in match.group()[1:])
        if match.group() == "I" or (plain and (not before or before[-1] in ".?!:¿¡")):
            continue
        if found and text[end : match.start()].isspace():
            found[-1] = text[end - len(found[-1]) : match.end()]
        else:
            found.append(match.group())
        end = match.end()
    return found
