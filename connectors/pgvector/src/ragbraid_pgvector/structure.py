"""What names candidates for dense search: an index of pgvector over the chunks' vectors."""

from __future__ import annotations

from typing import Literal, TypeAlias

from ragbraid_pgvector.sessions import Session

Structure: TypeAlias = Literal["auto", "exact", "hnsw", "ivf"]
SMALL = 50_000
"""Up to so many vectors `auto` compares all of them."""
_WIDEST = 2000
"""The most dimensions that pgvector makes a structure over."""
_NAME = "chunks_by_embedding"


def wanted(asked: Structure, chunks: int, dimensions: int) -> str | None:
    """Which structure there should be; None for none."""
    if asked == "exact" or dimensions > _WIDEST or not chunks:
        return None
    if asked == "auto":
        return "hnsw" if chunks > SMALL else None
    return asked


def held(session: Session) -> str | None:
    """Which structure there is."""
    row = session.row(
        "SELECT a.amname FROM pg_class AS i JOIN pg_am AS a ON a.oid = i.relam JOIN pg_index AS x "
        "ON x.indexrelid = i.oid WHERE i.relnamespace = to_regnamespace('{s}') AND i.relname = %s "
        "AND x.indisvalid",
        (_NAME,),
    )
    return None if row is None else {"ivfflat": "ivf"}.get(row[0], row[0])


def build(session: Session, kind: str, chunks: int) -> None:
    """Make a structure in the place of any other, inside the caller's transaction."""
    session.run(f"DROP INDEX IF EXISTS {{s}}.{_NAME}")
    how, options = "hnsw", ""
    if kind == "ivf":
        how, options = "ivfflat", f"WITH (lists = {max(1, min(32_768, chunks // 1000))})"
    session.run(f"CREATE INDEX {_NAME} ON {{s}}.chunks USING {how} (embedding vector_ip_ops) {options}")
