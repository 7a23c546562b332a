"""Citations checked again: what was changed in between is told for what it is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commandline import ragbraid, says

from ragbraid import Pipeline
from ragbraid.errors import InputError
from ragbraid.evaluate.verify import verify
from ragbraid.serial import to_json
from soaking import count

FILE = """\
ragbraid: 1
components:
  index: {type: testing/list-index}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 60}
  - index
search:
  - {type: lexical, index: index}
ask:
  - search
  - {type: quote, max_sentences: 2}
"""
SYLLABLES = ["ba", "do", "fen", "gir", "hul", "kan", "lom", "mer", "nos", "pel", "rud", "sav", "tor", "wix"]


def word(draw: random.Random) -> str:
    return "".join(draw.choices(SYLLABLES, k=4))


def sentence(draw: random.Random) -> str:
    return (
        f"The {word(draw)} {word(draw)} of {draw.randint(100, 99999)} was {word(draw)} by the {word(draw)}."
    )


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    (tmp_path / "ragbraid.yaml").write_text(FILE, "utf-8")
    (tmp_path / "docs").mkdir()
    draw = random.Random(3)
    for number in range(6):
        text = " ".join(sentence(draw) for _ in range(12))
        (tmp_path / "docs" / f"{number}.txt").write_text(text + "\n", "utf-8")
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        pipeline.ingest(tmp_path / "docs")
        yield pipeline


Change = Callable[[random.Random, Path, dict[str, Any]], str]


def _nothing(_draw: random.Random, _file: Path, _cited: dict[str, Any]) -> str:
    return "true"


def _appended(draw: random.Random, file: Path, _cited: dict[str, Any]) -> str:
    file.write_text(file.read_text("utf-8") + sentence(draw), "utf-8")
    return "true"


def _pushed(draw: random.Random, file: Path, _cited: dict[str, Any]) -> str:
    file.write_text(sentence(draw) + " " + file.read_text("utf-8"), "utf-8")
    return "moved"


def _renamed(_draw: random.Random, file: Path, _cited: dict[str, Any]) -> str:
    file.rename(file.with_name("another.txt"))
    return "moved"


def _reworded(draw: random.Random, file: Path, cited: dict[str, Any]) -> str:
    number = next(each for each in cited["quote"].split() if each.isdecimal())
    text = file.read_text("utf-8")
    at = text.index(cited["quote"])
    changed = cited["quote"].replace(number, str(int(number) + draw.randint(1, 9)), 1)
    file.write_text(text[:at] + changed + text[at + len(cited["quote"]) :], "utf-8")
    return "changed"


def _struck(_draw: random.Random, file: Path, cited: dict[str, Any]) -> str:
    file.write_text(file.read_text("utf-8").replace(cited["quote"], ""), "utf-8")
    return "gone"


def _removed(_draw: random.Random, file: Path, _cited: dict[str, Any]) -> str:
    file.unlink()
    return "gone"


def _invented(draw: random.Random, _file: Path, cited: dict[str, Any]) -> str:
    cited["quote"] = sentence(draw)
    return "false"


def _shifted(draw: random.Random, _file: Path, cited: dict[str, Any]) -> str:
    shift = draw.randint(1, 9)
    cited["start"], cited["end"] = cited["start"] + shift, cited["end"] + shift
    return "moved"


CHANGES: list[Change] = [
    _nothing, _appended, _pushed, _renamed, _reworded, _struck, _removed, _invented, _shifted,
]  # fmt: skip


def test_every_change_is_told_for_what_it_is(pipeline: Pipeline) -> None:
    draw = random.Random(8)
    docs = pipeline.base / "docs"
    texts = {each: each.read_text("utf-8") for each in docs.iterdir()}
    for run in range(count(45, 500)):
        change = CHANGES[run % len(CHANGES)]
        file = draw.choice(sorted(texts))
        asked = draw.choice(texts[file].split(". ")[1:-1])
        answer = to_json(pipeline.ask(asked))
        assert {each.verdict for each in verify(pipeline, answer)} == {"true"}
        cited = answer["citations"][0]
        answer["citations"] = [cited]
        wanted = change(draw, pipeline.base / cited["source"], cited)
        pipeline.ingest(docs, prune=True)
        (found,) = verify(pipeline, answer)
        assert found.verdict == wanted, (change, found)
        (by_file,) = verify(pipeline, answer, files=True)
        if change is not _renamed:
            assert by_file.verdict == found.verdict
        if found.place is not None:
            source, start, end = found.place
            assert pipeline.document(source).text[start:end] == found.text
        for each in docs.iterdir():
            each.unlink()
        for each, text in texts.items():
            each.write_text(text, "utf-8")
        pipeline.ingest(docs, prune=True)


def test_a_file_renamed_since_it_was_read_is_found_beside(pipeline: Pipeline) -> None:
    file = min((pipeline.base / "docs").iterdir())
    answer = to_json(pipeline.ask(file.read_text("utf-8").split(". ")[1]))
    cited = answer["citations"][:1]
    answer["citations"] = cited
    name = pipeline.base / cited[0]["source"]
    name.rename(name.with_name("renamed.txt"))
    try:
        (found,) = verify(pipeline, answer, files=True)
    finally:
        name.with_name("renamed.txt").rename(name)
    assert found.verdict == "moved"
    assert found.place is not None
    assert found.place[0] == "docs/renamed.txt"


def test_what_is_no_answer(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="The value isn't an answer"):
        verify(pipeline, {"text": "x"})
    with pytest.raises(InputError, match="Value 2 isn't an answer"):
        verify(pipeline, [{"citations": []}, {"citations": [{"source": "a"}]}])
    assert verify(pipeline, {"citations": []}) == []


def test_by_command(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(FILE.replace("testing/list-index", "faiss, path: index"), "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text("Parental leave is 14 months.\n", "utf-8")
    says(ragbraid("verify", "a.json", cwd=tmp_path), 2, "can't be read")
    assert ragbraid("ingest", "docs", cwd=tmp_path).returncode == 0
    answer = ragbraid("ask", "How long is parental leave?", "--json", cwd=tmp_path).stdout
    (tmp_path / "a.json").write_text(answer, "utf-8")
    done = ragbraid("verify", "a.json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "1 citation: 1 true.\n")
    assert done.stdout == "true     docs/leave.md:1, characters 0–28\n"
    (tmp_path / "docs" / "leave.md").write_text("# Leave\n\nParental leave is 14 months.\n", "utf-8")
    done = ragbraid("verify", "a.json", "--files", cwd=tmp_path)
    assert "         now docs/leave.md:3, characters 9–37\n" in done.stdout
    (tmp_path / "docs" / "leave.md").write_text("Parental leave is 16 months.\n", "utf-8")
    done = ragbraid("verify", "a.json", "--files", "--json", cwd=tmp_path)
    assert done.returncode == 4
    (found,) = json.loads(done.stdout)
    assert (found["verdict"], found["text"]) == ("changed", "Parental leave is 16 months.")
    (tmp_path / "lines.jsonl").write_text(2 * (json.dumps(json.loads(answer)) + "\n"), "utf-8")
    done = ragbraid("verify", "lines.jsonl", cwd=tmp_path)
    assert done.stderr == "2 citations: 2 true.\n"
    (tmp_path / "x.json").write_text("{", "utf-8")
    says(ragbraid("verify", "x.json", cwd=tmp_path), 2, "isn't JSON")
