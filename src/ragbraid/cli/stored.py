"""A stored document for people: how it was read, and where it was cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ragbraid.cli import output
from ragbraid.cli.progress import chunks
from ragbraid.serial import to_json
from ragbraid.text.counted import counted
from ragbraid.text.language import code, guess

if TYPE_CHECKING:
    from ragbraid.pipeline.holdings import Source, StoredChunk, StoredDocument


def as_json(document: StoredDocument, state: Source, tokens: Sequence[int] | None) -> dict[str, Any]:
    """The document, what is known of its origin, its language, and each chunk with its tokens."""
    told: dict[str, Any] = to_json(document)
    for each, count in zip(told["chunks"], _counts(document, tokens), strict=True):
        each["tokens"] = count
    origin = {"origin": state.origin, "size": state.size, "stored_at": to_json(state.stored_at)}
    return {**told, **origin, "language": _language(document)[0]}


def show_document(document: StoredDocument, state: Source, tokens: Sequence[int] | None) -> None:
    """Print all of it: facts, warnings, metadata, chunks, text."""
    output.show(output.one_line(document.source), bold=True)
    language, how = _language(document)
    stored = None if state.stored_at is None else f"{state.stored_at.astimezone():%Y-%m-%d %H:%M}"
    output.show_pairs(
        {
            "from": output.one_line(state.origin) if state.origin != document.source else None,
            "size": None if state.size is None else output.size(state.size),
            "read by": _reader(document),
            "type": document.media_type,
            "language": None if language is None else f"{language}, {how}",
            "text": counted(len(document.text), "character"),
            "pages": f"{len(document.pages)}" if document.pages else None,
            "stored": stored,
            "sha256": document.content_hash,
        }
    )
    if document.warnings:
        output.show("\nWarnings", bold=True)
        for warning in document.warnings:
            output.show(f"- {output.one_line(warning)}", hanging=2)
    if document.metadata:  # apart from the above: a document says of itself what it likes
        output.show("\nMetadata", bold=True)
        output.show_pairs(
            {output.one_line(key): output.value(each) for key, each in document.metadata.items()}
        )
    output.show(f"\n{chunks(len(document.chunks))}", bold=True)
    for each, count in zip(document.chunks, _counts(document, tokens), strict=True):
        _show_chunk(each, count)
    output.show("\nText", bold=True)
    output.show(document.text.rstrip("\n"))


def _counts(document: StoredDocument, tokens: Sequence[int] | None) -> Sequence[int | None]:
    return [None] * len(document.chunks) if tokens is None else tokens


def _show_chunk(chunk: StoredChunk, tokens: int | None) -> None:
    place = f"characters {chunk.start}–{chunk.end}"
    if chunk.line is not None:
        lines = (
            f"line {chunk.line}" if chunk.line == chunk.last_line else f"lines {chunk.line}–{chunk.last_line}"
        )
        place = f"{lines}, {place}"
    elif chunk.page is not None:
        place = f"page {chunk.page}, {place}"
    output.show(
        f"{chunk.id}  {place}" + (f", {counted(tokens, 'token')}" if tokens is not None else ""), hanging=2
    )
    if isinstance(headings := chunk.metadata.get("headings"), str):
        output.show(f"    headings  {output.value(headings)}", hanging=14)
    if chunk.context:
        output.show(f"    below     {output.value(chunk.context)}", hanging=14)


def _reader(document: StoredDocument) -> str | None:
    """What read it, and out of what; None for a document that an older ragbraid stored."""
    reading = document.reading
    told = [reading.reader] if reading.reader else []
    told += ["with OCR"] if document.metadata.get("ocr") is True else []
    told += [f"decoded from {reading.encoding}"] if reading.encoding else []
    return ", ".join(told) or None


def _language(document: StoredDocument) -> tuple[str | None, str]:
    """The language's code, and how it is known."""
    told = code(document.metadata.get("lang"))
    return (guess(document.text), "by its words") if told is None else (told, "as it says")
