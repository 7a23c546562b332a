"""`ragbraid source`: list, show, remove."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commandline import ragbraid, says
from test_bad_input import WORDS

TWO = (
    '---\nlang: en\nsha256: "0"\nnote: "a\\nb \\e[31m"\n---\n'
    "# Travel\n\nTrains go in \x1b[31msecond\r class.\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents, ingested; one of them says strange things of itself."""
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("Parental leave is 14 months.\n", "utf-8")
    (tmp_path / "docs" / "travel.md").write_text(TWO, "utf-8")
    assert ragbraid("ingest", "docs", cwd=tmp_path).returncode == 0
    return tmp_path


def listed(folder: Path, *options: str) -> list[str]:
    found = json.loads(ragbraid("source", "list", "--json", *options, cwd=folder).stdout)
    return [each["source"] for each in found]


def test_list(folder: Path) -> None:
    done = ragbraid("source", "list", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.sub(r"20\d\d-\d\d-\d\d", "DAY", done.stdout) == (
        "docs/leave.md  1 chunk  29 bytes  DAY\n"
        f"docs/travel.md  1 chunk  {len(TWO.encode())} bytes  DAY  "
        "lang: en  sha256: 0  note: a b \ufffd[31m  title: Travel\n"
    )


def test_list_as_json(folder: Path) -> None:
    done = ragbraid("source", "list", "--json", "--filter", '{"lang": "en"}', cwd=folder)
    (found,) = json.loads(done.stdout)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(found.pop("stored_at")["$date"])) < timedelta(
        hours=1
    )
    assert [found] == [
        {
            "source": "docs/travel.md",
            "origin": "docs/travel.md",
            "chunks": 1,
            "metadata": {"lang": "en", "sha256": "0", "note": "a\nb \x1b[31m", "title": "Travel"},
            "size": len(TWO.encode()),
        }
    ]


def test_lists_without_an_entry_say_why(folder: Path) -> None:
    says(ragbraid("source", "list", "--filter", '{"lang": "de"}', cwd=folder), 0, "No source fits the")
    says(ragbraid("source", "list", "--filter", "{lang: en}", cwd=folder), 2, "--filter is not JSON")


def test_show(folder: Path) -> None:
    done = ragbraid("source", "show", "docs/travel.md", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    head, _, text = done.stdout.partition("\nText\n")
    lines = head.splitlines()
    assert lines[0] == "docs/travel.md"
    facts = dict(re.split(" {2,}", each, maxsplit=1) for each in lines[1 : lines.index("")])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d", facts.pop("stored"))
    assert re.fullmatch("[0-9a-f]{64}", facts.pop("sha256"))
    assert facts == {
        "size": f"{len(TWO.encode())} bytes", "read by": "text, decoded from utf-8", "type": "text/markdown",
        "language": "en, as it says", "text": f"{len(TWO)} characters",
    }  # fmt: skip
    at = lines.index("Metadata")
    assert lines[at + 1 : at + 5] == [
        "lang    en", "sha256  0", "note    a b \ufffd[31m", "title   Travel",
    ]  # fmt: skip
    assert lines[at + 6] == "1 chunk"
    assert lines[at + 7].endswith(f"lines 6–9, characters {TWO.index('# Travel')}–{len(TWO) - 1}")
    assert text.rstrip("\n") == TWO.rstrip("\n").replace("\x1b", "\ufffd").replace("\r", "\ufffd")


def test_show_as_json_is_the_document(folder: Path) -> None:
    (folder / "docs" / "travel.md").unlink()
    shown = json.loads(ragbraid("source", "show", "docs/travel.md", "--json", cwd=folder).stdout)
    assert shown["text"] == TWO
    (chunk,) = shown["chunks"]
    assert shown["text"][chunk["start"] : chunk["end"]] == chunk["text"]
    assert (chunk["line"], chunk["last_line"], chunk["tokens"]) == (6, 9, None)
    assert set(shown) == {
        "source", "text", "metadata", "pages", "media_type", "content_hash", "chunks", "body", "warnings",
        "reading", "origin", "size", "stored_at", "language",
    }  # fmt: skip


CUT = """
ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
ingest:
  - {type: files}
  - {type: by-format, embedder: embedder, max_tokens: 24, context: true}
  - index
search:
  - {type: lexical, index: index}
"""


def test_show_tells_how_it_was_read_and_where_it_was_cut(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(CUT, "utf-8")
    (tmp_path / "docs").mkdir()
    russian = "# Привет\r\n\r\n" + "Это обычный текст на русском языке, и его достаточно.\r\n" * 12
    (tmp_path / "docs" / "a.md").write_bytes(russian.encode("cp1251"))
    (tmp_path / "docs" / "b.html").write_text("<h1>Goats</h1><p>They eat hay. <img src=x.png>", "utf-8")
    assert ragbraid("ingest", "docs", cwd=tmp_path).returncode == 0
    told = json.loads(ragbraid("source", "show", "docs/a.md", "--json", cwd=tmp_path).stdout)
    assert told["reading"] == {"reader": "text", "encoding": "cp1251", "verbatim": True}
    assert (told["language"], told["size"]) == ("ru", len(russian))
    assert "cp1251" in told["warnings"][0]
    chunks = told["chunks"]
    assert len(chunks) > 3
    assert all(0 < each["tokens"] <= 24 for each in chunks)
    assert [each["line"] for each in chunks] == [
        russian[: each["start"]].count("\r\n") + 1 for each in chunks
    ]
    assert {each["metadata"]["headings"] for each in chunks[1:]} == {"Привет"}
    assert {each["context"] for each in chunks[1:]} == {"Привет"}
    shown = ragbraid("source", "show", "docs/a.md", cwd=tmp_path).stdout
    assert "read by   text, decoded from cp1251\n" in shown
    assert "language  ru, by its words\n" in shown
    assert "\nWarnings\n- its encoding was guessed to be cp1251" in shown
    assert re.search(
        r"lines \d+–\d+, characters \d+–\d+, \d+ tokens\n    headings  Привет\n    below     Привет", shown
    )
    page = ragbraid("source", "show", "docs/b.html", cwd=tmp_path).stdout
    assert "read by  xberg, decoded from utf-8\n" in page
    assert "\nWarnings\n- 1 image " in page
    assert " line" not in page


@pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no line break in a file's name.")
def test_a_name_can_not_forge_a_line(folder: Path) -> None:
    (folder / "docs" / "a\n\x1b[2Kb.md").write_text("Short.", "utf-8")
    ragbraid("ingest", "docs", cwd=folder)
    name = "docs/a\ufffd\ufffd[2Kb.md"
    assert ragbraid("source", "list", cwd=folder).stdout.startswith(f"{name}  1 chunk  6 bytes  20")
    shown = ragbraid("source", "show", "docs/a\n\x1b[2Kb.md", cwd=folder).stdout
    assert shown.splitlines()[0] == name
    removed = ragbraid("source", "remove", "docs/a*", "--yes", cwd=folder)
    assert removed.stdout == f"- {name}  1 chunk\n"


def test_remove(folder: Path) -> None:
    done = ragbraid("source", "remove", "docs/l*", "--yes", cwd=folder)
    assert done.returncode == 0
    assert done.stdout == "- docs/leave.md  1 chunk\n"
    assert done.stderr == "Their files stay: an ingest of a path that holds them brings them back.\n"
    assert listed(folder) == ["docs/travel.md"]
    assert ragbraid("search", "parental", cwd=folder).stderr == "Nothing found.\n"
    assert "+ docs/leave.md" in ragbraid("ingest", "docs", cwd=folder).stderr
    assert listed(folder) == ["docs/leave.md", "docs/travel.md"]


def test_remove_as_json(folder: Path) -> None:
    done = ragbraid("source", "remove", "docs/leave.md", "--yes", "--json", cwd=folder)
    assert [each["source"] for each in json.loads(done.stdout)] == ["docs/leave.md"]
    assert done.stderr == ""


def test_nothing_is_removed_unasked(folder: Path) -> None:
    says(ragbraid("source", "remove", "**", cwd=folder), 2, "Nothing was removed", "--yes")
    says(ragbraid("source", "remove", "docs/leave.md", "docs/x.md", "--yes", cwd=folder), 2, "No source")
    says(ragbraid("source", "remove", "docs", "--yes", cwd=folder), 2, "is a folder", "'docs/**'")
    assert listed(folder) == ["docs/leave.md", "docs/travel.md"]


def test_in_a_collection_of_its_own(folder: Path) -> None:
    ragbraid("ingest", "docs/leave.md", "--collection", "staff", cwd=folder)
    says(
        ragbraid("source", "show", "docs/travel.md", "--collection", "staff", cwd=folder), 2,
        "No source 'docs/travel.md' is stored",
    )  # fmt: skip
    ragbraid("source", "remove", "**", "--yes", "--collection", "staff", cwd=folder)
    assert listed(folder, "--collection", "staff") == []
    assert listed(folder) == ["docs/leave.md", "docs/travel.md"]


def test_before_the_first_ingest(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(WORDS, "utf-8")
    says(ragbraid("source", "list", cwd=tmp_path), 0, "No source is stored.")
    says(ragbraid("source", "show", "x", cwd=tmp_path), 2, "ragbraid ingest PATH")
    says(ragbraid("source", "remove", "x", "--yes", cwd=tmp_path), 2, "nor any other", "ragbraid ingest PATH")
    assert [each.name for each in tmp_path.iterdir()] == ["ragbraid.yaml"]


def test_wrong_names(folder: Path) -> None:
    says(ragbraid("source", "show", "docs/laeve.md", cwd=folder), 2, "did you mean 'docs/leave.md'?")
    says(ragbraid("source", "lst", cwd=folder), 2, "Did you mean 'list'?")
    says(ragbraid("source", "list", "-p", "none.yaml", cwd=folder), 2, "no pipeline file none.yaml")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals.")
@pytest.mark.parametrize(
    ("key", "left", "code"), [("y\n", 1, 0), ("n\n", 2, 0), ("\n", 2, 0), ("\x03", 2, 130)]
)
def test_on_a_terminal_it_asks(folder: Path, key: str, left: int, code: int) -> None:
    from terminal import Terminal

    terminal = Terminal("-m", "ragbraid", "source", "remove", "docs/l*", cwd=folder)
    assert terminal.read_until(lambda seen: "[y/N]" in seen), terminal.seen
    assert "docs/leave.md  1 chunk" in terminal.seen
    if key == "\x03":
        terminal.interrupt()
    else:
        terminal.type(key)
    ended, seen = terminal.end()
    assert ended == code
    assert ("Nothing was removed." in seen) == (left == 2)
    assert len(listed(folder)) == left


def test_a_collection_that_isnt_there_is_told(folder: Path) -> None:
    said = "no collection 'defalt' in the index; did you mean 'default'?"
    for arguments in (("list",), ("show", "docs/leave.md"), ("remove", "docs/leave.md", "--yes")):
        says(ragbraid("source", *arguments, "--collection", "defalt", cwd=folder), 2, said)


def test_purge(folder: Path) -> None:
    index = next(folder.rglob("index.sqlite")).parent
    done = ragbraid("source", "purge", "docs/leave.md", cwd=folder)
    says(done, 2, "no terminal to ask on")
    assert listed(folder) == ["docs/leave.md", "docs/travel.md"]
    assert b"Parental" in b"".join(each.read_bytes() for each in index.rglob("*.sqlite*"))
    done = ragbraid("source", "purge", "docs/leave.md", "--yes", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "- docs/leave.md  1 chunk\n")
    assert listed(folder) == ["docs/travel.md"]
    assert b"Parental" not in b"".join(each.read_bytes() for each in index.rglob("*.sqlite*"))
    says(ragbraid("source", "purge", "docs/leave.md", "--yes", cwd=folder), 2, "No source 'docs/leave.md'")


def test_a_purge_that_was_interrupted_is_finished(folder: Path) -> None:
    assert ragbraid("source", "remove", "docs/leave.md", "--yes", cwd=folder).returncode == 0
    with closing(sqlite3.connect(next(folder.rglob("index.sqlite")))) as database, database:
        database.execute("INSERT INTO meta VALUES ('purging', '1')")
    done = ragbraid("index", "check", cwd=folder)
    assert (done.returncode, "a purge was interrupted" in done.stdout) == (4, True)
    assert "interrupted" in ragbraid("index", "stats", cwd=folder).stdout
    says(ragbraid("source", "purge", "docs/leave.md", cwd=folder), 0, "interrupted is finished")
    assert ragbraid("index", "check", cwd=folder).returncode == 0
