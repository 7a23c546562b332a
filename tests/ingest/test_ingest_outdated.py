"""Which stored files an ingest would read again, and which are gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ragbraid.errors import LoadError
from ragbraid.index.protocol import SourceState
from ragbraid.ingest import IngestFlow, ingest
from ragbraid.ingest.diff import outdated
from ragbraid.load.files import Files
from ragbraid.testing import FixedSplitter, HashEmbedder, ListIndex
from ragbraid.types import Skipped, SourceRef

Outdated = tuple[tuple[str, ...], tuple[str, ...]]


@dataclass
class Stored:
    """A folder of files that were ingested."""

    base: Path
    states: list[SourceState]

    def outdated(self, loader: object = None, digest: str = "steps") -> Outdated:
        return outdated([loader or Files()], self.states, digest, self.base)  # type: ignore[list-item]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[Stored]:
    for name in ("a.md", "b/c.md", "b/d.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"What {name} says.", "utf-8")
    index = ListIndex(HashEmbedder().open()).open()
    splitter = FixedSplitter(3)
    flow = IngestFlow([Files()], lambda documents: (documents, splitter(documents)), index, "steps")
    ingest(flow, [str(tmp_path)], base=tmp_path, metadata={"lang": "en"})
    yield Stored(tmp_path, list(index.sources()))
    index.close()


def test_nothing_is_outdated_at_first_whatever_was_stamped_on_it(stored: Stored) -> None:
    assert [each.source for each in stored.states] == ["a.md", "b/c.md", "b/d.md"]
    assert stored.outdated() == ((), ())


def test_changed_and_gone_files(stored: Stored) -> None:
    (stored.base / "b" / "d.md").write_text("Something else.", "utf-8")
    (stored.base / "a.md").unlink()
    assert stored.outdated() == (("b/d.md",), ("a.md",))


def test_a_folder_that_is_gone_takes_its_files_with_it(stored: Stored) -> None:
    for each in ("c.md", "d.md"):
        (stored.base / "b" / each).unlink()
    (stored.base / "b").rmdir()
    assert stored.outdated() == ((), ("b/c.md", "b/d.md"))


def test_a_file_that_was_only_touched_is_current(stored: Stored) -> None:
    os.utime(stored.base / "a.md", (1, 1))
    assert stored.outdated() == ((), ())


def test_other_steps_make_every_file_outdated(stored: Stored) -> None:
    assert stored.outdated(digest="others") == (("a.md", "b/c.md", "b/d.md"), ())


def test_new_files_are_not_sought(stored: Stored) -> None:
    (stored.base / "b" / "new.md").write_text("New.", "utf-8")
    assert stored.outdated() == ((), ())


def test_what_no_path_names_is_not_looked_at(stored: Stored) -> None:
    others = [
        replace(stored.states[0], source=name, origin=name, digest="old")
        for name in ("https://example.org/a.md", "upload:a.md")
    ]
    stored.states += others
    assert stored.outdated() == ((), ())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows makes links for administrators alone.")
def test_a_file_that_became_a_link_to_nowhere_is_not_gone(stored: Stored) -> None:
    (stored.base / "a.md").unlink()
    (stored.base / "a.md").symlink_to(stored.base / "nowhere.md")
    assert stored.outdated()[1] == ()


def test_bytes_are_read_only_where_stamps_differ_and_what_can_not_be_read_is_outdated(
    stored: Stored,
) -> None:
    read: list[str] = []

    class Failing:
        def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped]:
            for each in Files().scan(paths, base):
                yield replace(each, stamp=stamps[each.origin]) if isinstance(each, SourceRef) else each

        load = staticmethod(Files().load)

        def fingerprint(self, ref: SourceRef) -> str:
            read.append(ref.origin)
            raise LoadError("It can't be read.")

    stamps = {each.origin: f"stamp of {each.origin}" for each in stored.states}
    stored.states = [replace(each, stamp=stamps[each.origin]) for each in stored.states]
    stamps["a.md"] = "another"
    assert stored.outdated(Failing()) == (("a.md",), ())
    assert read == ["a.md"]


def test_an_index_that_holds_nothing(tmp_path: Path) -> None:
    assert outdated([Files()], [], "steps", tmp_path) == ((), ())
