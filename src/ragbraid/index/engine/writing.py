"""One commit: rows that nobody sees yet, then the ledger's change that lets them be seen."""

from __future__ import annotations

import json
import time
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from typing import Any

from ragbraid.errors import IndexStoreError, InputError
from ragbraid.index.engine.claiming import Turn
from ragbraid.index.engine.fields import named, names
from ragbraid.index.engine.ledger import Ledger, batches, numbered, ranges
from ragbraid.index.engine.protocol import LONGEST, Condition, In, Row, Table, Within
from ragbraid.index.engine.retrying import Retrying
from ragbraid.index.engine.view import ASKED, Selected, View, chunk_holds
from ragbraid.index.filter import holds, parse_filter
from ragbraid.index.prepare import Passage, Prepared
from ragbraid.index.protocol import Change
from ragbraid.index.terms import Searched, searched
from ragbraid.text.context import in_context
from ragbraid.text.pages import breaks
from ragbraid.types import Filter, Scope

_OUTSIDE = "What {} lies outside the filter that this caller is held to."
_PIECE = 48_000


@dataclass(frozen=True, slots=True)
class Held:
    """Rows of documents and origins that a commit takes the place of."""

    rows: tuple[Row, ...] = ()

    @property
    def numbers(self) -> set[int]:
        """Their numbers, by which their chunks are found too."""
        return {each.columns["document"] for each in self.rows}

    @property
    def origins(self) -> int:
        """How many origins they are of."""
        return len({each.columns["origin"] for each in self.rows})

    def total(self, what: str) -> int:
        """How many chunks, or terms, their documents have."""
        told = [json.loads(each.columns["data"]) for each in self.rows if each.columns["kind"] == "document"]
        return sum(each[what] for each in told)


def upsert(
    engine: Retrying,
    turn: Turn,
    changes: Sequence[Change],
    prepared: Sequence[Sequence[Prepared]],
    scope: Scope,
) -> None:
    """Replace what the changes' origins hold, in one commit.

    Raises `InputError` for names that others hold, and for what the scope's filter doesn't let in.
    """
    view = View(engine, turn.ledger, scope.collection)
    documents = [each for group in prepared for each in group]
    _demand_inside(documents, scope.filter)
    held = _replaced(view, changes)
    if scope.filter and outside(view, held, scope.filter):
        raise InputError(_OUTSIDE.format("would be replaced"))
    _demand_free(view, documents, held.numbers)
    batch = _Batch(engine, turn, scope.collection)
    numbers: Iterator[int] = iter(range(2**24))
    for change, group in zip(changes, prepared, strict=True):
        batch.origin(next(numbers), change)
        for each in group:
            batch.document(next(numbers), change.origin, each)
    batch.flush()
    _end(engine, turn, scope.collection, held, batch)


def delete(engine: Retrying, turn: Turn, origins: Sequence[str], scope: Scope) -> int:
    """Remove origins with all they hold, but for those outside the filter; returns how many there were."""
    view = View(engine, turn.ledger, scope.collection)
    held = _of_origins(view, origins)
    if scope.filter and (left := outside(view, held, scope.filter)):
        held = Held(tuple(each for each in held.rows if each.columns["origin"] not in left))
    if held.rows:
        _end(engine, turn, scope.collection, held, _Batch(engine, turn, scope.collection))
    return held.origins


def purge(engine: Retrying, ledger: Ledger) -> None:
    """Remove what nobody sees any more; its vectors stay known by what was embedded."""
    tables: tuple[Table, ...] = ("chunks", "documents")
    if ledger.void:
        for table in tables:
            engine.remove(table, [In("commit", ledger.void)])
    for where in _in_few(ledger.dead):
        if ledger.embedder is not None:
            rows = engine.rows("chunks", [where], ("hash",), vector=True)
            for part in batches(rows, ASKED):
                spare = {row.columns["hash"]: row.vector for row in part if row.vector is not None}
                engine.put("spare", [Row(name, {"hash": name}, vector) for name, vector in spare.items()])
        for table in tables:
            engine.remove(table, [where])


def outside(view: View, held: Held, wanted: Filter) -> set[str]:
    """The names of those origins that hold a chunk, or nothing but documents, outside the filter."""
    node = parse_filter(wanted)
    owner = {each.columns["document"]: each.columns["origin"] for each in held.rows}
    inside: set[str] = set()
    found: set[str] = set()
    for row in view.among(Selected(), "document", [*owner], ("document", "data")):
        name = owner[row.columns["document"]]
        (inside if chunk_holds(node, row) else found).add(name)
    return found | ({*owner.values()} - inside)


def _end(engine: Retrying, turn: Turn, collection: str, held: Held, batch: _Batch) -> None:
    """Commit, and clear away what was replaced. That may be left to the next writer."""
    ledger = turn.ledger
    known = View(engine, ledger, collection).collection
    changed = known.changed(
        batch.chunks - held.total("chunks"), batch.terms - held.total("terms"), batch.languages
    )
    after = replace(
        ledger,
        head=turn.commit,
        dead=ranges(held.numbers),
        collections={**ledger.collections, collection: changed},
    )
    turn.end(after)
    with suppress(IndexStoreError):  # it is committed, whatever becomes of this
        purge(engine, replace(after, void=()))
        turn.tidy()


def _in_few(dead: Sequence[tuple[int, int]]) -> Iterator[Condition]:
    """Ranges of documents as conditions, many short ones as one."""
    short = [each for first, last in dead if last - first < 8 for each in range(first, last + 1)]
    for part in batches(short, ASKED):
        yield In("document", part)
    for first, last in dead:
        if last - first >= 8:
            yield Within("document", first, last)


def _replaced(view: View, changes: Sequence[Change]) -> Held:
    whole = [each.origin for each in changes if not each.partial]
    held = _of_origins(view, [*whole, *(name for each in changes for name in each.replaces)])
    rows = {each.key: each for each in held.rows}
    for change in changes:
        if change.partial:
            given = {named(each) for each in change.drops}
            given.update(named(each.document.source) for each in change.entries)
            for row in _of_origins(view, [change.origin]).rows:
                if row.columns["kind"] == "origin" or row.columns["source"] in given:
                    rows[row.key] = row
    return Held(tuple(rows.values()))


def _of_origins(view: View, origins: Sequence[str]) -> Held:
    wanted = [named(each) for each in dict.fromkeys(origins)]
    return Held(tuple(view.documents_among("origin", wanted, "origin", "document")))


def _demand_inside(documents: Iterable[Prepared], wanted: Filter | None) -> None:
    if not wanted:
        return
    node = parse_filter(wanted)
    for each in documents:
        told = {"source": each.document.source, **json.loads(each.metadata)}
        passages = [{"source": each.document.source, **json.loads(one.metadata)} for one in each.passages]
        if not all(holds(node, one) for one in passages or [told]):
            raise InputError(_OUTSIDE.format("was given"))


def _demand_free(view: View, documents: Sequence[Prepared], replaced: set[int]) -> None:
    sources = {named(each.document.source): each.document.source for each in documents}
    for row in view.documents_among("source", [*sources], "document"):
        if row.columns["document"] not in replaced:
            owner = json.loads(row.columns["data"])["origin"]
            raise InputError(
                f"The source {sources[row.columns['source']]!r} already belongs to the origin {owner!r}.",
                "Give it another name, or delete that origin first.",
            )
    ids = {named(passage.id): passage.id for each in documents for passage in each.passages}
    for row in view.among(Selected(), "name", [*ids], ("document", "name")):
        if row.columns["document"] not in replaced:
            raise InputError(
                f"The chunk id {ids[row.columns['name']]!r} already belongs to another source.",
                "Ids are unique in a collection.",
            )


class _Batch:
    """Rows of one commit on their way to the engine; the plain attributes say what they bring."""

    def __init__(self, engine: Retrying, turn: Turn, collection: str) -> None:
        self._engine, self._turn, self._collection = engine, turn, named(collection)
        self._waiting: dict[Table, list[Row]] = {"chunks": [], "documents": []}
        self.chunks = self.terms = 0
        self.languages: set[str] = set()

    def origin(self, at: int, change: Change) -> None:
        """An origin with its state."""
        told = {
            "origin": change.origin, "fingerprint": change.fingerprint, "stamp": change.stamp,
            "digest": change.digest, "metadata_hash": change.metadata_hash, "size": change.size,
            "stored_at": int(time.time()),
        }  # fmt: skip
        self._document_row("origin", at, change.origin, "", 0, json.dumps(told), change.origin)

    def document(self, at: int, origin: str, prepared: Prepared) -> None:
        """A document, in pieces, with its chunks."""
        source = prepared.document.source
        terms = 0
        for place, passage in enumerate(prepared.passages):
            known = searched(in_context(passage.context, passage.text), passage.metadata)
            terms += known.length
            self.languages.update(known.languages)
            self._chunk(at, place, prepared, passage, known)
        chunks = len(prepared.passages)
        told = {
            "source": source,
            "origin": origin,
            "metadata": prepared.metadata,
            "chunks": chunks,
            "terms": terms,
        }
        self._document_row("document", at, origin, source, 0, json.dumps(told), source)
        document = prepared.document
        rest = {
            "pages": document.pages, "warnings": document.warnings, "body": document.body,
            "media_type": document.media_type, "reading": astuple(document.reading),
        }  # fmt: skip
        packed = b64encode(zlib.compress(json.dumps([document.text, rest]).encode(), 1)).decode()
        for part, piece in enumerate(batches(packed, _PIECE)):
            self._document_row("piece", at, origin, source, part, str(piece), source)
        self.chunks, self.terms = self.chunks + chunks, self.terms + terms

    def flush(self) -> None:
        """Write what is waiting."""
        for table in self._waiting:
            self._put(table, 1)

    def _chunk(self, at: int, place: int, prepared: Prepared, passage: Passage, known: Searched) -> None:
        document = prepared.document
        told = {
            "id": passage.id, "source": document.source, "start": passage.start, "end": passage.end,
            "page": passage.page, "line": passage.line, "content_hash": prepared.content_hash,
            "breaks": breaks(document.pages, passage.start, passage.end), "context": passage.context,
            "metadata": passage.metadata, "text": passage.text,
        }  # fmt: skip
        data = json.dumps(told)
        if len(data) > LONGEST:  # the document has it
            data = json.dumps({**told, "text": None})
        repeated = {named(term): len(places) for term, places in known.positions.items() if len(places) > 1}
        columns: Mapping[str, Any] = {
            "source": named(document.source), "name": named(passage.id), "hash": passage.text_hash.hex()[:32],
            "fields": names(document.source, passage.metadata),
            "terms": [named(each) for each in known.positions],
            "length": known.length, "repeated": _short(json.dumps(repeated), document.source),
            "data": _short(data, document.source),
        }  # fmt: skip
        vector = None if prepared.vectors is None else prepared.vectors[place]
        self._add("chunks", at, f"{place}", columns, vector)

    def _document_row(
        self, kind: str, at: int, origin: str, source: str, part: int, data: str, owner: str
    ) -> None:
        columns = {
            "kind": kind, "origin": named(origin), "source": named(source), "part": part,
            "data": _short(data, owner),
        }  # fmt: skip
        self._add("documents", at, f"{kind}{part}", columns, None)

    def _add(self, table: Table, at: int, what: str, columns: Mapping[str, Any], vector: Any) -> None:
        number = numbered(self._turn.commit, at)
        place = {"collection": self._collection, "commit": self._turn.commit, "document": number}
        self._waiting[table].append(Row(named(str(number), what), {**place, **columns}, vector))
        self._put(table, ASKED)

    def _put(self, table: Table, least: int) -> None:
        waiting = self._waiting[table]
        if len(waiting) >= least:
            self._engine.put(table, waiting)
            self._waiting[table] = []
            self._turn.renew()


def _short(text: str, owner: str) -> str:
    if len(text) > LONGEST:
        raise InputError(
            f"A chunk of {owner!r}, or the metadata of one, is longer than {LONGEST:,} characters.",
            "Split documents into smaller chunks, or give them less metadata.",
        )
    return text
