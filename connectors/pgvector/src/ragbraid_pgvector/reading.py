"""Questions to the database: everything that is read under a scope, as SQL."""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from ragbraid.index.filter import holds, parse_filter
from ragbraid.index.metadata import decode
from ragbraid.index.protocol import SourceState
from ragbraid.index.terms import Asked, Term, Tree
from ragbraid.text.pages import breaks
from ragbraid.types import Document, Filter, Hit, Reading, Scope, Vectors
from ragbraid_pgvector import packing
from ragbraid_pgvector.fields import Where, compile_filter
from ragbraid_pgvector.sessions import Session
from ragbraid_pgvector.tables import State
from ragbraid_pgvector.words import tsquery

_K1, _B = 1.2, 0.75
_HIT = (
    "SELECT c.id, c.name, c.source, c.first, c.last, c.text, c.metadata, c.page, c.line, d.content_hash, "
    "CASE WHEN c.page IS NOT NULL THEN d.pages END, CASE WHEN c.text IS NULL THEN d.packed END "
    "FROM {s}.chunks AS c JOIN {s}.documents AS d ON d.id = c.document "
)


def condition(session: Session, collection: int, wanted: Filter | None, alias: str = "c") -> Where:
    """A scope's filter as a condition on `chunks AS c`, or `documents AS d`, that is exact.

    What SQL can't decide is read and decided here, and becomes a list of rows.
    """
    if not wanted:
        return Where()
    table = {"c": "chunks", "d": "documents"}[alias]
    node = parse_filter(wanted)
    where = compile_filter(node, alias)
    if where.exact and not _has_unreadable(session, table, collection):
        return where
    found = session.rows(
        f"SELECT {alias}.id, {alias}.source, {alias}.metadata FROM {{s}}.{table} AS {alias} "
        f"WHERE {alias}.collection = %s AND ({alias}.fields IS NULL OR {where.sql})",
        (collection, *where.parameters),
    )
    kept = [row for row, source, text in found if holds(node, {"source": source, **json.loads(text)})]
    return Where(f"{alias}.id = ANY (%s)", (kept,))


def _has_unreadable(session: Session, table: str, collection: int) -> bool:
    query = f"SELECT 1 FROM {{s}}.{table} WHERE collection = %s AND fields IS NULL LIMIT 1"
    return session.row(query, (collection,)) is not None


def has_vectors(session: Session) -> bool:
    """Whether any embedder's vectors were ever stored."""
    row = session.row("SELECT embedder IS NOT NULL FROM {s}.about", ())
    return bool(row and row[0])


def ids_in_scope(
    session: Session, collection: int, wanted: Filter | None, among: Sequence[int]
) -> Collection[int]:
    """Those of some chunks that a filter selects."""
    where = condition(session, collection, wanted)
    found = session.rows(
        f"SELECT c.id FROM {{s}}.chunks AS c WHERE c.id = ANY (%s) AND {where.sql}",
        ([*among], *where.parameters),
    )
    return {row for (row,) in found}


def count(session: Session, collection: int, wanted: Filter | None) -> int:
    """How many chunks are in scope."""
    where = condition(session, collection, wanted)
    row = session.row(
        f"SELECT count(*) FROM {{s}}.chunks AS c WHERE c.collection = %s AND {where.sql}",
        (collection, *where.parameters),
    )
    return int(row[0]) if row else 0


def by_name(session: Session, scope: Scope, collection: int, names: Sequence[str]) -> dict[str, Hit]:
    """The chunks of these names that are in scope."""
    where = condition(session, collection, scope.filter)
    found = session.rows(
        f"{_HIT} WHERE c.collection = %s AND c.name = ANY (%s) AND {where.sql}",
        (collection, [*names], *where.parameters),
    )
    return {each[1]: _hit(each, scope.collection) for each in found}


def by_id(session: Session, scope: Scope, chunks: Collection[int]) -> dict[int, Hit]:
    """The chunks of these numbers."""
    found = session.rows(f"{_HIT} WHERE c.id = ANY (%s)", ([*chunks],))
    return {each[0]: _hit(each, scope.collection) for each in found}


def of_source(session: Session, scope: Scope, collection: int, source: str) -> list[Hit]:
    """The chunks of a source that are in scope, in the order of its text."""
    where = condition(session, collection, scope.filter)
    found = session.rows(
        f"{_HIT} WHERE d.collection = %s AND d.source = %s AND {where.sql} ORDER BY c.first, c.last, c.name",
        (collection, source, *where.parameters),
    )
    return [_hit(each, scope.collection) for each in found]


def contexts(session: Session, scope: Scope, collection: int, names: Sequence[str]) -> dict[str, str]:
    """By name, the contexts of those chunks in scope that have one."""
    where = condition(session, collection, scope.filter)
    found = session.rows(
        "SELECT c.name, c.context FROM {s}.chunks AS c WHERE c.collection = %s AND c.name = ANY (%s) "
        f"AND c.context <> '' AND {where.sql}",
        (collection, [*names], *where.parameters),
    )
    return dict(found)


def sources(
    session: Session,
    scope: Scope,
    collection: int,
    metadata: bool = False,
    lacking: bool | None = False,
    only: str | None = None,
) -> list[SourceState]:
    """Every source in scope, and origins that hold none, or `only` the one of that name.

    With `lacking` an origin of which a chunk has no vector is given no digest; None: no chunk has one.
    """
    where = condition(session, collection, scope.filter)
    whole = condition(session, collection, scope.filter, "d")
    chunks = "FROM {s}.chunks AS c WHERE c.document = d.id"
    bare = "false" if lacking is False else "c.embedding IS NULL" if lacking else "true"
    found = session.rows(
        f"""SELECT COALESCE(d.source, o.origin), o.origin, o.fingerprint, o.stamp,
        CASE WHEN EXISTS (SELECT 1 FROM {{s}}.documents AS x JOIN {{s}}.chunks AS c ON c.document = x.id
          WHERE x.origin = o.id AND {bare}) THEN '' ELSE o.digest END,
        o.metadata_hash, o.size, o.stored_at, {"d.metadata" if metadata else "NULL::text"},
        (SELECT count(*) {chunks} AND {where.sql}), EXISTS (SELECT 1 {chunks}),
        d.id IS NULL OR {whole.sql}
        FROM {{s}}.origins AS o LEFT JOIN {{s}}.documents AS d ON d.origin = o.id
        WHERE o.collection = %s {"" if only is None else "AND d.source = %s"} ORDER BY 1""",
        (*where.parameters, *whole.parameters, collection, *([] if only is None else [only])),
    )
    return [_source(row) for row in found if not scope.filter or _is_visible(*row[-3:])]


def _source(row: Sequence[Any]) -> SourceState:
    source, origin, fingerprint, stamp, digest, hashed, size, stored_at, written, held, _, _ = row
    metadata = decode(written) if written else {}
    return SourceState(source, origin, fingerprint, stamp, digest, hashed, held, metadata, size, stored_at)


def _is_visible(held: int, has_chunks: bool, visible: bool) -> bool:
    """Whether a filter lets a chunk of a source through or, where it has none, its document."""
    return held > 0 or (visible and not has_chunks)


def document(session: Session, scope: Scope, collection: int, source: str) -> Document | None:
    """A stored document, if it or one of its chunks is in scope."""
    if scope.filter and not sources(session, scope, collection, only=source):
        return None
    row = session.row(
        "SELECT packed, metadata, pages, warnings, body, media_type, reading FROM {s}.documents "
        "WHERE collection = %s AND source = %s",
        (collection, source),
    )
    if row is None:
        return None
    packed, metadata, pages, warnings, body, media_type, told = row
    return Document(
        source,
        zlib.decompress(packed).decode(),
        decode(metadata),
        tuple(json.loads(pages)),
        tuple(json.loads(warnings)),
        body,
        media_type,
        Reading(*json.loads(told)),
    )


def nearest(
    session: Session,
    scope: Scope,
    collection: int,
    query: Any,
    k: int,
    structure: str | None,
) -> dict[int, float]:
    """The k nearest chunks and those that tie with the last, by number; by a `structure`, or by all."""
    where = condition(session, collection, scope.filter)
    distance = "(c.embedding <#> %b)"
    margin = 16
    if structure is not None:
        session.run(f"SET LOCAL hnsw.ef_search = {min(1000, max(100, 2 * k))}")
        session.run("SET LOCAL hnsw.iterative_scan = strict_order")
        session.run("SET LOCAL ivfflat.iterative_scan = relaxed_order")
        session.run(f"SET LOCAL ivfflat.probes = {max(20, min(200, k))}")
    else:
        distance = f"(0 + {distance})"  # an expression that no structure is over
    packed = packing.vector(query)
    order = distance if structure is not None else f"{distance}, c.name"
    found = session.rows(
        f"SELECT c.id, -(c.embedding <#> %b)::float8 FROM {{s}}.chunks AS c "
        f"WHERE c.collection = %s AND {where.sql} ORDER BY {order} LIMIT %s",
        (packed, collection, *where.parameters, packed, k + (margin if structure else 0)),
    )
    if structure is None:
        return dict(found)
    ordered = sorted((score for _, score in found), reverse=True)
    tied = len(ordered) == k + margin and ordered[k - 1] == ordered[-1]
    if len(ordered) < k or tied:
        return nearest(session, scope, collection, query, k, None)
    return {row: score for row, score in found if score >= ordered[k - 1]}


def matching(session: Session, scope: Scope, state: State, asked: Asked, k: int) -> dict[int, float]:
    """The k best chunks by BM25 (Robertson and Zaragoza, 2009, section 3), by number; ties by name.

    Weights are the collection's as a whole, whatever the filter.
    """
    assert state.collection is not None
    where = condition(session, state.collection, scope.filter)
    holding = frequencies(session, state.collection, [*map(Term, asked.terms)])
    weights = [float(np.log1p((state.chunks - each + 0.5) / (each + 0.5))) for each in holding]
    mean = max(1.0, state.terms / max(1, state.chunks))
    found = session.rows(
        f"""WITH asked AS (SELECT * FROM unnest(%s::text[], %s::float8[]) AS a(term, weight)),
        found AS (
          SELECT c.id, c.name, c.length, c.terms FROM {{s}}.chunks AS c
          WHERE c.collection = %s AND c.terms @@ %s::tsquery AND {where.sql}
        )
        SELECT f.id, s.score FROM found AS f CROSS JOIN LATERAL (
          SELECT round(COALESCE(sum(a.weight * {_K1 + 1} * t.tf /
            (t.tf + {_K1} * ({1 - _B} + {_B} * f.length / %s::float8))), 0)::numeric, 4)::float8 AS score
          FROM unnest(f.terms) AS u JOIN asked AS a ON a.term = u.lexeme
          CROSS JOIN LATERAL (SELECT greatest(1, cardinality(u.positions))::float8 AS tf) AS t
        ) AS s ORDER BY s.score DESC, f.name LIMIT %s""",
        ([*asked.terms], weights, state.collection, tsquery(asked.tree), *where.parameters, mean, k),
    )
    return dict(found)


def frequencies(
    session: Session, collection: int, trees: Sequence[Tree | None], wanted: Filter | None = None
) -> list[int]:
    """How many chunks in scope each of these holds for; none where nothing is asked."""
    where = condition(session, collection, wanted)
    found: Mapping[int, int] = dict(
        session.rows(
            "SELECT q.at, (SELECT count(*) FROM {s}.chunks AS c "
            f"WHERE c.collection = %s AND c.terms @@ q.asked::tsquery AND {where.sql}) "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS q(asked, at) WHERE q.asked IS NOT NULL",
            (collection, *where.parameters, [None if each is None else tsquery(each) for each in trees]),
        )
    )
    return [found.get(at, 0) for at in range(1, len(trees) + 1)]


def languages(session: Session, collection: int) -> list[str]:
    """The languages that chunks of a collection ever were in."""
    found = session.rows("SELECT code FROM {s}.languages WHERE collection = %s ORDER BY code", (collection,))
    return [code for (code,) in found]


def vectors(
    session: Session, scope: Scope, collection: int, names: Sequence[str], dimensions: int
) -> dict[str, Any]:
    """By name, the vectors of those chunks in scope that have one; None for those that have none."""
    where = condition(session, collection, scope.filter)
    found = session.rows(
        "SELECT c.name, vector_send(c.embedding) FROM {s}.chunks AS c "
        f"WHERE c.collection = %s AND c.name = ANY (%s) AND {where.sql}",
        (collection, [*names], *where.parameters),
    )
    rows = iter(packing.vectors([sent for _, sent in found if sent is not None], dimensions))
    return {name: None if sent is None else next(rows) for name, sent in found}


def known(session: Session, hashes: Sequence[bytes], dimensions: int) -> dict[bytes, Vectors]:
    """By the hash of what was embedded, the vectors that any chunk has or had."""
    found = session.rows(
        "SELECT DISTINCT ON (text_hash) text_hash, vector_send(embedding) FROM ("
        "SELECT text_hash, embedding FROM {s}.chunks WHERE text_hash = ANY (%s) AND embedding IS NOT NULL "
        "UNION ALL SELECT text_hash, embedding FROM {s}.spare WHERE text_hash = ANY (%s)) AS x",
        ([*hashes], [*hashes]),
    )
    rows = packing.vectors([sent for _, sent in found], dimensions)
    return {bytes(each): row for (each, _), row in zip(found, rows, strict=True)}


def _hit(row: Sequence[Any], collection: str) -> Hit:
    _, name, source, start, end, text, metadata, page, line, content_hash, pages, packed = row
    if text is None:  # it holds U+0000, which PostgreSQL's text can't
        text = zlib.decompress(packed).decode()[start:end]
    return Hit(
        name, source, start, end, text, metadata=decode(metadata), page=page, collection=collection,
        content_hash=content_hash, line=line,
        page_breaks=() if pages is None else breaks(json.loads(pages), start, end),
    )  # fmt: skip
