"""What every index on disk must do, this one does, in a folder."""

from __future__ import annotations

from pathlib import Path

from ragbraid_lancedb import LanceDb
from stores import StoreConformance

from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER


class TestLanceDb(StoreConformance):
    def open_index(self, folder: Path) -> EngineIndex:
        return LanceDb(Secret(str(folder)), EMBEDDER).open()
