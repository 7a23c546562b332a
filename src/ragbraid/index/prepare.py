"""Checks what an upsert brings and makes the rows of it, before anything is locked or written."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ragbraid.embed.protocol import Embedder
from ragbraid.errors import InputError
from ragbraid.index.checks import demand_name, text_hash
from ragbraid.index.metadata import encode, is_plain
from ragbraid.index.protocol import Change, Entry
from ragbraid.text.context import embedded
from ragbraid.text.lines import lines_at
from ragbraid.text.pages import page_at
from ragbraid.types import Chunk, Document, Vectors


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as it is stored."""

    id: str
    start: int
    end: int
    page: int | None
    text: str
    metadata: str
    plain: bool
    text_hash: bytes
    context: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document as it is stored, with its passages."""

    document: Document
    metadata: str
    plain: bool
    content_hash: str
    packed: bytes
    passages: list[Passage]
    vectors: Vectors | None


def prepare(changes: Sequence[Change], collection: str) -> list[list[Prepared]]:
    """The stored form of each change's entries. Raises `InputError` for what can't be stored."""
    ids: set[str] = set()
    sources: set[str] = set()
    prepared = []
    for change in changes:
        demand_name(change.origin, "An origin")
        entries = [_entry(each, collection) for each in change.entries]
        for each in entries:
            _demand_new(each.document.source, sources, "source")
            for passage in each.passages:
                _demand_new(passage.id, ids, "chunk id")
        prepared.append(entries)
    return prepared


def checked_vectors(vectors: Any, rows: int, dimensions: int, owner: str) -> Vectors:
    """The vectors as float32. Raises `InputError` for a wrong shape, NaN, infinity or a zero row."""
    try:
        array = np.ascontiguousarray(vectors, np.float32)
    except (TypeError, ValueError):
        raise InputError(f"The vectors of {owner} aren't numbers in rows of equal length.") from None
    if array.ndim != 2 or len(array) != rows or (rows and array.shape[1] != dimensions):
        raise InputError(
            f"The vectors of {owner} have the shape {array.shape}; ({rows}, {dimensions}) is needed.",
            "Give one row for each text, as long as the embedder's dimensions.",
        )
    norms = np.einsum("ij,ij->i", array, array, dtype=np.float64)
    if not np.isfinite(norms).all():
        raise InputError(f"A vector of {owner} holds NaN or infinity.", "Check the embedder.")
    if not norms.all():
        raise InputError(f"A vector of {owner} is zero, so that it has no direction.", "Check the embedder.")
    return array


def demand_vectors(documents: Sequence[Prepared], embedder: Embedder | None) -> None:
    """Raise `InputError` where chunks come without vectors, or vectors without an embedder."""
    for each in documents:
        name = each.document.source
        if embedder is None and each.vectors is not None:
            raise InputError(
                f"Vectors were given for {name!r}, and the index has no embedder that made them."
            )
        if embedder is None or not each.passages:
            continue
        if each.vectors is None:
            raise InputError(f"No vectors were given for {name!r}, and the index has an embedder.")
        if each.vectors.shape[1] != embedder.dimensions:
            raise InputError(
                f"The vectors of {name!r} have {each.vectors.shape[1]} dimensions; "
                f"the embedder's have {embedder.dimensions}."
            )


def _entry(entry: Entry, collection: str) -> Prepared:
    document = entry.document
    demand_name(document.source, "A document")
    owner = repr(document.source)
    try:
        raw = document.text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The text of {owner} holds half a surrogate pair, which isn't a character."
        ) from None
    texts = [embedded(each) for each in entry.chunks] if entry.texts is None else entry.texts
    if len(texts) != len(entry.chunks):
        raise InputError(f"{owner} has {len(entry.chunks)} chunks and {len(texts)} embedded texts.")
    metadata = encode(document.metadata, owner)
    shared = (metadata, is_plain(json.loads(metadata)))
    lines = (
        lines_at(document.text, (each.start for each in entry.chunks)) if document.reading.verbatim else {}
    )
    passages = [
        _passage(chunk, text, document, collection, shared, owner, lines.get(chunk.start))
        for chunk, text in zip(entry.chunks, texts, strict=True)
    ]
    vectors = entry.vectors
    if vectors is not None and len(passages):
        width = np.shape(vectors)[1] if np.ndim(vectors) == 2 else 0
        vectors = checked_vectors(vectors, len(passages), width, owner)
    return Prepared(
        document, *shared, hashlib.sha256(raw).hexdigest(), zlib.compress(raw, 1), passages, vectors
    )


def _passage(
    chunk: Chunk,
    text: str,
    document: Document,
    collection: str,
    shared: tuple[str, bool],
    owner: str,
    line: int | None,
) -> Passage:
    if chunk.source != document.source:
        raise InputError(f"A chunk of {chunk.source!r} was given with the document {owner}.")
    if not 0 <= chunk.start <= chunk.end or document.text[chunk.start : chunk.end] != chunk.text:
        raise InputError(
            f"The chunk at {chunk.start}–{chunk.end} of {owner} isn't the document's text there.",
            "Offsets count characters, and a chunk's text is the document's between them.",
        )
    if chunk.id:
        demand_name(chunk.id, "A chunk")
    metadata, plain = shared
    if chunk.metadata:
        metadata = encode({**document.metadata, **chunk.metadata}, f"a chunk of {owner}")
        plain = is_plain(json.loads(metadata))
    page = page_at(document.pages, chunk.start)
    name = chunk.id or _derived_id(chunk, collection)
    context = chunk.context.encode("utf-8", "replace").decode()  # half a surrogate pair can't be stored
    return Passage(
        name, chunk.start, chunk.end, page, chunk.text, metadata, plain, text_hash(text), context, line
    )


def _derived_id(chunk: Chunk, collection: str) -> str:
    parts = (collection, chunk.source, str(chunk.start), str(chunk.end), chunk.text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _demand_new(name: str, seen: set[str], what: str) -> None:
    if name in seen:
        raise InputError(f"The {what} {name!r} occurs twice in one upsert.", "Give each its own.")
    seen.add(name)
