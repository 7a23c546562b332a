"""What moves between `faiss` and PostgreSQL comes back as it was, also where the copy is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ragbraid_pgvector import PgVector
from stores import demand_same_answers, fill, held

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.transfer import transfer
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER


@pytest.fixture
def source(tmp_path: Path) -> Any:
    opened = Faiss(tmp_path / "source", EMBEDDER).open()
    fill(opened, 300)
    yield opened
    opened.close()


def test_there_and_back(source: FaissRuntime, url: str, schema: str, tmp_path: Path) -> None:
    calls = EMBEDDER.calls
    middle = PgVector(Secret(url), EMBEDDER, schema).open()
    back = Faiss(tmp_path / "back", EMBEDDER).open()
    transfer(source, middle, batch=64)
    transfer(middle, back, batch=64)
    assert EMBEDDER.calls == calls
    assert repr(held(source)) == repr(held(middle)) == repr(held(back))
    middle.close()
    back.close()


def test_the_same_answers(source: FaissRuntime, url: str, schema: str) -> None:
    middle = PgVector(Secret(url), EMBEDDER, schema, "exact").open()
    transfer(source, middle)
    demand_same_answers(middle, source)
    middle.close()


COPY = """
import sys
from pathlib import Path
from ragbraid.index.faiss import Faiss
from ragbraid.index.transfer import transfer
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER
from ragbraid_pgvector import PgVector
source = Faiss(Path(sys.argv[1]), EMBEDDER).open()
target = PgVector(Secret(sys.argv[2]), EMBEDDER, sys.argv[3]).open()
print("begun", flush=True)
transfer(source, target, batch=8)
"""


def test_killed_again_and_again(source: FaissRuntime, url: str, schema: str, tmp_path: Path) -> None:
    script = tmp_path / "copying.py"
    script.write_text(COPY, "utf-8")
    for pause in (0.0, 0.05, 0.15):
        process = subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / "source"), url, schema],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(pause)
        process.kill()
        process.wait()
        process.stdout.close()
    target = PgVector(Secret(url), EMBEDDER, schema).open()
    transfer(source, target)
    assert repr(held(target)) == repr(held(source))
    target.close()
