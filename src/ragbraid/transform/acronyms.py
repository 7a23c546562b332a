"""The `acronyms` transform: abbreviations with what the corpus says they stand for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge

from ragbraid.context import Context
from ragbraid.index.protocol import Index
from ragbraid.text.question import LONGEST, check_question

_ACRONYM = re.compile(r"\b(?:[A-Z][A-Z0-9&-]{1,8}[A-Z0-9]|[A-Z]{2})\b")
_BEFORE = re.compile(r"((?:[\w’'-]+[ \n]+){1,12})\(\s*$")
_AFTER = re.compile(r"\s*\(([^()\n]{3,80})\)")
_MOST = 4
"""Abbreviations of a question that are looked up."""


@dataclass(frozen=True, slots=True)
class Acronyms:
    """Puts behind an abbreviation what the corpus says it stands for: "PTO (paid time off)".

    Passages of the `index` that hold it, the best `passages` under the question's scope, are read for
    "paid time off (PTO)" and "PTO (paid time off)"; a long form counts where the abbreviation's letters are
    in it in their order, the first one at its beginning, and the one that is found most often is taken.
    Source: Schwartz & Hearst, A Simple Algorithm for Identifying Abbreviation Definitions, PSB 2003.
    The trace tells what was put in. Raises `InputError` for an empty question.
    """

    index: Index
    passages: Annotated[int, Ge(1)] = 20

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, context: Context) -> str:
        """The question, with its abbreviations written out."""
        check_question(question)
        short = list(dict.fromkeys(_ACRONYM.findall(question)))[:_MOST]
        if not short or question.isupper():
            return question
        found = self.index.search_text(short, self.passages)
        known = {
            each: full
            for each, hits in zip(short, found, strict=True)
            if (full := _long_form(each, (hit.text for hit in hits)))
            and full.casefold() not in question.casefold()
        }
        text = question
        for each, full in known.items():
            text = re.sub(rf"\b{re.escape(each)}\b", lambda _, put=f"{each} ({full})": put, text, count=1)  # type: ignore[misc]
        if not known or len(text) > LONGEST:
            return question
        context.note("written_out", known)
        return text


def _long_form(short: str, texts: Iterable[str]) -> str | None:
    counted: Counter[str] = Counter()
    for text in texts:
        for match in re.finditer(rf"\b{re.escape(short)}\b", text):
            before = _BEFORE.search(text[max(0, match.start() - 200) : match.start()])
            closed = text[match.end() : match.end() + 2].lstrip().startswith(")")
            if before and closed and (full := _fits(short, before.group(1))):
                counted[full] += 1
            after = _AFTER.match(text, match.end())
            told = after.group(1).strip() if after else ""
            if told and (full := _fits(short, told)) and len(full) >= len(told) - 2:
                counted[full] += 1
    return max(sorted(counted), key=lambda each: counted[each]) if counted else None


def _fits(short: str, text: str) -> str | None:
    """The end of the text that the abbreviation stands for: its letters from the last on, as in the paper."""
    words = text.split()
    text = " ".join(words[-min(len(short) + 5, 2 * len(short)) :])
    at = len(text) - 1
    letters = [each for each in short.lower() if each.isalnum()]
    for number in range(len(letters) - 1, -1, -1):
        while at >= 0 and (
            text[at].lower() != letters[number] or (number == 0 and at > 0 and text[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
        at -= 1
    full = text[at + 1 :].strip(" ,;:")
    return full if " " in full or "-" in full else None
