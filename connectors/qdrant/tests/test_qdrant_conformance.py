"""What every index on disk must do, this one does, in the client's local mode."""

from __future__ import annotations

from pathlib import Path

import pytest
from ragbraid_qdrant import Qdrant
from stores import StoreConformance

from ragbraid.errors import IndexLocked
from ragbraid.index.engine.runtime import EngineIndex
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER, change


class TestQdrant(StoreConformance):
    test_a_very_large_batch = None  # the local mode, in Python, looks at every point for every question

    def open_index(self, folder: Path) -> EngineIndex:
        return Qdrant(Secret(str(folder)), EMBEDDER).open()

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_another_handle_sees_what_was_committed(self, tmp_path: Path) -> None:
        """The local mode takes one at a time; the other is told so, and may come afterwards.

        The client that is refused leaves its lock file open, which is the warning.
        """
        first, second = (self.open_index(tmp_path / "index") for _ in range(2))
        first.upsert([change("a", ["goat"])])
        for ask in (second.count, lambda: second.upsert([change("b", ["cow"])])):
            with pytest.raises(IndexLocked, match="open in another process"):
                ask()
        first.close()
        assert second.count() == 1
        second.close()
