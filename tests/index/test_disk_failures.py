"""Calls that fail or break off at each place of a commit: what was acknowledged is there, nothing else is."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from faulty import BASE, LATER, after, before, state
from power_cut import Disk, recorded

from ragbraid.index.faiss import Faiss
from ragbraid.testing.index import EMBEDDER, change
from soaking import FULL, count

pytestmark = pytest.mark.timeout(count(300, 7200))
HERE = Path(__file__).parent
TEARS = -1
KINDS = [(errno.ENOSPC, 0), (errno.ENOSPC, 1), (errno.EIO, 0), (errno.EIO, 1), (TEARS, 0)]
"""What a call fails with, and whether all that follow do."""
WHATS = ["first", "change", "delete", "purge", "compact"]
Ask: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that makes calls fail, compiled."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler (cc)")
    target = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", target, HERE / "faults.c", "-ldl"], check=True)
    return target


@pytest.fixture(scope="module")
def ask(library: Path) -> Iterator[Ask]:
    """Has an index changed in a process whose calls go wrong; what came of it."""
    path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")])
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, HERE / "faulty_child.py"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as child:
        words, answers = child.stdin, child.stdout
        assert words is not None
        assert answers is not None

        def asked(folder: Path, what: str, **options: Any) -> dict[str, Any]:
            words.write(json.dumps({"folder": str(folder), "what": what, **options}) + "\n")
            words.flush()
            answer: dict[str, Any] = json.loads(answers.readline())
            return answer

        yield asked
        words.close()


@pytest.fixture(scope="module")
def base(ask: Ask, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index in it."""
    folder = tmp_path_factory.mktemp("base")
    index = Faiss(folder / "index", EMBEDDER, tokens=EMBEDDER).open()
    index.upsert([change(*each) for each in BASE.items()])
    index.delete(["s0"])
    index.close()
    assert ask(folder / "index", "base")["refused"] == ""
    return folder


def copied(base: Path, what: str, target: Path) -> Path:
    """A new folder of the name `target`, with the index in it that `what` begins from."""
    if what == "first":
        target.mkdir()
    else:
        shutil.copytree(base, target)
    return target / "index"


def places(calls: int, few: int, rng: random.Random) -> list[int]:
    """Each of so many calls at full counts, else a few."""
    return list(range(1, calls + 1)) if FULL else sorted(rng.sample(range(1, calls + 1), few))


@pytest.mark.parametrize("what", WHATS)
def test_each_call_goes_wrong(what: str, ask: Ask, base: Path, tmp_path: Path) -> None:
    calls = ask(copied(base, what, tmp_path / "sound"), what)["calls"]
    assert state(tmp_path / "sound" / "index") == after(what)
    assert calls > 100
    for kind, stays in KINDS if FULL else random.Random(what).sample(KINDS, 2):
        for at in places(calls, 1, random.Random(f"{what} {kind} {stays}")):
            folder = copied(base, what, tmp_path / f"{kind} {stays} {at}")
            later = "" if kind == TEARS else ("kept", "reopened")[at % 2]
            answer = ask(folder, what, at=at, kind=kind, stays=stays, later=later)
            place = f"{what}, {kind}, call {at} of {calls}: {answer.get('raised', answer)}"
            assert "raised" not in answer, place
            found = state(folder)
            if "died" in answer:
                assert (answer["died"], kind) == (77, TEARS), place
                assert found in (before(what), after(what)), place
            else:
                done = {} if kind == TEARS else LATER  # a few calls more or less are made each time
                allowed = [before(what) if answer["refused"] else after(what)]
                # Where the disk fails in the sync of a commit and ever after, nobody can tell whether the
                # commit is on it, and nothing is claimed. A purge may have left bytes of what it removed.
                if "or not at all" in answer["refused"] or (what == "purge" and answer["refused"]):
                    allowed.append(after(what))
                assert found in [{**each, **done} for each in allowed], place
            shutil.rmtree(folder.parent, ignore_errors=True)


def test_a_compaction_tells_that_the_lexical_index_could_not_be_written(
    ask: Ask, base: Path, tmp_path: Path
) -> None:
    ask(copied(base, "compact", tmp_path / "sound"), "compact", log=str(tmp_path / "log"))
    calls = recorded(tmp_path / "log")
    at = 1 + next(i for i, call in enumerate(calls) if call.what == "make" and "/1.new/" in call.words[1])
    answer = ask(copied(base, "compact", tmp_path / "run"), "compact", at=at, kind=errno.EIO)
    assert "The lexical index" in answer["refused"]
    assert state(tmp_path / "run" / "index") == BASE


@pytest.mark.parametrize("what", WHATS)
def test_the_power_fails_after_each_call(what: str, ask: Ask, base: Path, tmp_path: Path) -> None:
    folder, log = copied(base, what, tmp_path / "run"), tmp_path / "log"
    sound = Disk.of(folder.parent)
    assert ask(folder, what, log=str(log))["refused"] == ""
    calls = recorded(log)
    for number in range(count(1, 5)):
        rng = random.Random(f"{what} {number}")
        chosen = places(len(calls), 3, rng)
        disk, acknowledged = deepcopy(sound), False
        for at, call in enumerate(calls, 1):
            acknowledged = acknowledged or call.what == "acknowledged"
            disk.apply(call)
            if at in chosen:
                left = tmp_path / f"{number} {at}"
                left.mkdir()
                disk.cut(rng).written(folder.parent, left)
                found = state(left / "index")
                place = f"{what}, round {number}, after call {at} of {len(calls)}: {call.what} {call.words}"
                assert found == after(what) or (found == before(what) and not acknowledged), place
                shutil.rmtree(left, ignore_errors=True)
