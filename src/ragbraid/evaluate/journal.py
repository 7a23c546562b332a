"""A sweep's file: what came of each question is in it as soon as it is known, so that a sweep can go on.

JSON lines. The first says what is swept, each other one what came of a question at every point. Whatever ends
the process leaves at most the last line unfinished, and that question is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.pipeline.sharing import Tally

SCHEMA = 1

_TOLD = {
    "questions": "its questions are others",
    "points": "its settings are others",
    "recipes": "its pipeline is another",
    "stored": "the index has changed since",
    "options": "its filter or collection is another",
}
"""What a file's first line says, and what it means where that is another."""


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a question: its scores and its error at each point, and the steps that this took."""

    id: str
    scores: list[dict[str, float]]
    errors: list[str]
    tally: Tally


def rows_of(path: Path, head: Mapping[str, Any]) -> list[Row]:
    """What an earlier run of the same sweep left; nothing where there is no file.

    Raises `InputError` for a file that is of something else.
    """
    whole = whole_lines(path)
    if not whole:
        return []
    try:
        first, *others = map(json.loads, whole.splitlines())
        if first["schema"] != SCHEMA:
            raise KeyError
        found = {each["id"]: Row(**{**each, "tally": Tally(**each["tally"])}) for each in others}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} isn't a sweep.", "Name another file.") from error
    if differing := next((said for name, said in _TOLD.items() if first.get(name) != head[name]), None):
        raise InputError(
            f"{path} is of another sweep: {differing}.", "Name another file, or remove it to begin anew."
        )
    return list(found.values())


@contextmanager
def kept(path: Path | None, head: Mapping[str, Any]) -> Iterator[Callable[[Row], None]]:
    """Yields what adds a row to the file, behind the rows that are there already. None keeps nothing."""
    if path is None:
        yield lambda _: None
        return
    with appending(path, {"schema": SCHEMA, **head}) as write:
        yield lambda row: write(asdict(row))


@contextmanager
def appending(path: Path, head: Mapping[str, Any]) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yields what adds a line of JSON to the file, behind its whole lines; `head` is the first one."""
    whole = whole_lines(path)
    with path.open("r+b" if whole else "wb") as file:
        file.seek(len(whole))
        file.truncate()  # what was being written when the process ended

        def write(value: Mapping[str, Any]) -> None:
            file.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")
            file.flush()

        if not whole:
            write(head)
        yield write


def whole_lines(path: Path) -> bytes:
    """The file up to the end of its last whole line; nothing where there is no file."""
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return b""
    return held[: held.rfind(b"\n") + 1]
