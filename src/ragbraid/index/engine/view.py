"""One collection of an index in one committed state: what is read of it under a scope."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ragbraid.index.engine.fields import named, narrowed, stored
from ragbraid.index.engine.ledger import Collection, Ledger, batches
from ragbraid.index.engine.protocol import Condition, In, Outside, Row, Within
from ragbraid.index.engine.retrying import Retrying
from ragbraid.index.filter import Node, holds, parse_filter
from ragbraid.index.metadata import decode
from ragbraid.index.protocol import SourceState
from ragbraid.index.scoring import scores
from ragbraid.types import Document, Filter, Hit, Reading, Scope, Vectors

ASKED = 500
"""Values in one condition, and rows in one write."""
_MARGIN = 16
_ROUNDING = 1e-5
"""No engine's inner product of unit vectors in float32 is further than this from the exact one."""


@dataclass(frozen=True, slots=True)
class Selected:
    """What a filter lets through: conditions and, where they aren't exact, the keys of the chunks."""

    conditions: tuple[Condition, ...] = ()
    keys: frozenset[str] | None = None

    def has(self, row: Row) -> bool:
        """Whether a chunk that the conditions hold for is let through."""
        return self.keys is None or row.key in self.keys


class View:
    """A collection as the ledger says that it is."""

    def __init__(self, engine: Retrying, ledger: Ledger, collection: str) -> None:
        self._engine, self._name = engine, collection
        self.ledger = ledger
        self.visible: tuple[Condition, ...] = (
            In("collection", [named(collection)]),
            Within("commit", 0, ledger.head),
            *(Outside("document", *each) for each in ledger.dead),
            *(Outside("commit", each, each) for each in ledger.void if each <= ledger.head),
        )

    @cached_property
    def collection(self) -> Collection:
        """How many chunks and terms there are."""
        return self.ledger.collections.get(self._name, Collection())

    def rows(
        self,
        selected: Selected,
        columns: Sequence[str],
        vector: bool = False,
        where: Sequence[Condition] = (),
    ) -> list[Row]:
        """The chunks that a filter and further conditions let through."""
        found = self._engine.rows("chunks", (*self.visible, *selected.conditions, *where), columns, vector)
        return [each for each in found if selected.has(each)]

    def among(
        self,
        selected: Selected,
        column: str,
        values: Sequence[str | int],
        columns: Sequence[str],
        vector: bool = False,
    ) -> Iterator[Row]:
        """Those chunks whose column is one of many values."""
        for part in batches(values, ASKED):
            yield from self.rows(selected, columns, vector, [In(column, part)])

    def documents(self, *kinds: str, where: Sequence[Condition] = ()) -> list[Row]:
        """Rows of documents, origins, or pieces of documents."""
        columns = ("document", "kind", "origin", "source", "part", "data")
        return self._engine.rows("documents", (*self.visible, In("kind", kinds), *where), columns)

    def documents_among(self, column: str, values: Sequence[str | int], *kinds: str) -> Iterator[Row]:
        """Those whose column is one of many values."""
        for part in batches(values, ASKED):
            yield from self.documents(*kinds, where=[In(column, part)])

    def select(self, wanted: Filter | None) -> Selected:
        """What a filter lets through; where engines can't decide it, its rows are read and decided here."""
        if not wanted:
            return Selected()
        node = parse_filter(wanted)
        by_name = narrowed(node)
        if any(isinstance(each, In) and not each.values for each in by_name.conditions):
            return Selected((), frozenset())
        if by_name.exact:
            return Selected(by_name.conditions)
        rows = self.rows(Selected(by_name.conditions), ("data",))
        return Selected(by_name.conditions, frozenset(each.key for each in rows if chunk_holds(node, each)))

    def count(self, selected: Selected, where: Sequence[Condition] = ()) -> int:
        """How many chunks a filter and further conditions let through."""
        if selected.keys is None:
            return self._engine.count("chunks", (*self.visible, *selected.conditions, *where))
        return len(self.rows(selected, (), where=where)) if where else len(selected.keys)

    def named(self, selected: Selected, names: Sequence[str]) -> dict[str, Row]:
        """By id, the chunks of these ids that are let through."""
        wanted = [*dict.fromkeys(map(named, names))]
        found = self.among(selected, "name", wanted, ("data",))
        return {json.loads(each.columns["data"])["id"]: each for each in found}

    def vectors(self, selected: Selected, names: Sequence[str]) -> dict[str, Vectors]:
        """By the name of its id, the vector of each of these chunks."""
        wanted = [*dict.fromkeys(map(named, names))]
        found = self.among(selected, "name", wanted, ("name",), vector=True)
        return {each.columns["name"]: each.vector for each in found if each.vector is not None}

    def of_source(self, selected: Selected, source: str) -> list[Row]:
        """The chunks of a source."""
        return self.rows(selected, ("data",), where=[In("source", [named(source)])])

    def sources(self, selected: Selected, wanted: Filter | None, metadata: bool) -> list[SourceState]:
        """Every source that is let through, and origins without any, ordered by name."""
        rows = self.documents("origin", "document")
        origins = {
            each.columns["origin"]: json.loads(each.columns["data"]) for each in rows if _is_origin(each)
        }
        held: Mapping[int, int] = {}
        if wanted:
            held = Counter(each.columns["document"] for each in self.rows(selected, ("document",)))
        node = parse_filter(wanted) if wanted else None
        states, owning = [], set()
        for row in rows:
            if _is_origin(row):
                continue
            told, origin = json.loads(row.columns["data"]), row.columns["origin"]
            owning.add(origin)
            count = held.get(row.columns["document"], 0) if node else told["chunks"]
            if node is None or count or (not told["chunks"] and _document_holds(node, told)):
                states.append(
                    _state(told["source"], origins[origin], count, told["metadata"] if metadata else None)
                )
        states += [
            _state(each["origin"], each, 0, None)
            for name, each in origins.items()
            if name not in owning and node is None
        ]
        return sorted(states, key=lambda each: each.source)

    def document(self, source: str) -> Document | None:
        """A stored document, whatever the filter."""
        found = self.documents("document", where=[In("source", [named(source)])])
        if not found:
            return None
        told = json.loads(found[0].columns["data"])
        text, rest = self._packed(found[0].columns["document"])
        return Document(
            source, text, decode(told["metadata"]), tuple(rest["pages"]), tuple(rest["warnings"]),
            rest["body"], rest["media_type"], Reading(*rest["reading"]),
        )  # fmt: skip

    def shows(self, source: str, wanted: Filter | None, selected: Selected) -> bool:
        """Whether a filter lets through a chunk of a source or, where it has none, its document."""
        if not wanted or self.of_source(selected, source):
            return True
        node = parse_filter(wanted)
        found = self.documents("document", where=[In("source", [named(source)])])
        told = [json.loads(each.columns["data"]) for each in found]
        return any(not each["chunks"] and _document_holds(node, each) for each in told)

    def hits(self, rows: Iterable[Row], scope: Scope) -> Iterator[tuple[str, Hit]]:
        """Keys and hits of chunks whose `data` was read."""
        for row in rows:
            told = self.told(row)
            yield row.key, Hit(
                told["id"], told["source"], told["start"], told["end"], told["text"],
                metadata=decode(told["metadata"]), page=told["page"], collection=scope.collection,
                content_hash=told["content_hash"], line=told["line"], page_breaks=tuple(told["breaks"]),
            )  # fmt: skip

    def told(self, row: Row) -> dict[str, Any]:
        """What a chunk's `data` says, with its text where that was too long to be in it."""
        told: dict[str, Any] = json.loads(row.columns["data"])
        if told["text"] is None:
            document = self.documents("document", where=[In("source", [named(told["source"])])])[0]
            told["text"] = self._packed(document.columns["document"])[0][told["start"] : told["end"]]
        return told

    def nearest(self, query: Vectors, k: int, selected: Selected, exact: bool) -> list[tuple[Row, float]]:
        """The k nearest chunks, and those that tie with the last, by exact inner products."""
        if selected.keys is not None and len(selected.keys) <= ASKED:
            if not selected.keys:
                return []
            selected = Selected((*selected.conditions, In("key", sorted(selected.keys))), selected.keys)
        where, width = (*self.visible, *selected.conditions), k + _MARGIN
        while width <= self._engine.most_hits:
            found = _scored(self._engine.nearest(query, width, where, ("data",), exact), query)
            kept = [(row, score) for row, score in found if selected.has(row)]
            if len(found) >= width:
                lowest = min(score for _, score in found)
                if len(kept) >= k and lowest < _kth(kept, k) - _ROUNDING:
                    return kept
                width *= 4
            elif exact or len(found) == self._engine.count("chunks", where):
                return kept
            else:
                exact = True  # it gave fewer than there are
        return _scored(self.rows(selected, ("data",), vector=True), query)

    def _packed(self, document: int) -> tuple[str, dict[str, Any]]:
        pieces = self.documents("piece", where=[In("document", [document])])
        ordered = sorted(pieces, key=lambda each: int(each.columns["part"]))
        packed = zlib.decompress(b64decode("".join(each.columns["data"] for each in ordered)))
        text, rest = json.loads(packed)
        return text, rest


def chunk_holds(node: Node, row: Row) -> bool:
    """Whether a filter lets through a chunk whose `data` was read."""
    told = json.loads(row.columns["data"])
    return holds(node, stored(told["source"], told["metadata"]))


def _document_holds(node: Node, told: Mapping[str, Any]) -> bool:
    return holds(node, stored(told["source"], told["metadata"]))


def _is_origin(row: Row) -> bool:
    return bool(row.columns["kind"] == "origin")


def _state(source: str, origin: Mapping[str, Any], chunks: int, metadata: str | None) -> SourceState:
    return SourceState(
        source, origin["origin"], origin["fingerprint"], origin["stamp"], origin["digest"],
        origin["metadata_hash"], chunks, decode(metadata) if metadata else {}, origin["size"],
        origin["stored_at"],
    )  # fmt: skip


def _scored(rows: Sequence[Row], query: Vectors) -> list[tuple[Row, float]]:
    if not rows:
        return []
    matrix = np.stack([np.asarray(each.vector, np.float32) for each in rows])
    return [*zip(rows, scores(matrix, np.arange(len(rows)), query).tolist(), strict=True)]


def _kth(scored: Sequence[tuple[Row, float]], k: int) -> float:
    return sorted((score for _, score in scored), reverse=True)[k - 1]
