"""What every index on disk must do, this one does."""

from __future__ import annotations

from pathlib import Path

import pytest
from ragbraid_pgvector import PgVector
from ragbraid_pgvector.runtime import PgVectorRuntime

from conftest import schema_of
from ragbraid.errors import IndexStoreError
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER, DurableIndexConformance, change


class TestPgVector(DurableIndexConformance):
    structure = "auto"

    @pytest.fixture(autouse=True)
    def _server(self, url: str) -> None:
        self.url = url

    def open_index(self, folder: Path) -> PgVectorRuntime:
        return PgVector(Secret(self.url), EMBEDDER, schema_of(folder), self.structure).open()

    def test_a_snapshot_is_an_index(self, tmp_path: Path) -> None:
        """It isn't: the database's own tools copy it, and the error says so."""
        index = self.open_index(tmp_path / "index")
        index.upsert([change("a", ["goat"])])
        with pytest.raises(IndexStoreError, match="pg_dump"):
            index.snapshot(tmp_path / "copy")
        index.close()


class TestHnsw(TestPgVector):
    """By pgvector's graph, which here is made at once."""

    structure = "hnsw"
    test_a_very_large_batch = None


class TestIvf(TestPgVector):
    """By pgvector's lists of vectors, which here are made at once."""

    structure = "ivf"
    test_a_very_large_batch = None
