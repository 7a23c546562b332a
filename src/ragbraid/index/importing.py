"""Reads what an index was exported to into another one: see docs/export-format.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from ragbraid.errors import IndexMismatch, InputError
from ragbraid.index.exporting import DOCUMENTS, HEAD, VECTORS, VERSION, sha256
from ragbraid.index.metadata import decode
from ragbraid.index.protocol import Change, Entry, Index
from ragbraid.types import Chunk, Document, Reading, Scope, Vectors

_CHUNKS = 2048
_CHARACTERS = 8_000_000
_STATE = ("origin", "fingerprint", "stamp", "digest", "metadata_hash")


def import_from(index: Index, source: Path) -> dict[str, Any]:
    """Store all that an export holds; documents that the index has of the same names are replaced.

    The files are compared with their sums before anything is stored. It commits batch by batch: interrupted,
    it can be repeated. No more than a batch is held in memory. Returns what `export.json` says. Raises
    `InputError` for what is no export or a damaged one, and `IndexMismatch` for another embedder's.
    """
    head = _head(source)
    matrix = _vectors(index, source, head)
    counts = {name: {"documents": 0, "chunks": 0} for name in head["collections"]}
    try:
        for collection, lines in _batches(source / DOCUMENTS):
            index.upsert(_changes(lines, matrix), scope=Scope(collection))
            counts[collection]["documents"] += sum(each["document"] is not None for each in lines)
            counts[collection]["chunks"] += sum(len(each["chunks"]) for each in lines)
    except (KeyError, TypeError, IndexError, ValueError, RecursionError) as error:
        raise _damaged(source, f"{DOCUMENTS} isn't as documented: {type(error).__name__} {error}") from error
    if counts != head["collections"]:
        raise _damaged(source, f"{HEAD} counts other documents and chunks than there are")
    return head


def _head(source: Path) -> dict[str, Any]:
    try:
        head = json.loads((source / HEAD).read_text("utf-8"))
        version, files = head["ragbraid_export"], dict(head["files"])
        if not {"collections", "embedder", "dimensions"} <= head.keys():
            raise ValueError
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            f"{source} is no export: it has no {HEAD}.", "Make one with `ragbraid index export FOLDER`."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(source, f"{HEAD} can't be read") from error
    if version != VERSION:
        raise InputError(
            f"The export at {source} has version {version}; this ragbraid reads version {VERSION}.",
            "Install a newer ragbraid.",
        )
    for name in (DOCUMENTS, *([VECTORS] if head["embedder"] else [])):
        if (
            name not in files
            or not (source / name).is_file()
            or sha256(source / name) != files[name]["sha256"]
        ):
            raise _damaged(source, f"{name} is missing, or isn't what was written")
    return dict(head)


def _vectors(index: Index, source: Path, head: dict[str, Any]) -> Vectors | None:
    """The vectors, where the index takes any."""
    if index.embedder is None:
        return None
    if index.embedder.identity != head["embedder"]:
        raise IndexMismatch(
            f"The export at {source} has vectors of {head['embedder'] or 'no embedder'}; this pipeline's "
            f"embedder is {index.embedder.identity!r}.",
            "Use that one, or ingest the documents themselves.",
        )
    some = any(each["chunks"] for each in head["collections"].values())
    try:
        matrix: Vectors = np.load(source / VECTORS, mmap_mode="r" if some else None, allow_pickle=False)
    except ValueError as error:
        raise _damaged(source, f"{VECTORS} can't be read") from error
    return matrix


def _batches(file: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Lines of one collection each, together about as many as one commit of an ingest."""
    batch: list[dict[str, Any]] = []
    chunks = characters = 0
    with file.open("rb") as opened:
        for text in opened:
            line = json.loads(text)
            full = chunks >= _CHUNKS or characters >= _CHARACTERS
            if batch and (full or line["collection"] != batch[0]["collection"]):
                yield batch[0]["collection"], batch
                batch, chunks, characters = [], 0, 0
            batch.append(line)
            chunks, characters = chunks + len(line["chunks"]), characters + len(text)
    if batch:
        yield batch[0]["collection"], batch


def _changes(lines: list[dict[str, Any]], matrix: Vectors | None) -> list[Change]:
    """The lines' origins, in part where further lines may follow."""
    changes = []
    for state, group in groupby(lines, key=lambda line: {each: line[each] for each in _STATE}):
        entries = [_entry(each, matrix) for each in group if each["document"] is not None]
        changes.append(Change(entries=entries, partial=bool(entries), **state))
    return changes


def _entry(line: dict[str, Any], matrix: Vectors | None) -> Entry:
    told = line["document"]
    document = Document(
        told["source"], told["text"], decode(json.dumps(told["metadata"])), tuple(told["pages"]),
        tuple(told["warnings"]), told["body"], told["media_type"], Reading(**told.get("reading", {})),
    )  # fmt: skip
    chunks = [
        Chunk(
            document.source, each["start"], each["end"], document.text[each["start"] : each["end"]],
            decode(json.dumps(each["metadata"])), each["id"], context=each.get("context", ""),
        )
        for each in line["chunks"]
    ]  # fmt: skip
    rows = [each["vector"] for each in line["chunks"]] if matrix is not None else []
    return Entry(document, chunks, None if matrix is None else np.array(matrix[rows]))


def _damaged(source: Path, what: str) -> InputError:
    return InputError(f"The export at {source} is damaged: {what}.", "Copy it again, or export again.")
