"""`ragbraid status`: what is stored, and whether it is up to date."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pytest
from commandline import ragbraid, says
from test_bad_input import WORDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline that needs no model, and seven documents, not yet ingested."""
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    for number in range(7):
        (tmp_path / "docs" / f"{number}.md").write_text(f"Rule {number}.\n", "utf-8")
    return tmp_path


def told(folder: Path, *options: str) -> dict[str, str]:
    done = ragbraid("status", *options, cwd=folder)
    assert (done.returncode, done.stderr) == (0, ""), done
    pairs = (re.split(r"  +", line, maxsplit=1) for line in done.stdout.splitlines())
    return {each[0]: each[1] for each in pairs}


def test_before_the_first_ingest(folder: Path) -> None:
    assert told(folder) == {
        "pipeline": f"ragbraid, {folder / 'ragbraid.yaml'}",
        "index": ".ragbraid/index",
        "embedder": "none, by words alone",
        "holds": "nothing in the collection default; run `ragbraid ingest PATH`",
    }
    assert not (folder / ".ragbraid").exists()


def test_after_it(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    before = told(folder)
    assert before["holds"] == "7 sources, 7 chunks"
    assert re.fullmatch(r"[\d.]+ kB, last changed \d{4}-\d\d-\d\d \d\d:\d\d", before["on disk"])
    assert (before["changed since"], before["gone since"]) == ("nothing", "nothing")
    (folder / "docs" / "0.md").unlink()
    for number in range(1, 7):
        (folder / "docs" / f"{number}.md").write_text("Another rule.\n", "utf-8")
    after = told(folder)
    assert after["changed since"] == ("6: docs/1.md, docs/2.md, docs/3.md, docs/4.md, docs/5.md, and 1 more")
    assert after["gone since"] == "1: docs/0.md"
    assert after["on disk"] == before["on disk"]


def test_as_json_it_names_all(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    for number in range(7):
        (folder / "docs" / f"{number}.md").write_text("Another rule.\n", "utf-8")
    status = json.loads(ragbraid("status", "--json", cwd=folder).stdout)
    assert datetime.fromisoformat(status.pop("changed_at")["$date"]).tzinfo is not None
    assert status.pop("bytes") > 0
    assert status == {
        "pipeline": "ragbraid",
        "file": str(folder / "ragbraid.yaml"),
        "index": "index",
        "path": str(folder / ".ragbraid" / "index"),
        "embedder": None,
        "problem": None,
        "collection": "default",
        "sources": 7,
        "chunks": 7,
        "stale": [f"docs/{number}.md" for number in range(7)],
        "gone": [],
    }


def test_of_a_collection(folder: Path) -> None:
    ragbraid("ingest", "docs/1.md", "--collection", "staff", cwd=folder)
    assert told(folder, "--collection", "staff")["holds"] == "1 source, 1 chunk in the collection staff"
    assert told(folder)["holds"].startswith("nothing in the collection default")


def test_other_steps_make_everything_outdated(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    changed = told(folder, "--set", "ingest.recursive-splitter.max_tokens=100")["changed since"]
    assert changed.startswith("7: docs/0.md")


def test_an_index_of_another_embedder_is_a_problem_and_no_failure(folder: Path) -> None:
    for dimensions in (16, 32):
        embedder = f"{{type: testing/hash-embedder, dimensions: {dimensions}}}"
        text = WORDS.replace("path: .ragbraid/index", f"path: .ragbraid/index, embedder: {embedder}")
        (folder / f"{dimensions}.yaml").write_text(text, "utf-8")
    assert ragbraid("ingest", "docs", "-p", "16.yaml", cwd=folder).returncode == 0
    done = ragbraid("status", "-p", "32.yaml", cwd=folder)
    assert done.returncode == 0
    assert "7 sources" in done.stdout
    assert "embedder" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(ragbraid("status", "-p", "32.yaml", "--json", cwd=folder).stdout)["problem"]


def test_an_index_with_a_name_of_its_own_is_told_by_it(folder: Path) -> None:
    text = (
        WORDS.replace("  index: {", "  notes: {")
        .replace("- index", "- notes")
        .replace(": index,", ": notes,")
    )
    (folder / "ragbraid.yaml").write_text(text, "utf-8")
    assert told(folder)["index"] == "notes in .ragbraid/index"


def test_from_a_folder_below(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    status = told(folder / "docs")
    assert status["index"] == str(folder / ".ragbraid" / "index")
    assert status["changed since"] == "nothing"


def test_wrong_input(folder: Path) -> None:
    says(ragbraid("status", "-p", "none.yaml", cwd=folder), 2, "no pipeline file none.yaml")
    says(ragbraid("status", "--set", "index.pth=x", cwd=folder), 2, "pth")
    (folder / "search.yaml").write_text("ragbraid: 1\nsearch:\n  - {type: ./a.py:find}\n", "utf-8")
    (folder / "a.py").write_text(
        "from ragbraid.types import Hit\n\ndef find(question: str, k: int) -> list[Hit]:\n    return []\n"
    )
    says(
        ragbraid("status", "-p", "search.yaml", "--allow", "a.py", cwd=folder), 2,
        "no ingest flow, and no indexes", "`ingest` section",
    )  # fmt: skip


def test_a_damaged_index_is_told(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    (database,) = (folder / ".ragbraid" / "index").glob("*.sqlite*")
    database.write_bytes(b"not a database, and long enough to be looked at" * 100)
    done = ragbraid("status", cwd=folder)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
