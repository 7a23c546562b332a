"""Whether a text holds the kind of thing that a question asks for."""

from __future__ import annotations

import re

_TIME = re.compile(
    r"\b(?:1\d{3}|20\d\d)s?\b|\bcentur|\b(?:january|february|march|april|may|june|july|august|september"
    r"|october|november|december)\b|\b\d+(?:st|nd|rd|th)\b|\b(?:januar|februar|märz|mai|juni|juli|oktober"
    r"|dezember|jahrhundert)\b|\d年|世紀|世纪",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
    r"|hundred|thousand|million|billion|half|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf"
    r"|hundert|tausend)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[\w,;)\]] )[A-ZÀ-Þ]\w+")
_CAUSE = re.compile(
    r"\b(?:because|due to|since|therefore|thus|so that|in order to|caused?|reason|result|owing|weil|denn|da"
    r"|deshalb|daher|wegen|aufgrund)\b|ため|ので|因为|由于",
    re.IGNORECASE,
)
_ASKS_TIME = r"\bwhen\b|\b(?:what|which) (?:year|century|date|month|day)\b|\bwann\b|いつ|什么时候"
_ASKS_NUMBER = r"\bhow (?:many|much|long|old|far|tall|large|big|often)\b|\bwie ?viele?\b|いくつ|多少"
_ASKS_CAUSE = r"\bwhy\b|\bwarum\b|\bwieso\b|\bweshalb\b|なぜ|为什么"
_ASKS_NAME = r"\b(?:who|whom|whose|where|wer|wem|wen|wessen|wo|woher|wohin)\b"
_KINDS = tuple(
    (re.compile(asks, re.IGNORECASE), found)
    for asks, found in (
        (_ASKS_TIME, _TIME),
        (_ASKS_NUMBER, _NUMBER),
        (_ASKS_CAUSE, _CAUSE),
        (_ASKS_NAME, _NAME),
    )
)


class AnswerType:
    """Whether a text holds what a question asks for: a date, a number, a cause, a name."""

    def __init__(self, question: str) -> None:
        self.pattern = next((found for asks, found in _KINDS if asks.search(question)), None)
        self.known = {match.lower() for match in re.findall(r"\w+", question)}

    def __call__(self, text: str) -> float:
        if self.pattern is None:
            return 0.5
        return float(any(match.group().lower() not in self.known for match in self.pattern.finditer(text)))
