"""Writes a question about a sentence, and reads the answer in it, by a generator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random

from ragbraid.evaluate.matching import contains
from ragbraid.generate.protocol import Completion, JsonSchema, Quotes, Request
from ragbraid.text.terms import words
from ragbraid.types import Message

Generate = Callable[[Sequence[Request]], Sequence[Completion | Exception]]

_FACTS = (
    # 14 months, 2.5 %, and neither the 3 of v3 nor that of 3rd
    re.compile(r"(?<![\dA-Za-zÀ-ÿ_.,])\d+(?:[.,:/]\d+)*(?![\dA-Za-zÀ-ÿ])(?:\s?[%€$£°]|\s[^\W\d_]+)?"),
    re.compile(r"(?<=[\w,;] )[A-ZÀ-ÞА-Я][\w-]+(?: (?:[a-z]{2,3} )?[A-ZÀ-ÞА-Я][\w-]+){0,4}"),  # Ada Lind
    re.compile(r"[“„«「\"]([^”“»」\"]{2,40})[”“»」\"]"),
    re.compile(r"`([^`\n]{2,40})`"),
)
"""What may be asked for in a sentence: quantities, names, and what is quoted."""

_EXAMPLES = (
    ("The bridge was opened in May 1932 by the mayor, Ada Lind.", "May 1932", "When was the bridge opened?"),
    ("Trains are booked in second class by the travel desk.", "travel desk", "Who books trains?"),
    ("Set `timeout` to at most 30 seconds.", "30 seconds", "How long may the timeout be?"),
    ("Copper was first smelted in the valley of Timna.", "Timna", "Where was copper first smelted?"),
)
_READ = "Answer the question with a few words taken from the text."
_TASK = "Write a short question that the text answers with exactly this answer. Don't name the answer in it."
_SCHEMA = JsonSchema(
    {
        "type": "object",
        "properties": {"question": {"type": "string", "minLength": 8, "maxLength": 160}},
        "required": ["question"],
        "additionalProperties": False,
    }
)
_LEAST_WORDS = 4
_POINTING = re.compile(r"\b(?:the|this|that) (?:text|passage|sentence|answer|document)\b", re.IGNORECASE)


def answer_in(sentence: str, draw: Random) -> str | None:
    """Words of a sentence that may be asked for; None where there are none."""
    held = [match for each in _FACTS for match in each.finditer(sentence)]
    found = [match[match.lastindex or 0].strip(" .,;:") for match in held]
    found = [each for each in dict.fromkeys(found) if 2 <= len(each) < len(sentence) / 2]
    return draw.choice(found) if found else None


def ask_back(generate: Generate, title: str, sentence: str, answer: str) -> str:
    """The generator's question; empty where what it wrote is none. Raises what it fails with."""
    request = Request(_prompt(title, sentence, answer), max_tokens=80, constraint=_SCHEMA)
    (outcome,) = generate([request])
    if isinstance(outcome, Exception):
        raise outcome
    return _sound(outcome.text, answer)


def read_back(generate: Generate, sentence: str, question: str) -> str:
    """The generator's answer to a question about a sentence, in its own words. Raises what it fails with."""
    turns = [Message("system", _READ)]
    for text, its, asked in _EXAMPLES:
        turns += [_asked(text, asked), Message("assistant", its)]
    prompt = (*turns, _asked(sentence, question))
    (outcome,) = generate([Request(prompt, max_tokens=48, constraint=Quotes((sentence,)))])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome.text


def _asked(text: str, question: str) -> Message:
    return Message("user", f"Text: {text}\nQuestion: {question}")


def _prompt(title: str, sentence: str, answer: str) -> tuple[Message, ...]:
    turns = [Message("system", _TASK)]
    for text, its, question in _EXAMPLES:
        turns += [_turn("", text, its), Message("assistant", json.dumps({"question": question}))]
    return (*turns, _turn(title, sentence, answer))


def _turn(title: str, sentence: str, answer: str) -> Message:
    about = f"About: {title}\n" if title else ""
    return Message("user", f"{about}Text: {sentence}\nAnswer: {answer}")


def _sound(text: str, answer: str) -> str:
    """The question of a completion, where it is one by its form; else an empty text."""
    try:
        question = json.loads(text)["question"]
    except (ValueError, KeyError, TypeError):  # cut off, or of a server that can't be held to a schema
        return ""
    if not isinstance(question, str):
        return ""
    question = " ".join(question.split())
    asks = question.endswith(("?", "？", "؟", ";")) and len(words(question)) >= _LEAST_WORDS
    return "" if not asks or _POINTING.search(question) or contains(question, [answer]) else question
