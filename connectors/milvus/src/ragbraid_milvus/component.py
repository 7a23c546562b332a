"""The `ragbraid/milvus` index: its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Gt

from ragbraid.embed.protocol import Embedder
from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.secret import Secret
from ragbraid_milvus.engine import MilvusEngine

_NAME = re.compile("[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Milvus:
    """Stores documents in a Milvus database, and searches them there by vector and by text.

    `url` is that of a server, such as `http://localhost:19530`, of Milvus 2.6 or newer; or a file whose name
    ends in `.db`, for Milvus Lite. The index is four collections, whose names begin with `name`. Without an
    embedder it is lexical only.

    All vectors that may be found are compared (Milvus's `FLAT`). With `consistency: strong` a question sees
    every change that was acknowledged before it; with `eventual` it may lag. A writer waits for another, and
    an answer is waited for, `timeout` seconds at most.
    """

    url: Secret
    embedder: Embedder | None = None
    token: Secret | None = None
    name: str = "ragbraid"
    consistency: Literal["strong", "eventual"] = field(default="strong", metadata={"digest": False})
    timeout: Annotated[float, Gt(0)] = field(default=30.0, metadata={"digest": False})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name wants lower-case letters, digits and '_', not {self.name!r}")

    def open(self) -> EngineIndex:
        """Make the runtime. Nothing is connected before it is asked, nor written before the first upsert."""
        engine = MilvusEngine(self.url, self.token, self.name, self.consistency == "strong", self.timeout)
        return EngineIndex(engine, self.embedder, exact=True, timeout=self.timeout)
