"""Questions with what is known of their answers, and the file that holds them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError

_TEXT = ("question", "user_input", "query", "text")
_ID = ("id", "_id", "question_id")
_ANSWERS = ("answers", "answer", "reference", "ground_truth", "ground_truths")
_SOURCES = ("sources", "source", "paragraph", "documents")
_PASSAGES = ("passages", "reference_contexts")
_SHOWN = 5
"""How many of a file's problems are told."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its labels. What isn't known of it isn't measured on it.

    `answers` are right answers, any of which will do; none at all (`()`) says that the documents can't
    answer it, and None that nobody said. `sources` are the documents that speak of it, by name, with their
    grades; `passages` are texts that do.
    """

    id: str
    text: str
    answers: tuple[str, ...] | None = None
    sources: Mapping[str, int] = field(default_factory=dict)
    passages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions in their order, each id once."""

    name: str
    questions: tuple[Question, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of all questions and labels: equal digests, comparable results."""
        rows = json.dumps([asdict(each) for each in self.questions], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(rows.encode("utf-8", "surrogatepass")).hexdigest()

    def first(self, count: int) -> QuestionSet:
        """`count` questions, taken evenly from all."""
        if count >= len(self.questions):
            return self
        step = len(self.questions) / count
        return QuestionSet(self.name, tuple(self.questions[int(at * step)] for at in range(count)))


def read_questions(path: Path) -> QuestionSet:
    """Read a question set: JSON lines, a SQuAD file, or a folder in BEIR's layout.

    A line has a `question` and may have an `id`, `answers` (a text or a list; an empty list where the
    documents have no answer), `sources` (names of documents, or a mapping of them to grades) and `passages`
    (texts that hold the answer). RAGAS's names (`user_input`, `reference`, `reference_contexts`) are
    understood too. Raises `InputError` for a file that isn't there or can't be read, and with every broken
    line for one that has some.
    """
    from ragbraid.evaluate import layouts

    if path.is_dir():
        return _checked(path, layouts.beir(path))
    text = _text(path)
    if path.suffix.lower() == ".json":
        return _checked(path, layouts.squad(path, text))
    problems: list[str] = []
    found = list(_lines(text, problems))
    _demand_sound(path, problems)
    return _checked(path, found)


def read_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Each line's number and its JSON value. Raises `InputError` with every line that isn't JSON."""
    problems: list[str] = []
    found = list(_values(_text(path), problems))
    _demand_sound(path, problems)
    yield from found


def _lines(text: str, problems: list[str]) -> Iterator[Question]:
    for number, value in _values(text, problems):
        try:
            yield question(value, str(number))
        except ValueError as error:
            problems.append(f"line {number}: {error}")


def question(value: Any, fallback: str) -> Question:
    """One question of its JSON object. Raises `ValueError` with what is wrong, in half a sentence."""
    if not isinstance(value, Mapping):
        raise ValueError("it isn't a JSON object")
    text = _first(value, _TEXT)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it has no `question`")
    identity = _first(value, _ID)
    return Question(
        id=fallback if identity is None else str(identity),
        text=text,
        answers=None if (held := _first(value, _ANSWERS)) is None else tuple(_texts(held, "answers")),
        sources=_graded(_first(value, _SOURCES)),
        passages=tuple(_texts(_first(value, _PASSAGES) or (), "passages")),
    )


def _values(text: str, problems: list[str]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(f"line {number}: it isn't JSON ({str(error).partition(':')[0].lower()})")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"The questions {path} can't be read: {(error.strerror or str(error)).lower()}.",
            "Name a file of JSON lines such as "
            '{"question": "…", "answers": ["…"]}, or a folder in BEIR\'s layout.',
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"The questions {path} aren't UTF-8 (byte {error.start}).", "Save it as UTF-8."
        ) from error


def _checked(path: Path, found: Sequence[Question]) -> QuestionSet:
    if not found:
        raise InputError(f"There is no question in {path}.", 'A line is {"question": "…", "answers": ["…"]}.')
    twice = [name for name, times in Counter(each.id for each in found).items() if times > 1]
    _demand_sound(path, [f"two questions have the id {name!r}" for name in twice])
    return QuestionSet(path.name, tuple(found))


def _demand_sound(path: Path, problems: Sequence[str]) -> None:
    if problems:
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise InputError(
            f"The questions {path} are broken: {'; '.join(problems[:_SHOWN])}{more}.",
            "Mend the file: a question that was left out would change every figure.",
        )


def _first(value: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _texts(value: Any, what: str) -> Iterator[str]:
    for each in [value] if isinstance(value, str) else value:
        if not isinstance(each, str):
            raise ValueError(f"`{what}` wants texts, not {type(each).__name__}")
        yield each


def _graded(value: Any) -> dict[str, int]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        grades = dict(value)
    else:
        grades = dict.fromkeys([value] if isinstance(value, str) else value, 1)
    for name, grade in grades.items():
        if not isinstance(name, str) or not isinstance(grade, int) or isinstance(grade, bool):
            raise ValueError("`sources` wants names, or names with whole numbers as grades")
    return grades
