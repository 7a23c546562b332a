"""A folder edited at random, with an ingest after each step, some of them killed: the index is the folder."""

from __future__ import annotations

import random
import shutil
import signal
import sys
import threading
from pathlib import Path

import pytest

pytest.importorskip("faiss")
import ingest_child
from test_ingest_crash import Files, check, finish, start, stored

from ragbraid.ingest import IngestFlow, IngestReport, ingest
from ragbraid.load.files import Files as Loader
from ragbraid.types import Document
from soaking import count

if sys.platform == "win32":
    pytest.skip("Windows has no SIGKILL.", allow_module_level=True)


class Folder:
    """Files on disk, what they should be, and what was deleted and may come back."""

    def __init__(self, place: Path, chance: random.Random) -> None:
        self.place, self.chance = place, chance
        self.files: Files = {}
        self.deleted: Files = {}

    def step(self) -> str:
        """Do one random thing; returns its name."""
        chances = {"write": 4, "edit": 3, "rename": 2, "move": 2, "delete": 2, "add again": 2, "copy": 1}
        chances |= {"move folder": 1, "folder in its place": 1, "touch": 1}
        (what,) = self.chance.choices(list(chances), list(chances.values()))
        if what == "write" or not self.files:
            self._write(self._name(), self._text())
        elif what == "add again" and self.deleted:
            name = self.chance.choice(sorted(self.deleted))
            self._write(name, self.deleted.pop(name))
        else:
            self._change(what, self.chance.choice(sorted(self.files)))
        return what

    def _change(self, what: str, name: str) -> None:
        path, text = self.place / name, self.files[name]
        if what == "edit":
            words = text.split(" ")
            at = self.chance.randrange(len(words))
            self._write(name, " ".join([*words[:at], f"e{self.chance.randrange(10**6)}", *words[at + 1 :]]))
        elif what in ("rename", "move"):
            folder = path.parent.name if what == "rename" else f"moved-{self.chance.randrange(4)}"
            target = f"{folder}/renamed-{self.chance.randrange(10**6)}.txt"
            (self.place / target).parent.mkdir(exist_ok=True)
            path.rename(self.place / target)
            self.files[target] = self.files.pop(name)
        elif what == "delete":
            path.unlink()
            self.deleted[name] = self.files.pop(name)
        elif what == "copy":
            self._write(self._name(), text)
        elif what == "move folder":
            target = f"as-one-{self.chance.randrange(10**6)}"
            path.parent.rename(self.place / target)
            here = path.parent.relative_to(self.place).as_posix()
            moved = {each for each in self.files if each.startswith(f"{here}/")}
            self.files |= {f"{target}{each[len(here) :]}": self.files.pop(each) for each in moved}
        elif what == "folder in its place":
            path.unlink()
            del self.files[name]
            path.mkdir()
            self._write(f"{name}/in.txt", text)
        elif what == "touch":
            path.touch()

    def _write(self, name: str, text: str) -> None:
        path = self.place / name
        for above in (path, *path.parents):
            if above.is_dir() and above == path:
                shutil.rmtree(above)
                self.files = {k: v for k, v in self.files.items() if not k.startswith(f"{name}/")}
            elif above.is_file() and above != path:
                above.unlink()
                self.files.pop(above.relative_to(self.place).as_posix(), None)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.files[name] = text

    def _name(self) -> str:
        return f"{self.chance.randrange(4)}/{self.chance.randrange(30)}.txt"

    def _text(self) -> str:
        return " ".join(f"w{self.chance.randrange(500)}" for _ in range(self.chance.randrange(1, 60)))


def sync(folder: Path, place: Path) -> IngestReport:
    """Ingest with `prune`, in this process."""
    index = ingest_child.open_index(place)
    try:
        flow = IngestFlow(
            [Loader()], lambda documents: (documents, ingest_child.SPLITTER(documents)), index, "d"
        )
        return ingest(flow, [str(folder)], base=folder, prune=True)
    finally:
        index.close()


def texts(files: Files) -> set[str]:
    """The chunks of all files."""
    documents = [Document(name, text) for name, text in files.items()]
    return {each.text for each in ingest_child.SPLITTER(documents)}


@pytest.mark.timeout(3600)  # at full counts
def test_the_index_is_the_folder_after_every_step(tmp_path: Path) -> None:
    chance = random.Random(27)
    folder, place = Folder(tmp_path / "a folder", chance), tmp_path / "index"
    folder.place.mkdir()
    embedded: set[str] = set()
    kills = 0
    for number in range(count(16, 500)):
        before = dict(folder.files)
        what = folder.step()
        killed = number % 8 == 7
        if killed:
            child = start(folder.place, place)
            timer = threading.Timer(chance.uniform(0, 0.3), child.send_signal, [signal.SIGKILL])
            timer.start()
            acknowledged = finish(child)
            timer.cancel()
            timer.join()
            kills += child.returncode != 0
            check(place, before, folder.files, acknowledged)
        report = sync(folder.place, place)
        assert (report.failed, report.skipped, report.gone) == ([], [], 0), (number, what)
        assert stored(place) == folder.files, (number, what)
        fresh = texts(folder.files) - embedded
        assert report.embedded == len(fresh) or (killed and report.embedded < len(fresh)), (number, what)
        embedded |= fresh
        if what in ("rename", "move", "move folder", "copy", "add again", "touch"):
            assert report.embedded == 0
        again = sync(folder.place, place)
        assert (again.unchanged, again.chunks, again.embedded) == (len(folder.files), 0, 0), (number, what)
    assert kills
