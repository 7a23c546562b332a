"""An index over any engine does what every index on disk must do."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.errors import IndexStoreError
from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.testing.index import EMBEDDER, DurableIndexConformance, change
from ragbraid.testing.list_engine import ListEngine


class TestEngineIndex(DurableIndexConformance):
    test_a_very_large_batch = None  # of an engine in plain Python it would ask too much

    @pytest.fixture(autouse=True)
    def _engines(self) -> None:
        self.engines: dict[Path, ListEngine] = {}

    def open_index(self, folder: Path) -> EngineIndex:
        return EngineIndex(self.engines.setdefault(folder, ListEngine(str(folder))), EMBEDDER)

    def test_a_snapshot_is_an_index(self, tmp_path: Path) -> None:
        """It isn't: the database's own tools copy it, and the error says so."""
        index = self.open_index(tmp_path / "index")
        index.upsert([change("a", ["goat"])])
        with pytest.raises(IndexStoreError, match="index copy"):
            index.snapshot(tmp_path / "copy")
        index.close()
