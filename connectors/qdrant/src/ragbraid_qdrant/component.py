"""The `ragbraid/qdrant` index: its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Gt

from ragbraid.embed.protocol import Embedder
from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.secret import Secret
from ragbraid_qdrant.engine import QdrantEngine

_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Qdrant:
    """Stores documents in a Qdrant database, and searches them there by vector and by text.

    `url` is that of a server, such as `http://localhost:6333`, of Qdrant 1.16 or newer; or a folder, for the
    client's local mode, which keeps all in memory, looks through all of it, and takes one process at a time.
    The index is three collections, whose names begin with `name`. Without an embedder it is lexical only.

    With `structure: exact` all vectors that may be found are compared; with `auto` its HNSW graph (Malkov
    and Yashunin, 2018) names the candidates. With `consistency: strong` a majority of replicas is asked, so
    that a question sees every change that was acknowledged before it; with `eventual` one is, which may lag.
    A writer waits for another, and an answer is waited for, `timeout` seconds at most.
    """

    url: Secret
    embedder: Embedder | None = None
    api_key: Secret | None = None
    name: str = "ragbraid"
    structure: Literal["auto", "exact"] = "auto"
    consistency: Literal["strong", "eventual"] = field(default="strong", metadata={"digest": False})
    timeout: Annotated[float, Gt(0)] = field(default=30.0, metadata={"digest": False})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name wants lower-case letters, digits, '_' and '-', not {self.name!r}")

    def open(self) -> EngineIndex:
        """Make the runtime. Nothing is connected before it is asked, nor written before the first upsert."""
        engine = QdrantEngine(self.url, self.api_key, self.name, self.consistency == "strong", self.timeout)
        return EngineIndex(engine, self.embedder, exact=self.structure == "exact", timeout=self.timeout)
