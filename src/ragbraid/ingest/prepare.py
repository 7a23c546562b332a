"""Takes one source through loading and splitting, and checks that every chunk lies where it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ragbraid.errors import InputError, LoadError, MissingDependency
from ragbraid.ingest.diff import Verdict
from ragbraid.ingest.scan import Found
from ragbraid.types import Chunk, Document

Process: TypeAlias = Callable[[list[Document]], list[Chunk]]
"""The steps between loader and index, for the documents of one source."""

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Prepared:
    """A source that is ready to be embedded."""

    found: Found
    verdict: Verdict
    fingerprint: str
    parts: list[tuple[Document, list[Chunk]]]

    @property
    def origin(self) -> str:
        """The name under which it is committed."""
        return self.found.ref.origin

    @property
    def chunks(self) -> int:
        """How many chunks it has."""
        return sum(len(chunks) for _, chunks in self.parts)

    @property
    def texts(self) -> list[str]:
        """The texts of all its chunks."""
        return [chunk.text for _, chunks in self.parts for chunk in chunks]

    @property
    def characters(self) -> int:
        """How much text it keeps in memory."""
        return sum(len(document.text) for document, _ in self.parts)


def prepare(found: Found, verdict: Verdict, process: Process, metadata: Mapping[str, Any]) -> Prepared:
    """Read and split one source; `metadata` overrides what the documents and chunks say themselves.

    Raises `LoadError` where it can't be read, `InputError` where the steps made something of it that
    can't be stored.
    """
    read, fingerprint = _read(found)
    documents = [_stamp(each, metadata) for each in read]
    parts: dict[str, tuple[Document, list[Chunk]]] = {}
    for document in documents:
        if document.source in parts:
            raise InputError(f"The loader gave two documents the name {document.source}.")
        parts[document.source] = (document, [])
    for chunk in process(documents):
        if chunk.source not in parts:
            raise InputError(f"The splitter gave a passage of {chunk.source!r}, which is no document of it.")
        document, own = parts[chunk.source]
        _check_place(chunk, document)
        own.append(_stamp(chunk, {key: metadata[key] for key in chunk.metadata if key in metadata}))
    return Prepared(found, verdict, fingerprint, list(parts.values()))


def _read(found: Found) -> tuple[list[Document], str]:
    """The documents and the hash of the very bytes that they were read from."""
    before = found.loader.fingerprint(found.ref)
    for _ in range(_ATTEMPTS):
        documents = _load(found)
        after = found.loader.fingerprint(found.ref)
        if after == before:
            return documents, after
        before = after
    raise LoadError(f"{found.ref.origin} changes while it is read.", "Ingest it when it is at rest.")


def _load(found: Found) -> list[Document]:
    try:
        return list(found.loader.load(found.ref))
    except MissingDependency as error:  # a format's reader isn't installed: the other formats go on
        raise LoadError(error.message, error.hint) from error


def _stamp(value: Any, metadata: Mapping[str, Any]) -> Any:
    return dataclasses.replace(value, metadata={**value.metadata, **metadata}) if metadata else value


def _check_place(chunk: Chunk, document: Document) -> None:
    there = 0 <= chunk.start < chunk.end == chunk.start + len(chunk.text)
    if there and document.text.startswith(chunk.text, chunk.start):
        return
    raise InputError(
        f"The splitter gave a passage of {chunk.source} that isn't the text at its offsets,"
        f" {chunk.start} to {chunk.end}.",
        "Use another splitter, or report this to whoever made it.",
    )
