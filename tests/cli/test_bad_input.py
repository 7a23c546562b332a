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


@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_question_without_quotes(command: str, folder: Path) -> None:
    says(ragbraid(command, "How", "long", "is", "it?", cwd=folder), 2, "put it in quotes")
    says(ragbraid(command, "How", "--lnog", cwd=folder), 2, "--lnog")


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


def test_an_empty_folder_is_told_with_advice(folder: Path) -> None:
    (folder / "empty").mkdir()
    done = ragbraid("ingest", "empty", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No documents were found under empty")
    assert "name a folder" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names.")
def test_a_file_name_cannot_forge_an_acknowledgement(folder: Path) -> None:
    (folder / "docs" / "a\n+ docs\tforged.txt").write_text("Parental leave is a right.\n", "utf-8")
    (folder / "docs" / "a\nfailed: forged.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    (folder / "docs" / "a\nskipped: forged.xyz").write_bytes(b"\0")
    done = ragbraid("ingest", "docs", cwd=folder)
    lines = done.stderr.splitlines()
    assert "+ docs/a\ufffd+ docs\ufffdforged.txt  1 chunk" in lines
    assert [each.split(" ")[0] for each in lines] == ["+", "+", "skipped", "", "failed", ""], lines
    found = ragbraid("search", "parental leave right", cwd=folder).stdout.splitlines()
    assert any("docs/a\ufffd+ docs\ufffdforged.txt:1, characters" in each for each in found)


def test_many_left_out_for_one_reason_are_counted(folder: Path) -> None:
    for number in range(5):
        (folder / "docs" / f"photo{number}.jpx").write_bytes(b"\0")
    (folder / "docs" / "other.xyz").write_bytes(b"\0")
    done = ragbraid("ingest", "docs", cwd=folder)
    assert "skipped      5  its format (.jpx)" in done.stderr
    assert "skipped      1  its format (.xyz)" in done.stderr
    report = json.loads(ragbraid("ingest", "docs", "--json", cwd=folder).stdout)
    assert len(report["skipped"]) == 6


def test_ingest_fills_a_collection(folder: Path) -> None:
    assert ragbraid("ingest", "docs", "--collection", "hr", cwd=folder).returncode == 0
    assert "docs/leave.md" in ragbraid("search", "leave", "--collection", "hr", cwd=folder).stdout
    says(ragbraid("search", "leave", cwd=folder), 2, "There is no collection 'default' in the index.", "'hr'")
    says(
        ragbraid("search", "leave", "--collection", "hrr", cwd=folder), 2,
        "There is no collection 'hrr' in the index; did you mean 'hr'?", "It has 'hr'.",
    )  # fmt: skip
    says(ragbraid("ingest", "docs", "--collection", "", cwd=folder), 2, "collection")


def test_an_index_of_another_embedder_is_refused_where_nothing_changed(folder: Path) -> None:
    dense = ("--set", "components.index.embedder={type: testing/hash-embedder, dimensions: 16}")
    other = ("--set", "components.index.embedder={type: testing/hash-embedder, dimensions: 32}")
    assert ragbraid("ingest", "docs", *dense, cwd=folder).returncode == 0
    assert "1 unchanged" in ragbraid("ingest", "docs", *dense, cwd=folder).stdout
    for arguments in (other, ()):
        says(ragbraid("ingest", "docs", *arguments, cwd=folder), 3, "was built by the embedder")
    says(ragbraid("ingest", "dosc", *other, cwd=folder), 2, "dosc")


def test_one_broken_file_does_not_stop_the_others(folder: Path) -> None:
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7\nthis is no PDF")
    done = ragbraid("ingest", "docs", cwd=folder)
    assert done.returncode == 1, done
    assert "+ docs/leave.md  1 chunk\n" in done.stderr
    assert "\n                docs/broken.pdf\n" in done.stderr
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
    assert "\n                docs/secret.md\n" in done.stderr


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
    text = WORDS + "ask:\n  - search\n  - {type: quote}\n"
    (folder / "ragbraid.yaml").write_text(text, "utf-8")
    place = folder / ".ragbraid" / "index"
    said = f"There is no index at {place}: nothing has been ingested yet. Run `ragbraid ingest PATH`."
    for command in ("search", "ask"):
        says(ragbraid(command, "leave", cwd=folder), 2, said)
    assert not (folder / ".ragbraid").exists()


def test_a_path_where_no_index_is(folder: Path) -> None:
    for path, code, said in (
        ("nowhere/at/all", 2, "There is no index at"),
        ("docs/leave.md", 3, "is a file, not a folder"),
        ("docs", 3, "has other files in it (leave.md) and no index"),
    ):
        for command in (("search", "leave"), ("ingest", "docs")):
            if code == 3 or command[0] == "search":
                says(ragbraid(*command, "--set", f"components.index.path={path}", cwd=folder), code, said)
    assert [each.name for each in (folder / "docs").iterdir()] == ["leave.md"]
    assert not (folder / "nowhere").exists()


def test_an_index_whose_sources_are_gone_finds_nothing(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    (folder / "docs" / "leave.md").unlink()
    assert "1 removed" in ragbraid("ingest", "docs", "--prune", cwd=folder).stdout
    done = ragbraid("search", "leave", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "Nothing found.\n")


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
@pytest.mark.parametrize("command", [("search", "leave", "--json"), ("search", "leave")], ids=str)
def test_a_full_disk_behind_standard_output(folder: Path, command: tuple[str, ...]) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    import subprocess

    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ragbraid", *command],
            cwd=folder, env=environment(), stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )  # fmt: skip
    said = "The output couldn't be written: No space left on device. Send it where there is room for it.\n"
    assert (done.returncode, done.stderr) == (3, said)


def test_two_runs_of_everything_are_one(folder: Path) -> None:
    ragbraid("ingest", "docs", cwd=folder)
    shutil.copytree(folder / "docs", folder / "copy")
    again = json.loads(ragbraid("ingest", "docs", "--json", cwd=folder).stdout)
    assert (again["new"], again["unchanged"], again["chunks"]) == (0, 1, 0)
