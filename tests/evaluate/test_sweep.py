"""Many settings on the same questions: the figures of single evaluations, in less time, and going on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from commandline import ragbraid, says

from ragbraid import Pipeline
from ragbraid.errors import IndexMissing, InputError, PipelineFileError
from ragbraid.evaluate.grid import Grid, parse_grid
from ragbraid.evaluate.questions import read_questions
from ragbraid.evaluate.run import evaluate
from ragbraid.evaluate.sweep import sweep
from ragbraid.evaluate.sweep_result import Sweep

FILE = """\
ragbraid: 1
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
ingest:
  - {type: files}
  - {type: markdown, max_tokens: 40}
  - index
search:
  - {type: dense, index: index, candidates: 30}
  - {type: lexical, index: index, candidates: 30}
  - {type: rrf, hits: [dense, lexical]}
  - {type: ./own.py:counted, lose: false}
  - {type: maxsim, embedder: embedder, candidates: 5}
ask:
  - search
  - {type: quote, abstain: never}
eval: {questions: questions.jsonl}
"""
OWN = """\
import pathlib, time
from ragbraid.types import Hit

def counted(question: str, hits: list[Hit], *, pause: float = 0.0, lose: bool = False) -> list[Hit]:
    time.sleep(pause)
    with pathlib.Path(__file__).with_name("calls.txt").open("a") as file:
        file.write(question + "\\n")
    return [] if lose else hits
"""
THINGS = (
    "leave",
    "desk",
    "train",
    "phone",
    "lamp",
    "door",
    "plant",
    "chair",
    "window",
    "stair",
    "roof",
    "bell",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    rows = []
    for at, thing in enumerate(THINGS):
        text = f"The {thing} is old. One says that the {thing} is number {at + 10}. Ask about the {thing}.\n"
        (tmp_path / "docs" / f"{thing}.md").write_text(text, "utf-8")
        rows.append(
            {
                "id": thing,
                "question": f"Which number is the {thing}?",
                "answers": [f"{at + 10}"],
                "sources": [thing],
            }
        )
    rows.append({"id": "none", "question": "Who sings?", "answers": []})
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")
    (tmp_path / "ragbraid.yaml").write_text(FILE, "utf-8")
    (tmp_path / "own.py").write_text(OWN, "utf-8")
    with load(tmp_path, {}) as pipeline:
        pipeline.ingest(tmp_path / "docs")
    return tmp_path


def load(folder: Path, settings: Mapping[str, Any]) -> Pipeline:
    return Pipeline.load(folder / "ragbraid.yaml", set=settings, allow=[str(folder / "own.py")])


def swept(folder: Path, *sets: str, **options: Any) -> Sweep:
    questions = read_questions(folder / "questions.jsonl")
    return sweep(partial(load, folder), parse_grid(sets), questions, **options)


def test_each_point_has_the_figures_of_an_evaluation_by_itself(folder: Path) -> None:
    sets = ("search.maxsim.candidates=1,3,5", "ask.quote.max_sentences=1,2,3", "search.dense.candidates=10")
    found = swept(folder, *sets, jobs=2)
    assert len(found.standings) == 3 * 3  # the pipeline as it is, but for what is set at all points, is in it
    for each in found.standings:
        settings = {"search.dense.candidates": 10, **each.point.settings}
        with load(folder, settings) as pipeline:
            alone = evaluate(pipeline, folder / "questions.jsonl")
        for name, measure in each.point.evaluation.measures.items():
            assert measure == alone.measures[name], (settings, name)
        assert alone.measures.keys() - each.point.evaluation.measures.keys() == {"seconds_p50", "seconds_p95"}


def test_what_is_the_same_is_done_once(folder: Path) -> None:
    found = swept(folder, "search.maxsim.candidates=1,3,5", "ask.quote.max_sentences=1,2")
    calls = (folder / "calls.txt").read_text().splitlines()
    questions = len(THINGS) + 1
    assert sorted(calls) == sorted(set(calls)), "once for each question"
    assert len(calls) == questions
    # Four steps are shared by all points, a maxsim by those that differ in the quote.
    points = len(found.standings)
    assert found.tally.run == questions * (4 + 3 + points)
    assert found.tally.run + found.tally.shared == questions * points * 6
    assert found.tally.saved > 0


def test_the_pipeline_as_it_is_is_a_point_of_its_own_where_it_is_not_in_the_grid(folder: Path) -> None:
    found = swept(folder, "ask.quote.max_sentences=1,2")
    assert sorted((each.point.settings for each in found.standings), key=str) == [
        {"ask.quote.max_sentences": 1},
        {"ask.quote.max_sentences": 2},
        {},
    ]
    assert found.base.settings == {}
    within = swept(folder, "ask.quote.max_sentences=1,3")
    assert within.base.settings == {"ask.quote.max_sentences": 3}
    assert len(within.standings) == 2


def test_a_better_setting_is_told_from_luck(folder: Path) -> None:
    sets = ("search.counted.lose=false,true", "search.maxsim.candidates=5,6")
    found = swept(folder, *sets)
    assert found.by == "contains"
    assert [each.point.settings["search.counted.lose"] for each in found.standings] == [
        False,
        False,
        True,
        True,
    ]
    assert [each.behind for each in found.standings] == [False, False, True, True]
    assert not any(each.ahead for each in found.standings)
    (folder / "ragbraid.yaml").write_text(FILE.replace("lose: false", "lose: true"))
    assert [each.ahead for each in swept(folder, *sets).standings] == [True, True, False, False]


def test_a_killed_sweep_goes_on(folder: Path) -> None:
    command = (
        "sweep", "--set", "ask.quote.max_sentences=1,2", "--set", "search.counted.pause=0.1",
        "--allow", "own.py", "--out", "sweep.jsonl", "--jobs", "1",
    )  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "ragbraid", *command, "--quiet"], cwd=folder)
    out = folder / "sweep.jsonl"
    while not out.exists() or out.read_bytes().count(b"\n") < 4:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    asked = out.read_bytes().count(b"\n") - 1
    with out.open("ab") as file:
        file.write(b'{"id": "torn')
    done = ragbraid(*command, cwd=folder)
    assert done.returncode == 0, done
    assert f"{asked} questions had been asked before." in done.stderr
    calls = (folder / "calls.txt").read_text().splitlines()
    assert len(THINGS) + 1 <= len(calls) <= len(THINGS) + 2, "only the one that was under way is asked twice"
    rows = out.read_bytes().splitlines()
    assert len(rows) == len(THINGS) + 2
    assert all(map(json.loads, rows))
    once = ragbraid(*command, "--json", cwd=folder)
    again = ragbraid(*(each.replace("sweep.jsonl", "new.jsonl") for each in command), "--json", cwd=folder)
    assert [each["measures"] for each in json.loads(once.stdout)["points"]] == [
        each["measures"] for each in json.loads(again.stdout)["points"]
    ]


def test_a_file_of_another_sweep_is_refused(folder: Path) -> None:
    out = folder / "sweep.jsonl"
    first = "ask.quote.max_sentences=1,2"
    swept(folder, first, out=out)
    with pytest.raises(InputError, match="settings are others"):
        swept(folder, "ask.quote.max_sentences=2,1", out=out)
    with pytest.raises(InputError, match="pipeline is another"):
        swept(folder, first, "search.dense.candidates=3", out=out)
    with pytest.raises(InputError, match="filter or collection"):
        swept(folder, first, out=out, filter={"source": "docs/bell.md"})
    questions = folder / "questions.jsonl"
    text = questions.read_text()
    questions.write_text(text + '{"question": "More?"}\n')
    with pytest.raises(InputError, match="questions are others"):
        swept(folder, first, out=out)
    questions.write_text(text)
    (folder / "docs" / "bell.md").write_text("The bell is gone.\n")
    with load(folder, {}) as pipeline:
        pipeline.ingest(folder / "docs")
    with pytest.raises(InputError, match="index has changed since"):
        swept(folder, first, out=out)
    out.write_text('{"a": 1}\n')
    with pytest.raises(InputError, match="isn't a sweep"):
        swept(folder, first, out=out)


def test_a_question_that_fails_at_one_point_is_told_there(folder: Path) -> None:
    (folder / "own.py").write_text(
        OWN.replace("    time.sleep(pause)\n", "    assert pause < 1, 'too long'\n")
    )
    found = swept(folder, "search.counted.pause=0.5,1.5", jobs=1)
    failed = {
        each.point.settings.get("search.counted.pause"): each.point.evaluation.measures["failed"].value
        for each in found.standings
    }
    assert failed == {None: 0, 0.5: 0, 1.5: len(THINGS) + 1}


def test_what_makes_no_difference_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="make no difference") as refused:
        swept(folder, "ingest.markdown.max_tokens=40,80")
    assert "components.index.path" in str(refused.value.hint)
    with pytest.raises(InputError, match=r"can't be ranked by 'words'"):
        swept(folder, "ask.quote.max_sentences=1,2", by="words")
    with pytest.raises(IndexMissing):
        swept(folder, "components.index.path=index,other")
    with pytest.raises(PipelineFileError):
        swept(folder, "ask.quote.sentences=1,2")


@pytest.mark.parametrize(
    ("texts", "grid"),
    [
        (["a.b=1,2"], Grid({}, {"a.b": [1, 2]})),
        (["a.b=[x, y],[x]", "c=5"], Grid({"c": 5}, {"a.b": [["x", "y"], ["x"]]})),
        (["a='1,2',null,true"], Grid({}, {"a": ["1,2", None, True]})),
        (["a={u: 1, v: 2},{u: 3}", "b=${HOME}"], Grid({"b": "${HOME}"}, {"a": [{"u": 1, "v": 2}, {"u": 3}]})),
    ],
)
def test_a_grid_is_read_as_yaml(texts: list[str], grid: Grid) -> None:
    found = parse_grid(texts)
    assert found == grid
    assert len(found.points()) == 2 if len(grid.swept["a" if "a" in grid.swept else "a.b"]) == 2 else 3


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a=1"], "several values"),
        ([], "several values"),
        (["a=1,2", "a=3"], "twice"),
        (["a=1,1"], "are the same"),
        (["a"], "KEY=VALUE"),
        (["a=1,["], "--set a"),
        ([f"{name}={','.join(map(str, range(30)))}" for name in "abc"], "27,000 points"),
    ],
)
def test_a_wrong_grid_is_a_sentence(texts: list[str], said: str) -> None:
    with pytest.raises((InputError, PipelineFileError), match=said):
        parse_grid(texts)


def test_the_command_tells_a_table_json_and_a_page(folder: Path) -> None:
    command = ("sweep", "--set", "ask.quote.max_sentences=1,2", "--allow", "own.py")
    done = ragbraid(*command, "--report", "page.html", cwd=folder)
    assert done.returncode == 0, done
    assert re.match(r"max_sentences +answers contain +95% interval", done.stdout)
    assert "as it is" in done.stdout
    assert re.search(r"Steps run: \d+, in \d+\.\d s\. Taken over from another point: \d+, which", done.stderr)
    page = (folder / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert page.count("<svg") == 2
    assert not re.search(r"(src|href)=", page.replace("xlink:href", "")), "nothing is fetched"
    told = json.loads(ragbraid(*command, "--json", "--by", "ndcg@10", cwd=folder).stdout)
    assert told["ranked_by"] == "ndcg@10"
    assert len(told["points"]) == 3
    says(ragbraid("sweep", "--allow", "own.py", cwd=folder), 2, "Nothing is set to several values.")
