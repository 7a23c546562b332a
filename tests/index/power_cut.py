"""What a power cut leaves of the files under a folder: what was synced, and whatever else by chance.

From the log of calls that faults.c writes. A file's bytes are safe once it was synced; each write since then
may be lost or broken off. A name is safe once its folder was synced; of changes to names since then, the
first few are there, in their order, as journals of file systems have it.
"""

from __future__ import annotations

import os
import random
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

_SECTOR = 512


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call that changed something, or a note. `data` is what was written."""

    what: str
    words: tuple[str, ...] = ()
    data: bytes = b""


def recorded(log: Path) -> list[Recorded]:
    """The calls in a log. A file that got the number of one that was removed gets another here."""
    found: list[Recorded] = []
    numbers: dict[str, str] = {}
    with log.open("rb") as file:
        while line := file.readline():
            what, _, rest = line.decode().rstrip("\n").partition(" ")
            if what == "write":
                number, place, size = rest.split(" ")
                found.append(Recorded(what, (numbers.get(number, number), place), file.read(int(size))))
            elif what in ("make", "folder"):
                number, _, path = rest.partition(" ")
                numbers[number] = f"{number}.{len(found)}"
                found.append(Recorded(what, (numbers[number], path)))
            elif what in ("sync", "cut"):
                number, *size = rest.split(" ")
                found.append(Recorded(what, (numbers.get(number, number), *size)))
            else:
                found.append(Recorded(what, tuple(rest.split("\t" if what == "move" else " "))))
    return found


@dataclass(slots=True)
class Disk:
    """What is safe on a disk, and what isn't yet."""

    names: dict[str, str]
    """Path → the number of a file or folder. One whose folder has no name itself isn't there."""
    contents: dict[str, bytearray]
    """What is in each file; a folder has no contents."""
    seen: dict[str, str] = field(default_factory=dict)
    """The names as they are until the power fails."""
    loose: list[Recorded] = field(default_factory=list)
    """Calls that aren't safe yet."""

    @classmethod
    def of(cls, folder: Path) -> Disk:
        """Everything under a folder as it lies there, all of it safe."""
        paths = [folder, *folder.rglob("*")]
        names = {str(each): str(each.stat().st_ino) for each in paths}
        contents = {names[str(each)]: bytearray(each.read_bytes()) for each in paths if each.is_file()}
        return cls(names, contents, dict(names))

    def apply(self, call: Recorded) -> None:
        """Note a call, and what it makes safe."""
        if call.what == "acknowledged":
            return
        if call.what != "sync":
            self.loose.append(call)
            _rename(self.seen, call)
            return
        (number,) = call.words
        folders = {path for path, each in self.seen.items() if each == number}
        kept = []
        for each in self.loose:
            concerned = each.words[0] == number if each.what in ("write", "cut") else folders & _parents(each)
            if concerned:
                self._do(each)
            else:
                kept.append(each)
        self.loose = kept

    def cut(self, rng: random.Random) -> Disk:
        """What may be left when the power fails now."""
        after = deepcopy(self)
        changes = [each for each in self.loose if each.what not in ("write", "cut")]
        share = rng.choice([0.0, 0.5, 1.0])
        for each in changes[: rng.randint(0, len(changes)) if share == 0.5 else round(share * len(changes))]:
            after._do(each)
        share = rng.choice([0.0, 0.5, 0.9, 1.0])
        for each in self.loose:
            if each.what in ("write", "cut") and rng.random() < share:
                sectors = max(1, len(each.data) // _SECTOR)
                whole = each.what == "cut" or rng.random() < 0.8
                kept = each.data if whole else each.data[: rng.randrange(sectors + 1) * _SECTOR]
                after._do(Recorded(each.what, each.words, kept))
        return after

    def written(self, folder: Path, target: Path) -> None:
        """Put what is safe, which lay in `folder`, into a new one."""
        for path, number in sorted(self.names.items()):
            place = target / Path(path).relative_to(folder)
            # Shared memory is nobody's any more, and what is written to a mapping isn't in the log.
            if not place.parent.exists() or path.endswith("-shm"):
                continue
            if number in self.contents:
                place.write_bytes(self.contents[number])
            else:
                place.mkdir(exist_ok=True)

    def _do(self, call: Recorded) -> None:
        _rename(self.names, call)
        if call.what == "make":
            self.contents.setdefault(call.words[0], bytearray())
        elif call.what in ("write", "cut"):
            number, place = call.words
            content = self.contents.setdefault(number, bytearray())
            at = int(place)
            content.extend(bytes(max(0, at - len(content))))
            if call.what == "cut":
                del content[at:]
            else:
                content[at : at + len(call.data)] = call.data


def _rename(names: dict[str, str], call: Recorded) -> None:
    """Change names as a call does."""
    match call.what, call.words:
        case (("make" | "folder"), (number, path)):
            names[path] = number
        case "move", (old, new):
            for path in [each for each in names if each == old or each.startswith(old + "/")]:
                names[new + path[len(old) :]] = names.pop(path)
        case "remove", (path,):
            for each in [each for each in names if each == path or each.startswith(path + "/")]:
                del names[each]


def _parents(call: Recorded) -> set[str]:
    paths = call.words[1:] if call.what in ("make", "folder") else call.words
    return {os.path.dirname(each) for each in paths}
