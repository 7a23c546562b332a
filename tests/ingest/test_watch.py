"""An index that follows its files while people edit, with the patterns in which real programs save."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("watchfiles")
from watching import Watching, pipeline

from ragbraid.errors import InputError
from ragbraid.index.lock import exclusive
from soaking import count


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "note.md").write_text("The first text.")
    (tmp_path / "notes" / "other.md").write_text("Another text.")
    return tmp_path


FIRST = {"notes/note.md": "The first text.", "notes/other.md": "Another text."}


def test_it_begins_with_an_ingest(folder: Path) -> None:
    with Watching(folder) as watching:
        assert watching.texts() == FIRST
        assert (watching.reports[0].new, watching.kinds()) == (2, [("new", each) for each in FIRST])


def test_written_changed_moved_and_deleted(folder: Path) -> None:
    note = folder / "notes" / "note.md"
    with Watching(folder) as watching:
        note.write_text("A second text.")
        watching.until(watching.holds({**FIRST, "notes/note.md": "A second text."}))
        note.rename(folder / "notes" / "moved.md")
        watching.until(
            watching.holds({"notes/moved.md": "A second text.", "notes/other.md": "Another text."})
        )
        watching.until(lambda: ("renamed", "notes/moved.md") in watching.kinds())
        (folder / "notes" / "moved.md").unlink()
        watching.until(watching.holds({"notes/other.md": "Another text."}))
        (folder / "new").mkdir()
        (folder / "new" / "deep.md").write_text("Deep.")
        watching.until(watching.holds({"notes/other.md": "Another text.", "new/deep.md": "Deep."}))
        shutil.rmtree(folder / "notes")
        watching.until(watching.holds({"new/deep.md": "Deep."}))
        watching.until(lambda: ("removed", "notes/other.md") in watching.kinds())


def test_an_editor_that_saves_by_rename(folder: Path) -> None:
    note = folder / "notes" / "note.md"
    with Watching(folder) as watching:
        for number in range(5):
            temporary = folder / "notes" / "note.md.tmp"
            temporary.write_text(f"Text {number}.")
            os.replace(temporary, note)
            watching.until(watching.holds({**FIRST, "notes/note.md": f"Text {number}."}))
        note.unlink()
        note.mkdir()
        (note / "in.md").write_text("A folder now.")
        watching.until(
            watching.holds({"notes/note.md/in.md": "A folder now.", "notes/other.md": "Another text."})
        )
        assert not [each for _, each in watching.kinds() if each.endswith(".tmp")]


def test_vims_way_of_saving(folder: Path) -> None:
    """A swap file, a probe whether the folder can be written, the old file as backup, then the new one."""
    notes = folder / "notes"
    swap, probe, backup, note = (notes / each for each in (".note.md.swp", "4913", "note.md~", "note.md"))
    with Watching(folder) as watching:
        for number in range(3):
            swap.write_bytes(b"b0VIM 9.0" + bytes(4000))
            probe.touch()
            probe.unlink()
            note.rename(backup)
            note.write_text(f"Saved {number} times.")
            backup.unlink()
            swap.unlink()
            watching.until(watching.holds({**FIRST, "notes/note.md": f"Saved {number} times."}))
        changes = [each for each in watching.kinds() if each[0] not in ("new", "changed")]
        assert changes == []


def test_a_file_that_is_appended_to_without_a_pause(folder: Path) -> None:
    log = folder / "notes" / "log.txt"
    written, seen = "", []
    with Watching(folder) as watching:
        end = time.monotonic() + count(6, 20)
        while time.monotonic() < end:
            written += f"line {len(written)}\n"
            log.write_text(written)
            time.sleep(0.1)
            seen.append(watching.texts().get("notes/log.txt", ""))
        assert any(0 < len(each) < len(written) for each in seen), "nothing came in while it was written"
        watching.until(watching.holds({**FIRST, "notes/log.txt": written}))


def test_a_thousand_files_at_once(folder: Path) -> None:
    wanted = dict(FIRST)
    with Watching(folder) as watching:
        for number in range(1000):
            path = folder / f"{number % 10}" / f"{number}.md"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"Number {number}.")
            wanted[f"{number % 10}/{number}.md"] = f"Number {number}."
        watching.until(lambda: len(watching.pipeline.sources()) == 1002)
        watching.until(watching.holds(wanted))
        watching.until(lambda: len(watching.told) == 1002)
        for number in range(0, 1000, 2):
            (folder / f"{number % 10}" / f"{number}.md").unlink()
        watching.until(lambda: len(watching.pipeline.sources()) == 502)
        watching.until(lambda: sum(kind == "removed" for kind, _ in watching.kinds()) == 500)


@pytest.mark.skipif(shutil.which("git") is None, reason="git isn't installed")
def test_a_git_checkout(folder: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)

    (folder / ".gitignore").write_text("ignored/\n")
    git("init")
    git("add", "notes")
    git("commit", "-m", "first")
    git("checkout", "-b", "other")
    (folder / "notes" / "note.md").write_text("On the other branch.")
    (folder / "notes" / "other.md").unlink()
    for number in range(50):
        (folder / "notes" / f"{number}.md").write_text(f"Number {number}.")
    git("add", "-A", "notes")
    git("commit", "-m", "second")
    there = {f"notes/{number}.md": f"Number {number}." for number in range(50)}
    there["notes/note.md"] = "On the other branch."
    with Watching(folder) as watching:
        watching.until(watching.holds(there))
        for branch, wanted in (("main", FIRST), ("other", there), ("main", FIRST)):
            git("checkout", branch)
            watching.until(watching.holds(wanted))
        assert not [each for _, each in watching.kinds() if ".git" in each]
        (folder / "ignored").mkdir()
        (folder / "ignored" / "x.md").write_text("Ignored.")
        (folder / "notes" / "last.md").write_text("Last.")
        watching.until(watching.holds({**FIRST, "notes/last.md": "Last."}))


def test_a_file_that_cannot_be_read_is_told_once_and_again_when_mended(folder: Path) -> None:
    broken = folder / "notes" / "broken.md"
    with Watching(folder) as watching:
        broken.write_bytes(b"\xff\xfe\x00\xd8" * 50)
        watching.until(lambda: len(watching.told) > 2)
        told = watching.kinds()[2:]
        assert told == [("failed", "notes/broken.md")] or told == [("skipped", "notes/broken.md")]
        (folder / "notes" / "good.md").write_text("Good.")
        watching.until(watching.holds({**FIRST, "notes/good.md": "Good."}))
        assert [each for each in watching.kinds() if each[1] == "notes/broken.md"] == told
        broken.write_text("Mended.")
        watching.until(watching.holds({**FIRST, "notes/good.md": "Good.", "notes/broken.md": "Mended."}))


def test_a_root_that_vanishes_is_kept_and_watched_again_once_it_is_back(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "m.md").write_text("More.")
    with Watching(folder, folder / "notes", folder / "more") as watching:
        (folder / "notes").rename(folder / "away")
        watching.until(lambda: len(watching.notices) == 1)
        (folder / "more" / "m.md").write_text("Much more.")
        watching.until(watching.holds({**FIRST, "more/m.md": "Much more."}))
        (folder / "away" / "other.md").unlink()
        (folder / "away" / "note.md").write_text("Written while it was away.")
        (folder / "away").rename(folder / "notes")
        wanted = {**FIRST, "notes/note.md": "Written while it was away.", "more/m.md": "Much more."}
        watching.until(watching.holds(wanted))
        (folder / "notes" / "note.md").unlink()
        del wanted["notes/note.md"]
        watching.until(watching.holds(wanted))
        assert [each.split(" is")[1][:6] for each in watching.notices] == ["n't th", " there"]


def test_another_folder_in_a_roots_place_removes_nothing(folder: Path) -> None:
    with Watching(folder, folder / "notes") as watching:
        (folder / "notes").rename(folder / "away")
        (folder / "notes").mkdir()
        (folder / "notes" / "new.md").write_text("New.")
        watching.until(watching.holds({**FIRST, "notes/new.md": "New."}))


def test_what_was_gone_before_stays_unless_pruned(folder: Path) -> None:
    with pipeline(folder) as first:
        first.ingest(folder)
    (folder / "notes" / "other.md").unlink()
    with Watching(folder) as watching:
        (folder / "notes" / "note.md").write_text("New.")
        watching.until(watching.holds({**FIRST, "notes/note.md": "New."}))
        assert watching.kinds().count(("gone", "notes/other.md")) == 1
    with Watching(folder, prune=True) as watching:
        assert watching.texts() == {"notes/note.md": "New."}


def test_a_single_file(folder: Path) -> None:
    note = folder / "notes" / "note.md"
    with Watching(folder, note) as watching:
        assert watching.texts() == {"notes/note.md": "The first text."}
        (folder / "notes" / "new.md").write_text("Not asked for.")
        (folder / "t").write_text("By rename.")
        os.replace(folder / "t", note)
        watching.until(watching.holds({"notes/note.md": "By rename."}))


@pytest.mark.parametrize("watched", ["notes", "notes/note.md"])
def test_what_is_said_above_of_the_watched(watched: str, folder: Path) -> None:
    path = folder / watched

    def stored() -> dict[str, object]:
        return {each.source: each.metadata.get("access") for each in watching.pipeline.sources()}

    wanted = {each: None for each in FIRST if (folder / each).is_relative_to(path)}
    with Watching(folder, path) as watching:
        watching.until(lambda: stored() == wanted)
        (folder / "_meta.yaml").write_text("access: [staff]")
        watching.until(lambda: stored() == {each: ["staff"] for each in wanted})
        (folder / "notes" / "note.md.meta.yaml").write_text("access: [board]")
        watching.until(lambda: stored()["notes/note.md"] == ["board"])
        (folder / "_meta.yaml").unlink()
        watching.until(lambda: stored() == {**wanted, "notes/note.md": ["board"]})
        assert all(kind == "changed" for kind, _ in watching.kinds()[len(wanted) :]), watching.kinds()


def test_another_writer_is_waited_for(folder: Path) -> None:
    with Watching(folder) as watching:
        with exclusive(folder / ".ragbraid" / "index" / "writer.lock", 5):
            (folder / "notes" / "note.md").write_text("Waiting.")
            watching.until(lambda: bool(watching.notices))
            assert "is writing to the index" in watching.notices[0]
        watching.until(watching.holds({**FIRST, "notes/note.md": "Waiting."}))


def test_others_may_write_between_its_syncs(folder: Path) -> None:
    with Watching(folder, folder / "notes") as watching, pipeline(folder) as other:
        (folder / "apart.md").write_text("Apart.")
        assert other.ingest(folder / "apart.md").new == 1
        (folder / "notes" / "note.md").write_text("New.")
        watching.until(watching.holds({**FIRST, "notes/note.md": "New.", "apart.md": "Apart."}))


def test_nothing_is_synced_while_nothing_changes(folder: Path) -> None:
    with Watching(folder) as watching:
        for number in range(3):
            (folder / ".ragbraid" / f"{number}").write_text("An index writes here.")
            time.sleep(0.5)
        assert len(watching.reports) == 1


def test_paths_that_cannot_be_watched(folder: Path) -> None:
    with pipeline(folder) as one:
        with pytest.raises(InputError, match="no file or folder"):
            one.watch(folder / "absent")
        with pytest.raises(InputError, match="can't be watched"):
            one.watch("https://example.org/")
        with pytest.raises(InputError, match="nothing to watch"):
            one.watch([])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs a right to make links.")
def test_a_root_that_is_a_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "notes")
    with Watching(folder, folder / "link") as watching:
        (folder / "notes" / "note.md").write_text("Through a link.")
        watching.until(lambda: "Through a link." in watching.texts().values())
