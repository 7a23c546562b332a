"""The `ragbraid/lancedb` index: its settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Gt

from ragbraid.embed.protocol import Embedder
from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.secret import Secret
from ragbraid_lancedb.engine import LanceDbEngine

_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class LanceDb:
    """Stores documents in LanceDB, in a folder or in object storage, and searches them by vector and by text.

    `url` is a folder, or a place such as `s3://bucket/folder`, whose credentials and endpoint the environment
    gives. Any number of processes may use it. It is four tables, whose names begin with `name`. Without
    an embedder it is lexical only.

    All vectors that may be found are compared. With `consistency: strong` a question sees every change that
    was acknowledged before it; with `eventual` a reader looks for changes every five seconds. A writer waits
    for another `timeout` seconds at most.
    """

    url: Secret
    embedder: Embedder | None = None
    name: str = "ragbraid"
    consistency: Literal["strong", "eventual"] = field(default="strong", metadata={"digest": False})
    timeout: Annotated[float, Gt(0)] = field(default=30.0, metadata={"digest": False})

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name wants lower-case letters, digits, '_' and '-', not {self.name!r}")

    def open(self) -> EngineIndex:
        """Make the runtime. Nothing is connected before it is asked, nor written before the first upsert."""
        engine = LanceDbEngine(self.url, self.name, self.consistency == "strong")
        return EngineIndex(engine, self.embedder, exact=True, timeout=self.timeout)
