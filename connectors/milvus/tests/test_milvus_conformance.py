"""What every index on disk must do, this one does, in Milvus Lite."""

from __future__ import annotations

from pathlib import Path

from ragbraid_milvus import Milvus
from stores import StoreConformance

from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER


class TestMilvus(StoreConformance):
    test_a_very_large_batch = None  # Milvus Lite, in Python, takes too long for it
    copied = 30

    def open_index(self, folder: Path) -> EngineIndex:
        return Milvus(Secret(f"{folder}.db"), EMBEDDER).open()
