import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from ragbraid.errors import IndexMissing
from ragbraid.index.faiss import Faiss
from ragbraid.testing.hash_sparse_encoder import HashSparseEncoder
from ragbraid.testing.index import EMBEDDER, embedded
from soaking import count

CHILD = Path(__file__).with_name("indexing_child.py")
SPARSE = HashSparseEncoder().open()
SOURCES = Path(__file__).parents[2] / "src"


def test_killed_at_any_moment_it_keeps_what_was_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(5)
    for number in range(count(1, 50)):
        _kill_again_and_again(tmp_path / f"index {number}", rng, kills=20)


def _kill_again_and_again(folder: Path, rng: random.Random, kills: int) -> None:
    stored: set[int] = set()
    started = 0
    for _ in range(kills):
        lines = _run_and_kill(folder, started, 0.02 + rng.random() * 0.3)
        doubtful = set()
        for word, number in lines:
            if word == "start":
                started, doubtful = number + 1, {number}
            elif word == "done":
                stored.add(number)
                doubtful = {number - 2} if number % 5 == 4 else set()
            else:
                stored.discard(number)
                doubtful = set()
        found = _whole_sources(folder)
        assert stored - doubtful <= found <= stored | doubtful
        stored = found


def _run_and_kill(folder: Path, start: int, seconds: float) -> list[tuple[str, int]]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), str(start)],
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert child.stdout is not None
    lines = [child.stdout.readline()]
    time.sleep(seconds)
    child.kill()
    rest, _ = child.communicate()
    said = [line.split() for line in [*lines, *rest.splitlines(keepends=True)] if line.endswith("\n")]
    return [(word, int(number)) for word, number in said]


def _whole_sources(folder: Path) -> set[int]:
    """The sources that are there, after checking that each is whole in the database and both searches."""
    index = Faiss(folder, EMBEDDER, tokens=EMBEDDER, sparse=SPARSE).open()
    whole: set[int] = set()
    states = list(index.sources())
    if not states:  # killed before the first commit, or all that was there is deleted
        with suppress(IndexMissing):
            assert index.count() == 0
        return whole
    for state in states:
        number = int(state.source[1:])
        document = index.document(state.source)
        assert document is not None
        texts = document.text.split("\n")
        assert len(texts) == state.chunks == 1 + number % 7
        assert len(index.stored_tokens([hit.id for hit in index.chunks(state.source)])) == len(texts)
        lexical = [hit.text for hit in index.search_text([f"word{number}"], 10)[0]]
        assert sorted(lexical) == sorted(texts)
        by_terms = index.search_sparse(SPARSE.embed_sparse([f"word{number}"]), 10)[0]
        assert sorted(hit.text for hit in by_terms) == sorted(texts)
        assert index.search_vector(embedded(texts[-1]), 1)[0][0].text == texts[-1]
        whole.add(number)
    total = index.count()
    assert len(index.search_vector(embedded("goat"), total + 9)[0]) == total
    assert len(index.search_text(["goat"], total + 9)[0]) == total
    assert index.check() == []
    index.close()
    return whole
