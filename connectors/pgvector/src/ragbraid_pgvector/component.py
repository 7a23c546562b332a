"""The `ragbraid/pgvector` index: its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated

from annotated_types import Gt

from ragbraid.embed.protocol import Embedder
from ragbraid.secret import Secret
from ragbraid_pgvector.runtime import PgVectorRuntime
from ragbraid_pgvector.structure import Structure

_NAME = re.compile("[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class PgVector:
    """Stores documents in a PostgreSQL database, and searches them there by vector and by text.

    `url` is libpq's, such as `postgresql://user:password@host/database`; write it as `${DATABASE_URL}`: it is
    shown nowhere. All tables are in one `schema`, which the first ingest makes, and removing the schema
    removes the index. It wants PostgreSQL 14 and the extension `vector` 0.8, or newer ones; where the
    extension isn't installed yet, the first ingest does that, if it may. Without an embedder it is lexical
    only. What `upsert` acknowledged is committed.

    Up to 50,000 vectors are compared one by one. From there on `auto` has pgvector make an `hnsw` graph
    (Malkov and Yashunin, 2018), which takes minutes and stays in memory; `ivf` (lists of vectors) is made
    sooner and finds less; `exact` makes none. `hnsw` and `ivf` are made at once, whatever the size.
    A connection, a lock and an answer are waited for `timeout` seconds at most; a write takes what it takes.
    """

    url: Secret
    embedder: Embedder | None = None
    schema: str = "ragbraid"
    structure: Structure = "auto"
    timeout: Annotated[float, Gt(0)] = field(default=30.0, metadata={"digest": False})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.schema) or self.schema.startswith("pg_"):
            raise ValueError(
                f"schema wants lower-case letters, digits and '_', and no pg_ in front, not {self.schema!r}"
            )

    def open(self) -> PgVectorRuntime:
        """Make the runtime. Nothing is connected before it is asked, nor written before the first upsert."""
        return PgVectorRuntime(self.url, self.embedder, self.schema, self.structure, self.timeout)
