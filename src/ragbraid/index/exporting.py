"""Writes an index as files that other programs read: see docs/export-format.md."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from sqlite3 import Connection
from typing import Any, BinaryIO

import numpy as np

from ragbraid.errors import IndexDamaged, InputError
from ragbraid.index import reading, schema, vector_sets
from ragbraid.index.checks import checksum
from ragbraid.index.metadata import encode
from ragbraid.index.store import sync, sync_folder
from ragbraid.index.vector_sets import VectorSet
from ragbraid.text.counted import counted
from ragbraid.types import Vectors

VERSION = 1
HEAD, DOCUMENTS, VECTORS = "export.json", "documents.jsonl", "vectors.npy"
_EMBED = "Run `ragbraid ingest` first: it embeds what is missing."


class Counted:
    """A file that is written, with its size and SHA-256."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._sum, self._size = file, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        """Append bytes; how many there were."""
        self._sum.update(data)
        self._size += len(data)
        self._file.write(data)
        return len(data)

    def close(self) -> dict[str, Any]:
        """Put it on disk; what there is to say of it."""
        self._file.flush()
        sync(self._file.fileno())
        return {"bytes": self._size, "sha256": self._sum.hexdigest()}


def export(connection: Connection, folder: Path, target: Path) -> dict[str, Any]:
    """Write what the connection's transaction sees into a new folder, which appears whole or not at all.

    No more than a document is held in memory. Returns what `export.json` says. Raises `InputError` where the
    target exists, and `IndexDamaged` where something isn't what was stored, or chunks have no vector.
    """
    if target.exists():
        raise InputError(f"{target} exists already.", "Name a folder that doesn't.")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        head = _write(connection, folder, partial)
        with (partial / HEAD).open("wb") as file:
            Counted(file).write(json.dumps(head, ensure_ascii=False, indent=2).encode() + b"\n")
            file.flush()
            sync(file.fileno())
        sync_folder(partial)
        partial.rename(target)
        sync_folder(target.absolute().parent)
        return head
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write(connection: Connection, folder: Path, target: Path) -> dict[str, Any]:
    held = vector_sets.current(connection)
    collections: dict[str, dict[str, int]] = {}
    rows = 0
    with ExitStack() as stack:
        documents = Counted(stack.enter_context((target / DOCUMENTS).open("wb")))
        files = {DOCUMENTS: documents}
        matrix = None
        if held is not None:
            files[VECTORS] = Counted(stack.enter_context((target / VECTORS).open("wb")))
            matrix = _begun(connection, folder, held, files[VECTORS])
        for name, number in reading.collections(connection):
            counts = collections[name] = {"documents": 0, "chunks": 0}
            for line, slots in _lines(connection, folder, name, number):
                for each in line["chunks"] if matrix is not None else ():
                    each["vector"] = rows
                    rows += 1
                documents.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                if matrix is not None and slots:
                    files[VECTORS].write(np.ascontiguousarray(matrix[slots], "<f4").data.cast("B"))
                counts["documents"] += line["document"] is not None
                counts["chunks"] += len(line["chunks"])
        told = {name: each.close() for name, each in files.items()}
    return {
        "ragbraid_export": VERSION,
        "embedder": None if held is None else held.embedder,
        "dimensions": None if held is None else held.dimensions,
        "collections": collections,
        "files": told,
    }


def _begun(connection: Connection, folder: Path, held: VectorSet, file: Counted) -> Vectors:
    """The vectors of a set, after the head of the file that they are written to."""
    there = "FROM chunks WHERE collection IN (SELECT id FROM collections)"
    count, having = connection.execute(f"SELECT COUNT(*), COUNT(slot) {there}").fetchone()
    if having < count:
        raise IndexDamaged(
            f"The index at {folder} has {counted(count - having, 'chunk')} without a vector.", _EMBED
        )
    blocks = vector_sets.sound_blocks(connection, held.number)
    opened = held.opened(connection, folder)
    if opened.bad_blocks(blocks):
        raise IndexDamaged(f"The vectors of the index at {folder} are damaged.", _EMBED)
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<f4", "fortran_order": False, "shape": (count, held.dimensions)}
    )
    return opened.map(sum(blocks[-1][:2]) if blocks else 0)


def _lines(
    connection: Connection, folder: Path, name: str, number: int
) -> Iterator[tuple[dict[str, Any], list[int]]]:
    """What is said of each document of a collection, and the slots of its chunks' vectors."""
    origins = connection.execute(
        "SELECT id, origin, fingerprint, stamp, digest, metadata_hash FROM origins WHERE collection = ? "
        "ORDER BY id",
        (number,),
    )
    keys = ("origin", "fingerprint", "stamp", "digest", "metadata_hash")
    for origin, *values in origins:
        head = {"collection": name, **dict(zip(keys, values, strict=True))}
        numbers = connection.execute("SELECT id FROM documents WHERE origin = ? ORDER BY id", (origin,))
        empty = True
        for (document,) in numbers:
            empty = False
            yield _line(connection, folder, head, number, document)
        if empty:
            yield {**head, "document": None, "chunks": []}, []


def _line(
    connection: Connection, folder: Path, head: dict[str, Any], collection: int, number: int
) -> tuple[dict[str, Any], list[int]]:
    document, content_hash = reading.stored_document(connection, folder, number)
    told = {
        "source": document.source,
        "media_type": document.media_type,
        "sha256": content_hash,
        "metadata": json.loads(encode(document.metadata, document.source)),
        "pages": list(document.pages),
        "warnings": list(document.warnings),
        "body": document.body,
        "reading": asdict(document.reading),
        "text": document.text,
    }
    chunks, slots = _chunks(connection, folder, collection, number, document.source)
    return {**head, "document": told, "chunks": chunks}, slots


def _chunks(
    connection: Connection, folder: Path, collection: int, document: int, source: str
) -> tuple[list[dict[str, Any]], list[int]]:
    context, contexts = "''", ""
    if schema.has_contexts(connection):
        context, contexts = "IFNULL(x.text, '')", "LEFT JOIN contexts AS x ON x.row = c.row"
    found = connection.execute(
        f'SELECT c.slot, {context}, c.checksum, c.id, c.start, c."end", c.page, c.metadata, p.text '
        f"FROM chunks AS c JOIN passages AS p ON p.row = c.row {contexts} "
        "WHERE c.collection = ? AND c.document = ? ORDER BY c.row",
        (collection, document),
    ).fetchall()
    return [_chunk(each, folder, source) for each in found], [slot for slot, *_ in found]


def _chunk(row: Sequence[Any], folder: Path, source: str) -> dict[str, Any]:
    _, context, stored, *content = row
    if checksum(*content) != stored:
        raise reading.damaged(folder, source)
    name, start, end, page, metadata, _ = content
    told = {"id": name, "start": start, "end": end, "page": page, "metadata": json.loads(metadata)}
    return {**told, "context": context} if context else told


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
