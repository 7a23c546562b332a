"""`ragbraid index`, as a person uses it who looks after an index."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from commandline import ragbraid, says

PIPELINE = """\
ragbraid: 1
components:
  index: {type: faiss, path: .ragbraid/words}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 220}
  - index
search:
  - {type: lexical, index: index}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (tmp_path / "leave.md").write_text("Parental leave is 14 months.", "utf-8")
    (tmp_path / "travel.md").write_text("Trains are booked in second class.", "utf-8")
    assert ragbraid("ingest", "leave.md", "travel.md", cwd=tmp_path).returncode == 0
    return tmp_path


def damage(folder: Path) -> None:
    database = sqlite3.connect(folder / ".ragbraid" / "words" / "index.sqlite")
    with database:
        database.execute("UPDATE passages SET text = replace(text, '14', '41')")
    database.close()


def test_a_sound_index(folder: Path) -> None:
    done = ragbraid("index", "check", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Everything is as it was stored.\n", "")
    done = ragbraid("index", "check", "--json", cwd=folder)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"problems": []})


def test_a_damaged_one_is_told_and_mended(folder: Path) -> None:
    damage(folder)
    done = ragbraid("index", "check", cwd=folder)
    assert done.returncode == 4
    assert done.stdout.startswith("leave.md: the chunk ")
    assert done.stdout.endswith("isn't what was stored. Run `ragbraid index repair`, then ingest it again.\n")
    done = ragbraid("index", "check", "--json", cwd=folder)
    assert (done.returncode, json.loads(done.stdout)["problems"][0]["part"]) == (4, "leave.md")
    assert ragbraid("index", "repair", cwd=folder).returncode == 4
    done = ragbraid("ingest", "leave.md", "travel.md", cwd=folder)
    assert "1 changed, 1 unchanged" in done.stdout + done.stderr
    assert ragbraid("index", "check", cwd=folder).returncode == 0
    assert "14 months" in ragbraid("search", "leave", cwd=folder).stdout


@pytest.mark.parametrize("command", ["check", "repair", "stats", "compact"])
def test_where_there_is_none(command: str, folder: Path) -> None:
    elsewhere = ("--set", "components.index.path=none")
    says(ragbraid("index", command, *elsewhere, cwd=folder), 2, "no index at", "none", "ragbraid ingest")
    assert not (folder / "none").exists()


def test_stats(folder: Path) -> None:
    done = ragbraid("index", "stats", cwd=folder)
    assert done.returncode == 0
    assert "none, by words alone\n" in done.stdout
    assert "collection default  2 sources, 2 chunks\n" in done.stdout
    found = json.loads(ragbraid("index", "stats", "--json", cwd=folder).stdout)
    assert found["collections"] == [{"name": "default", "sources": 2, "chunks": 2}]
    assert (found["format"], found["embedder"], found["vectors"]) == (2, None, 0)


def test_a_snapshot_is_restored(folder: Path) -> None:
    done = ragbraid("index", "snapshot", "backup/monday", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "The index is copied to backup/monday.\n")
    says(ragbraid("index", "snapshot", "backup/monday", cwd=folder), 2, "exists already")
    assert ragbraid("source", "remove", "leave.md", "--yes", cwd=folder).returncode == 0
    index = folder / ".ragbraid" / "words"
    index.rename(folder / "old")
    (folder / "backup" / "monday").rename(index)
    assert "14 months" in ragbraid("search", "leave", cwd=folder).stdout
    assert ragbraid("index", "check", cwd=folder).returncode == 0


def test_compaction(folder: Path) -> None:
    (folder / "big.txt").write_text("\n\n".join(f"Line {number} of a long text." for number in range(9000)))
    assert ragbraid("ingest", "big.txt", cwd=folder).returncode == 0
    assert ragbraid("source", "remove", "big.txt", "--yes", cwd=folder).returncode == 0
    done = ragbraid("index", "compact", cwd=folder)
    assert done.returncode == 0
    assert done.stdout.startswith("The index takes ")
    sizes = json.loads(ragbraid("index", "compact", "--json", cwd=folder).stdout)
    assert 0 < sizes["bytes"] < 200_000
    assert "14 months" in ragbraid("search", "leave", cwd=folder).stdout


def test_a_collection_is_dropped(folder: Path) -> None:
    assert ragbraid("ingest", "leave.md", "--collection", "drafts", cwd=folder).returncode == 0
    says(ragbraid("index", "drop", "draft", cwd=folder), 2, "no collection 'draft'", "'drafts'")
    says(ragbraid("index", "drop", "drafts", cwd=folder), 2, "no terminal to ask on")
    done = ragbraid("index", "drop", "drafts", "--yes", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "The collection drafts is dropped: 1 source, 1 chunk.\n")
    assert "drafts" not in ragbraid("index", "stats", cwd=folder).stdout
    assert "14 months" in ragbraid("search", "leave", cwd=folder).stdout


def test_an_export_is_imported_elsewhere(folder: Path) -> None:
    done = ragbraid("index", "export", "moved", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "default  2 sources, 2 chunks\n")
    says(ragbraid("index", "export", "moved", cwd=folder), 2, "exists already")
    elsewhere = ("--set", "components.index.path=elsewhere")
    says(ragbraid("index", "import", "leave.md", *elsewhere, cwd=folder), 2, "is no export")
    assert ragbraid("index", "import", "moved", *elsewhere, cwd=folder).returncode == 0
    assert "14 months" in ragbraid("search", "leave", *elsewhere, cwd=folder).stdout
    done = ragbraid("ingest", "leave.md", "travel.md", *elsewhere, cwd=folder)
    assert "2 unchanged" in done.stdout + done.stderr


def test_another_embedder_takes_over(folder: Path) -> None:
    def by(dimensions: int) -> tuple[str, str]:
        embedder = f"{{type: testing/hash-embedder, dimensions: {dimensions}}}"
        return "--set", f"components.index.embedder={embedder}"

    where = ("--set", "components.index.path=dense")
    assert ragbraid("ingest", "leave.md", *where, *by(16), cwd=folder).returncode == 0
    says(ragbraid("ingest", "leave.md", *where, *by(32), cwd=folder), 3, "ragbraid index migrate")
    done = ragbraid("index", "migrate", *where, *by(32), cwd=folder)
    assert (done.returncode, "dense" in done.stdout, "-32" in done.stdout) == (0, False, True), done
    done = ragbraid("ingest", "leave.md", *where, *by(32), cwd=folder)
    assert "1 unchanged" in done.stdout + done.stderr, done
    assert ragbraid("index", "migrate", "--undo", *where, *by(32), cwd=folder).returncode == 0
    assert "-16" in ragbraid("index", "stats", *where, *by(16), cwd=folder).stdout
    assert ragbraid("index", "check", *where, *by(16), cwd=folder).returncode == 0


def test_copied_into_another(folder: Path) -> None:
    (folder / "other.yaml").write_text(PIPELINE.replace("words", "other"), "utf-8")
    done = ragbraid("index", "copy", "ragbraid.yaml", "other.yaml", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "default  2 sources, 2 chunks\n")
    assert "every sum was compared" in done.stderr
    assert "14 months" in ragbraid("search", "leave", "-p", "other.yaml", cwd=folder).stdout
    done = ragbraid("ingest", "leave.md", "travel.md", "-p", "other.yaml", cwd=folder)
    assert "2 unchanged" in done.stdout + done.stderr
    done = ragbraid("index", "copy", "ragbraid.yaml", "other.yaml", "--json", cwd=folder)
    told = {"collection": "default", "sources": 2, "chunks": 2, "present": 2}
    assert (done.returncode, json.loads(done.stdout)) == (0, {"collections": [told]})


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("ragbraid.yaml", "none.yaml"), 2, "none.yaml"),
        (("empty.yaml", "ragbraid.yaml"), 2, "nothing has been ingested yet"),
        (("ragbraid.yaml", "empty.yaml", "--collection", "x"), 2, "There is no collection 'x'"),
        (("ragbraid.yaml", "dense.yaml"), 3, "Give both the same `embedder`"),
    ],
)
def test_what_cant_be_copied(folder: Path, arguments: tuple[str, ...], code: int, told: str) -> None:
    (folder / "empty.yaml").write_text(PIPELINE.replace("words", "empty"), "utf-8")
    dense = PIPELINE.replace(".ragbraid/words}", "dense, embedder: {type: testing/hash-embedder}}")
    (folder / "dense.yaml").write_text(dense, "utf-8")
    done = ragbraid("index", "copy", *arguments, cwd=folder)
    says(done, code, told)
