"""Whether an answer's citations still hold: later, elsewhere, against the index or the files of now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from ragbraid.errors import IndexMissing, InputError, LoadError, SourceMissing
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.text.lines import line_at
from ragbraid.text.sentences import sentences
from ragbraid.text.terms import language_of, terms
from ragbraid.types import Citation, Reading

Verdict: TypeAlias = Literal["true", "moved", "changed", "gone", "false"]

VERDICTS: Mapping[Verdict, str] = {
    "true": "it stands there word for word",
    "moved": "it stands word for word at another place",
    "changed": "what stands there now says it in other words",
    "gone": "the document isn't there any more, or no longer says it",
    "false": "the document is as it was, and never said it",
}
"""What each verdict means. The first two hold."""

HOLDING = frozenset({"true", "moved"})

_LIKE = 0.6
"""Share of the terms, of the longer one of quote and passage, that both must have for one to be a change."""

Place: TypeAlias = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Checked:
    """A citation with its verdict. `place` is where it stands now, or what comes nearest, and `text` that.

    `lines` are the first and last line of that place, where its document has lines.
    """

    source: str
    start: int
    end: int
    quote: str
    verdict: Verdict
    place: Place | None = None
    text: str = ""
    lines: tuple[int, int] | None = None


class _Read(Protocol):
    """A document as it is now, stored or in its file."""

    @property
    def text(self) -> str: ...

    @property
    def reading(self) -> Reading: ...


_Find: TypeAlias = Callable[[str], _Read | None]


def verify(
    pipeline: Pipeline,
    answers: Any,
    *,
    files: bool = False,
    collection: str | None = None,
) -> list[Checked]:
    """Check every citation of an answer's JSON, or of several.

    Each is looked for in the stored document, or with `files` in the file that it was made of, as that is
    now; where the source is gone, in all others too, and with `files` in those beside it, since it may have
    been renamed. Raises `InputError` for
    a value that isn't an answer, and where there is no index to look into.
    """
    cited = list(_citations(answers))

    def find(source: str) -> _Read | None:
        try:
            return pipeline.read(source) if files else pipeline.document(source, collection=collection)
        except (SourceMissing, LoadError):
            return None

    if not files:
        pipeline.demand_stored(collection=collection)
    found = {source: find(source) for source in dict.fromkeys(each.source for each in cited)}
    others: list[str] = []
    if None in found.values():
        with suppress(IndexMissing):
            others = [each.source for each in pipeline.sources(collection=collection)]
        if files:
            gone = (source for source, document in found.items() if document is None)
            beside = (each for source in gone for each in _beside(pipeline.base, source))
            others = list(dict.fromkeys([*others, *beside]))
    return [_checked(each, found[each.source], others, find) for each in cited]


def load_answers(path: Path) -> Any:
    """The JSON of a file of one answer, a list of them, or one a line. Raises `InputError` for another."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = (getattr(error, "strerror", None) or "it isn't UTF-8").lower()
        raise InputError(
            f"{path} can't be read: {said}.", "Make one with `ragbraid ask … --json > FILE`."
        ) from error
    try:
        try:
            return json.loads(text)
        except ValueError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} isn't JSON.", "Make one with `ragbraid ask … --json > FILE`.") from error


def _citations(answers: Any) -> Iterator[Citation]:
    held = answers if isinstance(answers, list) else [answers]
    for number, answer in enumerate(held, start=1):
        try:
            # A short answer's place lies within the quotes, and is a citation all the same.
            short = answer.get("short_citation")
            for each in [*answer["citations"], *([short] if short else [])]:
                found = Citation(
                    *(each[name] for name in ("source", "start", "end", "quote", "content_hash"))
                )
                if not (isinstance(found.quote, str) and found.quote) or not isinstance(found.start, int):
                    raise TypeError
                yield found
        except (KeyError, TypeError, AttributeError) as error:
            which = "The value" if len(held) == 1 else f"Value {number}"
            raise InputError(
                f"{which} isn't an answer as `ragbraid ask --json` prints it.", "Its `citations` are wanted."
            ) from error


def _beside(base: Path, source: str) -> Iterator[str]:
    """The names of the files in a file's folder."""
    folder, slash, _ = source.rpartition("/")
    with suppress(OSError):
        for each in sorted((base / folder).iterdir()):
            if each.is_file():
                yield f"{folder}{slash}{each.name}"


def _checked(cited: Citation, document: _Read | None, others: Iterable[str], find: _Find) -> Checked:
    if document is not None:
        verdict, place, text = _judged(cited, document.text)
    else:
        document, verdict, place, text = _elsewhere(cited, others, find)
    lines = None if place is None or document is None else _lines(document, *place[1:])
    return Checked(cited.source, cited.start, cited.end, cited.quote, verdict, place, text, lines)


def _lines(document: _Read, start: int, end: int) -> tuple[int, int] | None:
    if not document.reading.verbatim:
        return None
    return line_at(document.text, start), line_at(document.text, max(start, end - 1))


def _judged(cited: Citation, text: str) -> tuple[Verdict, Place | None, str]:
    """By the text of the document that is cited."""
    if text[cited.start : cited.end] == cited.quote:
        return "true", (cited.source, cited.start, cited.end), cited.quote
    at = _nearest_place(text, cited.quote, cited.start)
    if at >= 0:
        return "moved", (cited.source, at, at + len(cited.quote)), cited.quote
    if hashlib.sha256(text.encode()).hexdigest() == cited.content_hash:
        return "false", None, ""
    like = _likest(text, cited.quote)
    if like is None:
        return "gone", None, ""
    start, end = like
    return "changed", (cited.source, start, end), text[start:end]


def _elsewhere(
    cited: Citation, others: Iterable[str], find: _Find
) -> tuple[_Read | None, Verdict, Place | None, str]:
    """In any other document; a short quote may stand in many, so the whole document must be the one."""
    for source in others:
        document = find(source)
        if document is None or hashlib.sha256(document.text.encode()).hexdigest() != cited.content_hash:
            continue
        verdict, place, text = _judged(cited, document.text)
        if place is not None:
            return document, "moved", (source, *place[1:]), text
        return None, verdict, None, ""
    return None, "gone", None, ""


def _nearest_place(text: str, quote: str, start: int) -> int:
    """Where the quote stands nearest to where it stood; -1 where it doesn't."""
    after = text.find(quote, max(start, 0))
    before = text.rfind(quote, 0, max(start, 0) + len(quote))
    if before < 0 or (after >= 0 and after - start < start - before):
        return after
    return before


def _likest(text: str, quote: str) -> tuple[int, int] | None:
    """The run of sentences that has most words in common with the quote; None where that is few."""
    language = language_of([quote])
    wanted = set(terms(quote, language))
    spans = sentences(text)
    count = max(1, len(sentences(quote)))
    best, found = 0.0, None
    for at in range(len(spans)):
        run = spans[at][0], spans[min(at + count, len(spans)) - 1][1]
        here = set(terms(text[slice(*run)], language))
        common = len(wanted & here) / max(len(wanted), len(here), 1)
        if common > best:
            best, found = common, run
    return found if best >= _LIKE else None
