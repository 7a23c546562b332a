"""An ingest that is killed or interrupted at a random moment loses nothing that it has acknowledged."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from soaking import count

pytest.importorskip("faiss")
import ingest_child

Files = dict[str, str]
CHILD = [sys.executable, str(Path(__file__).parent / "ingest_child.py")]


def edit(folder: Path, files: Files, chance: random.Random) -> None:
    """Write, change, move and delete about a fifth of 40 files."""
    for name in chance.sample([f"{number % 4}/{number}.txt" for number in range(40)], 8):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        match chance.choice(["write", "write", "delete", "move"]):
            case "write":
                words = (f"w{chance.randrange(500)}" for _ in range(chance.randrange(1, 200)))
                files[name] = " ".join(words)
                path.write_text(files[name])
            case "delete" if name in files:
                del files[name]
                path.unlink()
            case "move" if name in files:
                target = f"{name[0]}/moved-{chance.randrange(10**6)}.txt"
                files[target] = files.pop(name)
                path.rename(folder / target)


def start(folder: Path, place: Path) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": env}
    child: subprocess.Popen[str] = subprocess.Popen([*CHILD, str(folder), str(place)], **pipes)
    assert child.stdout is not None
    assert child.stdout.readline() == "begin\n", child.communicate()[1]
    return child


def finish(child: subprocess.Popen[str]) -> list[list[str]]:
    """The sources that were acknowledged: kind, name, former name."""
    out, _ = child.communicate(timeout=60)
    whole_lines = out[: out.rfind("\n") + 1].splitlines()
    return [line.split("\t") for line in whole_lines if "\t" in line]


def stored(place: Path) -> Files:
    """Source → text, after checking that no source is there in halves."""
    index = ingest_child.open_index(place)
    try:
        states = list(index.sources())
        query = index.embedder.embed(["w1"])
        hits = index.search_vector(query, 100_000)[0]
        assert len(hits) == index.count() == sum(each.chunks for each in states)
        found = {}
        for state in states:
            document = index.document(state.source)
            own = sorted((each.start, each.end, each.text) for each in hits if each.source == state.source)
            wanted = [(each.start, each.end, each.text) for each in ingest_child.SPLITTER([document])]
            assert own == wanted
            assert all(index.search_text([each[2]], 1)[0] for each in own[:1])
            found[state.source] = document.text
        return found
    finally:
        index.close()


def check(place: Path, before: Files, files: Files, acknowledged: list[list[str]]) -> Files:
    after = stored(place)
    for kind, source, former in acknowledged:
        if kind in ("new", "changed", "renamed", "unchanged"):
            assert after.get(source) == files[source]
        if kind == "renamed":
            assert former not in after
        if kind == "removed":
            assert source not in after
    for source, text in after.items():
        assert text in (before.get(source), files.get(source))
    for source in before.keys() & files.keys():
        assert source in after
    return after


def complete(folder: Path, place: Path) -> float:
    """Ingest to the end; returns the seconds that it took."""
    child = start(folder, place)
    began = time.monotonic()
    finish(child)
    assert child.returncode == 0
    return time.monotonic() - began


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_ending_an_ingest_at_random_moments(tmp_path: Path, stop: signal.Signals) -> None:
    folder, place = tmp_path / "a folder", tmp_path / "index"
    folder.mkdir()
    files: Files = {}
    chance = random.Random(20)
    edit(folder, files, chance)
    lasts = complete(folder, place)
    before = stored(place)
    assert before == files
    stopped = 0
    moments = count(20, 200) if stop == signal.SIGKILL else count(3, 20)
    for _ in range(moments):
        edit(folder, files, chance)
        child = start(folder, place)
        timer = threading.Timer(chance.uniform(0, lasts), child.send_signal, [stop])
        timer.start()
        acknowledged = finish(child)
        timer.cancel()
        timer.join()
        stopped += child.returncode != 0
        before = check(place, before, files, acknowledged)
    assert stopped >= moments // 4
    complete(folder, place)
    assert stored(place) == files
