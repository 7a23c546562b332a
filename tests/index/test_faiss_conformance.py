from pathlib import Path

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.testing.index import EMBEDDER, DurableIndexConformance


class TestFaiss(DurableIndexConformance):
    def open_index(self, folder: Path) -> FaissRuntime:
        return Faiss(folder, EMBEDDER).open()
