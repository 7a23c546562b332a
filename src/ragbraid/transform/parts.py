"""The parts of a question that asks for more than one thing, by rules: English."""

from __future__ import annotations

import re

from ragbraid.transform.references import meaning, need
from ragbraid.transform.topic import resolved

_ASKING = (
    r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|has|have|had|can|could|will"
    r"|would|should|may|in which|at which|on which|by whom|for how|since when|from where|to whom)"
)
_TWO = re.compile(
    rf"(?:\s*[,;]\s*|\s+)(?:and|but|or)\s+(?:also\s+|then\s+)?(?={_ASKING}\b)|;\s*(?={_ASKING}\b)", re.I
)
_STARTS = re.compile(rf"{_ASKING}\b", re.I)
_OPENER = re.compile(r"^(?:and|but|or|also)\s+(?:also\s+)?", re.I)
_CARRIED = 12
"""Words with meaning of the first part that a later one may need."""
_END = re.compile(r"(?<=[?？])\s+")
# A thing that can be compared: a name, or a noun with its article.
_DETERMINER = r"(?:the|a|an|our|my|your|this|that)"
_NAMED = re.compile(rf"\b{_DETERMINER}\s+\w+|\s[A-Z]\w")
_DIFFERENCE = re.compile(
    r"(?:what(?:'s| is| are| was) the (?:main |key )?(?:differences?|distinctions?|relation(?:ship)?) between"
    r"|what distinguishes|how does|how do|compare)\s+(?P<a>.+?)"
    r"\s+(?P<by>and|from|with|to|vs\.?|versus|differ from|compare (?:to|with))\s+(?:differ from\s+)?"
    r"(?P<b>.+?)[?.!]*$",
    re.I,
)
_COMPARED = re.compile(
    r"(?P<verb>is|was|are|were)\s+(?P<a>.+?)\s+(?P<how>more\s+\w+|\w+er|better|worse)\s+than\s+(?P<b>.+?)[?.!]*$",
    re.I,
)
_WHICH = re.compile(
    r"(?:which|who|what)(?:\s+\w+)??\s+(?P<verb>is|was|are|were)\s+(?P<how>more\s+\w+|\w+er|better|worse)\s*[,:]\s*"
    r"(?P<a>.+?),?\s+or\s+(?P<b>.+?)[?.!]*$",
    re.I,
)
_BOTH = re.compile(
    rf"(?P<head>.*?\b)(?P<verb>are|were|do|did|have|had)\s+(?:both\s+)?(?P<a>{_DETERMINER}\s+\w+(?:\s\w+)?|[A-Z][\w.-]*)"
    rf"\s+and\s+(?P<b>{_DETERMINER}\s+\w+|[A-Z][\w.-]*)(?P<rest>(?:\s+\w+){{0,4}})[?.!]*$"
)
_SINGULAR = {"are": "is", "were": "was", "do": "does", "did": "did", "have": "has", "had": "had"}
_IRREGULAR = {
    "better": "good",
    "worse": "bad",
    "older": "old",
    "elder": "old",
    "farther": "far",
    "further": "far",
}


def parts(question: str, most: int) -> list[str]:
    """What a question asks for, one by one, each complete; the question alone where it is one.

    Several questions in a row, two joined by a conjunction, and comparisons are told apart.
    """
    text = question.strip()
    asked = [part for each in _END.split(text) for part in _joined(each)]
    if len(asked) == 1:
        return (_compared(text) or _coordinated(text) or [text])[:most]
    first, *later = asked[:most]
    return [first, *(_whole(_asked(_OPENER.sub("", each)), first) for each in later)]


def _whole(part: str, first: str) -> str:
    """A later part with what the first one named, where it says "it" for that or names nothing itself."""
    lacks = need(part) == "pronoun" or (len(meaning(part)) < 2 and not _NAMED.search(part))
    return resolved(part, first, "", _CARRIED) if lacks else part


def _joined(text: str) -> list[str]:
    """The two questions of "Who built it, and when was it lit?"; a question that is one, alone."""
    found = [each.strip(" ,;") for each in _TWO.split(text)]
    if len(found) == 1 or not _STARTS.match(found[0]):
        return [text] if text else []
    if any(len(each.split()) < 2 for each in found[:-1]):
        return [text]
    return [_asked(each) for each in found]


def _compared(text: str) -> list[str]:
    match = _WHICH.match(text) or _COMPARED.match(text)
    if match:
        how = _positive(match["how"])
        return [f"How {how} {_number(match['verb'])} {match[each].strip()}?" for each in ("a", "b")]
    match = _DIFFERENCE.match(text)
    if match is None or (
        match["by"] in ("and", "to", "with", "from") and not text.lower().startswith(("what", "compare"))
    ):
        return []
    of = re.match(r"(?P<what>the\s+[\w\s]+?\s+of)\s+(?P<a>.+)$", match["a"], re.I)
    if of:
        return [_asked(f"What is {of['what']} {each.strip()}") for each in (of["a"], match["b"])]
    return [_asked(f"What is {match[each].strip()}") for each in ("a", "b")]


def _coordinated(text: str) -> list[str]:
    match = _BOTH.match(text)
    if match is None or not match["head"].strip():
        return []
    verb, rest = _SINGULAR[match["verb"].lower()], match["rest"]
    return [_asked(f"{match['head']}{verb} {match[each]}{rest}") for each in ("a", "b")]


def _positive(how: str) -> str:
    """The adjective of a comparative: "high" of "higher"."""
    how = " ".join(how.lower().split())
    if how.startswith("more "):
        return how.removeprefix("more ")
    if how in _IRREGULAR:
        return _IRREGULAR[how]
    stem = how.removesuffix("er")
    if stem.endswith("i"):
        return stem[:-1] + "y"
    if len(stem) > 2 and stem[-1] == stem[-2] and stem[-1] not in "ls":
        return stem[:-1]
    return (
        stem + "e"
        if stem.endswith(("larg", "wid", "lat", "clos", "saf", "wis", "nic", "rar", "simpl"))
        else stem
    )


def _number(verb: str) -> str:
    return {"are": "is", "were": "was"}.get(verb.lower(), verb.lower())


def _asked(text: str) -> str:
    bare = text.strip().rstrip("?.! ")
    return f"{bare[:1].upper()}{bare[1:]}?"
