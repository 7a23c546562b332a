"""Wrong input, named in a sentence: no traceback, the right code, nothing on standard output."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

WORDS = """\
ragbraid: 1
components:
  index: {type: faiss, path: .ragbraid/index}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 220}
  - index
search:
  - {type: lexical, index: index, candidates: 30}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline that needs no model, and one document."""
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("Parental leave is 14 months.\n", "utf-8")
    return tmp_path


def test_no_pipeline_file(folder: Path) -> None:
    says(ragbraid("search", "x", "-p", "none.yaml", cwd=folder), 2, "none.yaml", "-p")
    says(ragbraid("check", "-p", "docs", cwd=folder), 2, "docs is a folder")


def test_no_folder(folder: Path) -> None:
    says(ragbraid("ingest", "dosc", cwd=folder), 2, "dosc")
    assert not (folder / ".ragbraid" / "index" / "nothing").exists()


def test_an_empty_folder(folder: Path) -> None:
    (folder / "empty").mkdir()
    done = ragbraid("ingest", "empty", "--json", cwd=folder)
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["new"] == 0
    assert report["failed"] == []


def test_one_broken_file_does_not_stop_the_others(folder: Path) -> None:
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    done = ragbraid("ingest", "docs", cwd=folder)
    assert done.returncode == 1, done
    assert "+ docs/leave.md  1 chunk\n" in done.stderr
    assert "failed: docs/broken.pdf: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "1 new, 1 failed: 1 chunk in " in done.stdout
    assert "docs/leave.md" in ragbraid("search", "parental leave", cwd=folder).stdout


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="Only an ordinary POSIX user can be refused a file."
)
def test_a_file_that_may_not_be_read(folder: Path) -> None:
    (folder / "docs" / "secret.md").touch(0o000)
    done = ragbraid("ingest", "docs", cwd=folder)
    assert done.returncode == 1, done
    assert "failed: docs/secret.md: " in done.stderr


def test_a_wrong_pipeline_file(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(WORDS.replace("lexical", "lexcal"), "utf-8")
    says(ragbraid("search", "x", "-p", "wrong.yaml", cwd=folder), 2, "wrong.yaml:9:", "lexical")
    (folder / "wrong.yaml").write_text("ragbraid: 1\nsearch: [", "utf-8")
    says(ragbraid("ingest", "docs", "-p", "wrong.yaml", cwd=folder), 2, "wrong.yaml:", "YAML")
    (folder / "wrong.yaml").write_text(WORDS.replace("ragbraid: 1", "ragbraid: 2"), "utf-8")
    says(ragbraid("search", "x", "-p", "wrong.yaml", cwd=folder), 2, "wrong.yaml:1:")


def test_check_prints_every_mistake_on_standard_output(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(WORDS.replace("lexical", "lexcal") + "serch: []\n", "utf-8")
    done = ragbraid("check", "-p", "wrong.yaml", cwd=folder)
    assert done.returncode == 2
    assert done.stderr == ""
    assert [line.split(": error: ")[0] for line in done.stdout.splitlines()] == [
        "wrong.yaml:9:12",
        "wrong.yaml:10:1",
    ]


def test_a_missing_environment_variable(folder: Path) -> None:
    (folder / "env.yaml").write_text(WORDS.replace(".ragbraid/index", "'${RAGBRAID_NOWHERE}'"), "utf-8")
    says(ragbraid("search", "x", "-p", "env.yaml", cwd=folder), 2, "RAGBRAID_NOWHERE")
    done = ragbraid("check", "-p", "env.yaml", "--no-env", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("question", ["", "   ", "x" * 100_001])
def test_a_question_that_is_none(folder: Path, question: str) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    says(ragbraid("search", question, cwd=folder), 2, "question")


def test_before_anything_was_ingested(folder: Path) -> None:
    done = ragbraid("search", "parental leave", "--json", cwd=folder)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 2, 3)


def test_wrong_options(folder: Path) -> None:
    says(ragbraid("search", "x", "--set", "search.lexical", cwd=folder), 2, "KEY=VALUE")
    says(ragbraid("search", "x", "--set", "search.lexcal.candidates=3", cwd=folder), 2, "lexical")
    says(ragbraid("search", "x", "--filter", "{", cwd=folder), 2, "--filter")
    says(ragbraid("search", "x", "--filter", '{"year": {"$gte": []}}', cwd=folder), 2)
    says(ragbraid("search", "x", "-k", "0", cwd=folder), 2, "-k")
    says(ragbraid("ask", "x", cwd=folder), 2, "ask")


def test_a_model_that_is_absent(folder: Path) -> None:
    (folder / "ragbraid.yaml").unlink()
    override = ("--set", "components.embedder.model=./no-such-model")
    done = ragbraid("ingest", "docs", *override, cwd=folder)
    says(done, 3, "no-such-model")


SERVER = "  generator: {type: openai, base_url: 'http://127.0.0.1:9/v1', model: m}\n"


@pytest.mark.parametrize("answerer", ["quote", "compose"])
def test_a_server_that_is_not_there(folder: Path, answerer: str) -> None:
    ask = f"ask:\n  - search\n  - {{type: {answerer}, generator: generator}}\n"
    text = WORDS.replace("ingest:", f"{SERVER}ingest:") + ask
    (folder / "ragbraid.yaml").write_text(text, "utf-8")
    ragbraid("ingest", "docs", cwd=folder)
    done = ragbraid("ask", "How long is parental leave?", cwd=folder)
    if answerer == "compose":
        says(done, 3, "127.0.0.1:9")
    else:  # quotes need no generator: only the short answer is missing, and said to be
        assert done.returncode == 0, done
        assert done.stdout.startswith("Parental leave is 14 months.\n\nSources\n[1] docs/leave.md")
        assert "No short answer" in done.stderr
        assert "127.0.0.1:9" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Only Linux has /dev/full.")
def test_a_full_disk_behind_standard_output(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    import subprocess

    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ragbraid", "search", "leave", "--json"],
            cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )  # fmt: skip
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_two_runs_of_everything_are_one(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    shutil.copytree(folder / "docs", folder / "copy")
    again = json.loads(ragbraid("ingest", "docs", "--json", cwd=folder).stdout)
    assert (again["new"], again["unchanged"], again["chunks"]) == (0, 1, 0)
