"""An index that can't be written to is searched all the same: on read-only media, or as another user."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragbraid.index.faiss import Faiss
from ragbraid.index.protocol import Change, Entry
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.types import Chunk, Document

if sys.platform == "win32":
    pytest.skip("Folders can't be made read-only on Windows.", allow_module_level=True)

NOBODY = 65534
SEARCH = f"""
import os, sys
from contextlib import closing
from pathlib import Path
from ragbraid.index.faiss import Faiss
from ragbraid.testing.hash_embedder import HashEmbedder

def search(folder):
    with closing(Faiss(Path(folder), embedder=HashEmbedder().open()).open()) as index:
        found = [[hit.id for hit in hits] for hits in index.search_text(["leave", "none"], 3)]
        near = index.search_vector(index.embedder.embed(["parental leave"]), 1)[0][0].id
        return found, near, index.document("b").text

search(sys.argv[1])  # imports what others than root may not read
if os.geteuid() == 0:  # whom no mode keeps from writing
    os.setuid({NOBODY})
print(search(sys.argv[2]))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own, which others may not enter.
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        place.chmod(0o755)
        index = Faiss(place / "index", embedder=HashEmbedder().open()).open()
        embedder = HashEmbedder().open()
        for name, text in {"a": "Parental leave is long.", "b": "A desk is booked."}.items():
            entry = Entry(
                Document(name, text), [Chunk(name, 0, len(text), text, id=name)], embedder.embed([text])
            )
            index.upsert([Change(name, [entry])])
        index.close()
        yield place / "index"
        for each in [place / "index", *(place / "index").rglob("*")]:
            each.chmod(0o755)


def test_it_is_searched_by_words_and_by_vectors(folder: Path, tmp_path: Path) -> None:
    before = sorted(each.name for each in folder.rglob("*"))
    copy = shutil.copytree(folder, tmp_path / "copy")
    for each in [*folder.rglob("*"), folder]:
        each.chmod(0o555 if each.is_dir() else 0o444)
    asked = subprocess.run(
        [sys.executable, "-c", SEARCH, str(copy), str(folder)], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout == "([['a'], []], 'a', 'A desk is booked.')\n"
    assert sorted(each.name for each in folder.rglob("*")) == before
