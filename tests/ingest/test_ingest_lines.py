"""Lines in citations: those of the file as an editor shows it, whatever ends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragbraid import Pipeline
from ragbraid.ingest.prepare import split
from ragbraid.types import Chunk, Document, Reading

PIPELINE = """
ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
ingest:
  - {type: files}
  - {type: by-format, embedder: embedder, max_tokens: 40}
  - index
search:
  - {type: lexical, index: index}
ask:
  - search
  - {type: quote}
"""
NUMBERED = [f"line {number} has words of its own, such as w{number}." for number in range(1, 301)]
ENDS = {"crlf": ["\r\n"], "cr": ["\r"], "lf": ["\n"], "mixed": ["\r\n", "\n", "\r"]}


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE)
    (tmp_path / "docs").mkdir()
    with Pipeline.load("ragbraid.yaml") as loaded:
        yield loaded


def write(name: str, text: str) -> None:
    (Path("docs") / name).write_bytes(text.encode())


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("suffix", ["txt", "md", "py"])
def test_a_citation_tells_the_line_that_an_editor_shows(pipeline: Pipeline, ends: str, suffix: str) -> None:
    between = [ENDS[ends][number % len(ENDS[ends])] for number in range(len(NUMBERED))]
    write(f"a.{suffix}", "".join(map("".join, zip(NUMBERED, between, strict=True))))
    pipeline.ingest("docs")
    for number in (1, 2, 150, 299, 300):
        answer = pipeline.ask(f"Which line has the words w{number}?")
        cited = next(each for each in answer.citations if f"w{number}." in each.quote)
        at = cited.quote.index(f"w{number}.")
        assert cited.line is not None
        assert cited.last_line is not None
        before = len(re.findall(r"\r\n|\r|\n", cited.quote[:at]))
        assert cited.line + before == number
        assert cited.last_line - cited.line == len(re.findall(r"\r\n|\r|\n", cited.quote.rstrip()))


def test_cuts_are_the_same_whatever_ends_the_lines(pipeline: Pipeline) -> None:
    for name, (end, *_) in ENDS.items():
        if name != "mixed":
            write(f"{name}.txt", end.join(NUMBERED))
    pipeline.ingest("docs")
    cut = {
        name: [re.sub(r"\r\n|\r", "\n", each.text) for each in pipeline.document(f"docs/{name}.txt").chunks]
        for name in ("crlf", "lf")
    }
    assert cut["crlf"] == cut["lf"]


def test_no_other_character_ends_a_line(pipeline: Pipeline) -> None:
    write("a.txt", "\ufeffOne\x0cand \u2028more\x85 of it\x0b.\r\n\r\nA goat eats hay.\n")
    pipeline.ingest("docs")
    (cited,) = pipeline.ask("What does a goat eat?").citations
    assert (cited.quote, cited.line, cited.last_line) == ("A goat eats hay.", 3, 3)


def test_what_is_not_the_file_s_own_text_has_no_lines(pipeline: Pipeline) -> None:
    write("a.html", "<p>One</p>\n<p>A goat eats hay.</p>")
    pipeline.ingest("docs")
    (cited,) = pipeline.ask("What does a goat eat?").citations
    assert (cited.line, cited.last_line) == (None, None)


def test_a_text_that_a_step_has_changed_has_no_lines() -> None:
    def joining(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
        return [replace(each, text=each.text.replace("\n", " ")) for each in documents], []

    def nothing(documents: list[Document]) -> tuple[list[Document], list[Chunk]]:
        return documents, []

    document = Document("a.txt", "One.\nTwo.\n", reading=Reading("text", "utf-8", verbatim=True))
    assert [each.reading for each, _ in split([document], nothing, {"a": 1})] == [document.reading]
    assert [each.reading for each, _ in split([document], joining, {})] == [Reading("text", "utf-8")]
