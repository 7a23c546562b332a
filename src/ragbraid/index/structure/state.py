"""What is written down of a structure: its segments, what it was measured to find, whose it is.

Every `folder` here is the structure's own, within the index's.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ragbraid.index.checks import crc_of
from ragbraid.index.upkeep import StructureStats

FILE = "state.json"
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """A file with the codes of the vectors in the slots from `first` up to `end`.

    Its first `head` bytes, with the CRC-32 `head_crc`, are what steers a search; a wrong bit in what follows
    can only make a candidate of the wrong vector. `crc` is the whole file's.
    """

    file: str
    first: int
    end: int
    size: int
    head: int
    head_crc: int
    crc: int


@dataclass(frozen=True, slots=True)
class State:
    """One structure over the slots of an index.

    `lists_crc` is the CRC-32 of the file that new segments begin from, and in its name; it is 0 for a kind
    without lists.
    `name` and `asked` are what the pipeline asks for, a structure and its recall; a kind of `flat` says that
    no effort gave it. `blocks` is the sum over the sums of those vector blocks that it covers. `recall` is
    recall@10 against exact search with this `effort`, measured on `sample` of the index's own vectors.
    """

    uuid: str
    name: str
    asked: float
    kind: str
    lists: int
    lists_crc: int
    trained_on: int
    effort: int
    recall: float
    sample: int
    blocks: int
    segments: tuple[Segment, ...]

    @property
    def covered(self) -> int:
        """The slots below this one are in its segments."""
        return self.segments[-1].end if self.segments else 0


def read(folder: Path, uuid: str) -> State | None:
    """The state as it was written; None where there is none, or it is damaged or another index's."""
    try:
        line, _, crc = (folder / FILE).read_bytes().rpartition(b"\n")
        if zlib.crc32(line) != int(crc):
            return None
        found = json.loads(line)
        if found.pop("version") != _VERSION or found["uuid"] != uuid:
            return None
        return State(**{**found, "segments": tuple(Segment(**each) for each in found["segments"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(folder: Path, state: State) -> None:
    """Put the state in the place of the one before it, on disk when this returns."""
    line = json.dumps({"version": _VERSION, **asdict(state)}).encode()
    partial = folder / f"{FILE}.partial"
    with partial.open("wb") as file:
        file.write(line + b"\n%d" % zlib.crc32(line))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / FILE)


def lists_file(crc: int) -> str:
    """The name of the file that new segments begin from: what is learned anew is beside what was before."""
    return f"lists-{crc:08x}"


def has_lists(folder: Path, state: State) -> bool:
    """Whether the file that new segments begin from is there as it was written."""
    return file_crc(folder / lists_file(state.lists_crc)) == state.lists_crc


def damaged_files(folder: Path, uuid: str) -> list[str]:
    """The names of those files whose bytes aren't what was written."""
    state = read(folder, uuid)
    if state is None:
        return [FILE] if (folder / FILE).exists() else []
    wanted = {each.file: each.crc for each in state.segments}
    if state.lists_crc:
        wanted[lists_file(state.lists_crc)] = state.lists_crc
    return [name for name, crc in wanted.items() if file_crc(folder / name) != crc]


def described(folder: Path, uuid: str) -> StructureStats:
    """What there is to say of the structure."""
    state = read(folder, uuid)
    if state is None:
        return StructureStats()
    return StructureStats(
        state.kind,
        state.recall,
        state.asked,
        state.sample,
        state.effort,
        state.lists if state.lists_crc else 0,
        len(state.segments),
        state.covered,
    )


def drop(folder: Path) -> None:
    """Take the structure away."""
    tidy(folder, ())


def tidy(folder: Path, wanted: Iterable[str]) -> None:
    """Remove the files that no state names; on Windows those that a reader still maps stay for now."""
    kept = set(wanted)
    for each in folder.glob("*"):
        if each.name not in kept:
            with suppress(OSError):
                each.unlink()


def file_crc(path: Path) -> int:
    """The CRC-32 of a file's bytes; -1 where it can't be read."""
    try:
        with path.open("rb") as file:
            return crc_of(file)
    except OSError:
        return -1
