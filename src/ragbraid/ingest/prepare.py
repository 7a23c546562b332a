"""Takes one source through loading and splitting, and checks that every chunk lies where it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from ragbraid.errors import InputError, LoadError, MissingDependency, NotADocument
from ragbraid.ingest.diff import Verdict
from ragbraid.ingest.field_types import typed
from ragbraid.ingest.scan import Found
from ragbraid.types import Chunk, Document

Process: TypeAlias = Callable[[list[Document]], tuple[list[Document], list[Chunk]]]
"""The steps between loader and index: the documents as they shall be stored, and their chunks."""

_ATTEMPTS = 3
PART = 512
"""Documents of one source that are stored together; a source with more is stored in parts."""
_PART_CHARACTERS = 4_000_000


class LargeSource(Exception):
    """A source has so many documents that it's to be taken in parts."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that is ready to be embedded."""

    found: Found
    verdict: Verdict
    fingerprint: str
    parts: list[tuple[Document, list[Chunk]]]
    empty: str = ""
    """Why there is nothing in it, where its loader says."""

    @property
    def origin(self) -> str:
        """The name under which it is committed."""
        return self.found.ref.origin

    @property
    def chunks(self) -> int:
        """How many chunks it has."""
        return sum(len(chunks) for _, chunks in self.parts)

    @property
    def characters(self) -> int:
        """How much text it keeps in memory."""
        return sum(len(document.text) for document, _ in self.parts)


def prepare(
    found: Found,
    verdict: Verdict,
    process: Process,
    metadata: Mapping[str, Any],
    stored: list[Document] | None = None,
    fields: Mapping[str, str] = MappingProxyType({}),
) -> Prepared:
    """Read and split one source; `metadata` overrides what the documents and chunks say themselves.

    Where the source is as it was, its `stored` documents save reading it. Raises `LoadError` where it can't
    be read, `InputError` where the steps made something of it that can't be stored, and `LargeSource`.
    `fields` are the types that metadata is declared to have.
    """
    if stored is not None:
        return Prepared(found, verdict, verdict.fingerprint, split(stored, process, metadata))
    try:
        read = _read(found, fields)
    except NotADocument as why:
        return Prepared(found, verdict, found.loader.fingerprint(found.ref), [], str(why))
    if read is None:
        raise LargeSource(verdict)
    documents, fingerprint = read
    return Prepared(found, verdict, fingerprint, split(documents, process, metadata))


def split(
    documents: Sequence[Document], process: Process, metadata: Mapping[str, Any]
) -> list[tuple[Document, list[Chunk]]]:
    """The documents as they shall be stored, each with its chunks. Raises `InputError` as `prepare` does."""
    read = {each.source: each.text for each in documents}
    documents, chunks = process([_stamp(each, metadata) for each in documents])
    parts: dict[str, tuple[Document, list[Chunk]]] = {}
    for document in documents:
        if document.source in parts:
            raise InputError(f"The loader gave two documents the name {document.source}.")
        parts[document.source] = (_stamp(_told(document, read.get(document.source)), metadata), [])
    for chunk in chunks:
        if chunk.source not in parts:
            raise InputError(f"The splitter gave a passage of {chunk.source!r}, which is no document of it.")
        document, own = parts[chunk.source]
        _check_place(chunk, document)
        own.append(_stamp(chunk, {key: metadata[key] for key in chunk.metadata if key in metadata}))
    return list(parts.values())


def parts_of(found: Found, fields: Mapping[str, str]) -> Iterator[list[Document]]:
    """A source's documents as its loader gives them, in parts of bounded size. Raises `LoadError`."""
    part: list[Document] = []
    characters = 0
    try:
        for document in found.loader.load(found.ref):
            part.append(typed(document, fields) if fields else document)
            characters += len(document.text)
            if len(part) >= PART or characters > _PART_CHARACTERS:
                yield part
                part, characters = [], 0
    except MissingDependency as error:  # a format's reader isn't installed: the other formats go on
        raise LoadError(error.message, error.hint) from error
    yield part


def _read(found: Found, fields: Mapping[str, str]) -> tuple[list[Document], str] | None:
    """The documents and the hash of the very bytes that they were read from; None where they are too many."""
    before = found.loader.fingerprint(found.ref)
    for _ in range(_ATTEMPTS):
        parts = parts_of(found, fields)
        documents = next(parts)
        if next(parts, None):
            return None
        after = found.loader.fingerprint(found.ref)
        if after == before:
            return documents, after
        before = after
    raise LoadError("It changes while it is read.", "Ingest it when it is at rest.")


def _stamp(value: Any, metadata: Mapping[str, Any]) -> Any:
    return dataclasses.replace(value, metadata={**value.metadata, **metadata}) if metadata else value


def _told(document: Document, read: str | None) -> Document:
    """The document; where a step made another text of it, this isn't the file's any more."""
    if not document.reading.verbatim or document.text == read:
        return document
    return dataclasses.replace(document, reading=dataclasses.replace(document.reading, verbatim=False))


def _check_place(chunk: Chunk, document: Document) -> None:
    there = 0 <= chunk.start < chunk.end == chunk.start + len(chunk.text)
    if there and document.text.startswith(chunk.text, chunk.start):
        return
    raise InputError(
        f"The splitter gave a passage of {chunk.source} that isn't the text at its offsets,"
        f" {chunk.start} to {chunk.end}.",
        "Use another splitter, or report this to whoever made it.",
    )
