"""What people said of answers → questions with labels.

A record is a JSON object, one a line:

- `question` and `verdict`, which is `up` or `down`;
- of the answer that was shown: `answer` (its text), `short`, `abstained`, and `citations` as
  `ragbraid ask --json` prints them;
- `correct`, where whoever asked said what would have been right;
- `passages`, a list of the texts that they marked as right, whatever was quoted.

Other keys, such as the time, are left alone. Of several records of one question the last one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.evaluate.making import as_line, identity
from ragbraid.evaluate.matching import normalised
from ragbraid.evaluate.questions import Question, read_lines

VERDICTS = ("up", "down")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Feedback:
    """The questions that records label, and of how many nothing follows."""

    questions: tuple[Question, ...]
    unlabelled: int

    def to_json(self) -> dict[str, Any]:
        """As `ragbraid questions --feedback FILE --json` prints it."""
        return {"questions": [as_line(each) for each in self.questions], "unlabelled": self.unlabelled}


def read_feedback(path: Path) -> Feedback:
    """Turn a file of records into questions with labels.

    Thumbs up: what was quoted is a passage that speaks of the question, the short answer is right, and where
    the pipeline refused, a refusal is. Thumbs down: what is `correct` is right, and so are the `passages`;
    without either nothing is known of what would be, so such a record labels nothing. Raises `InputError`
    with every broken line, and for a file that can't be read.
    """
    problems: list[str] = []
    latest: dict[str, Question | None] = {}
    for number, value in read_lines(path):
        try:
            text, found = _labelled(value)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        key = normalised(text)
        latest.pop(key, None)  # its place is that of the record that counts
        latest[key] = found
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(
            f"The feedback {path} is broken: {'; '.join(problems[:_SHOWN])}{more}.", "Mend these lines."
        )
    kept = tuple(each for each in latest.values() if each is not None)
    return Feedback(kept, len(latest) - len(kept))


def _labelled(record: Any) -> tuple[str, Question | None]:
    """The question of a record, and what is known of it. Raises `ValueError` with what is wrong."""
    if not isinstance(record, Mapping):
        raise ValueError("it isn't a JSON object")
    text, verdict = record.get("question"), record.get("verdict")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it has no `question`")
    if verdict not in VERDICTS:
        raise ValueError(f"its `verdict` isn't {' or '.join(VERDICTS)}")
    correct, short = _text(record, "correct"), _text(record, "short")
    quotes = tuple(dict.fromkeys(_quotes(record)))
    name = identity(text)
    marked = _passages(record)
    if correct:
        return text, Question(name, text, (correct,), passages=marked or (quotes if verdict == "up" else ()))
    if marked:
        return text, Question(name, text, (short,) if short and verdict == "up" else None, passages=marked)
    if verdict == "down":
        return text, None
    if record.get("abstained") is True:
        return text, Question(name, text, ())
    if not short and not quotes:
        return text, None
    return text, Question(name, text, (short,) if short else None, passages=quotes)


def _quotes(record: Mapping[str, Any]) -> list[str]:
    cited = record.get("citations", [])
    if not isinstance(cited, list):
        raise ValueError("its `citations` aren't a list")
    found = [each.get("quote") if isinstance(each, Mapping) else None for each in cited]
    if not all(isinstance(each, str) and each for each in found):
        raise ValueError("one of its `citations` has no `quote`")
    return [str(each) for each in found]


def _passages(record: Mapping[str, Any]) -> tuple[str, ...]:
    marked = record.get("passages", [])
    if not isinstance(marked, list) or not all(isinstance(each, str) and each for each in marked):
        raise ValueError("its `passages` aren't a list of texts")
    return tuple(dict.fromkeys(marked))


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"its `{key}` isn't a text")
    return (value or "").strip()
