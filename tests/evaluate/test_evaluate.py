"""A pipeline measured on questions, in Python and by command; the page that tells of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commandline import ragbraid, says

from browser import browser
from ragbraid import Pipeline
from ragbraid.errors import InputError
from ragbraid.evaluate.result import load_evaluation
from ragbraid.evaluate.run import evaluate
from ragbraid.evaluate.stages import FAULTS, fault

FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest:
  - {type: files}
  - {type: markdown, max_tokens: 40}
  - index
search:
  - {type: lexical, index: index, candidates: 30}
ask:
  - search
  - {type: quote}
eval: {questions: questions.jsonl}
"""
PAGES = {
    "leave.md": "Parental leave is 14 months. Tell the office a month before it begins.\n",
    "travel.md": "Trips are booked by the travel desk. A train is taken up to five hours.\n",
    "desks.md": "A desk is booked for a day. The booking ends at noon where nobody came.\n",
}
QUESTIONS = [
    {
        "id": "leave",
        "question": "How long is parental leave?",
        "answers": ["14 months"],
        "sources": ["leave"],
    },
    {
        "id": "travel",
        "question": "Who books trips?",
        "answers": ["the travel desk"],
        "sources": ["travel.md"],
    },
    {
        "id": "desks",
        "question": "When does a booking of a desk end?",
        "answers": ["noon"],
        "sources": ["desks"],
    },
    {
        "id": "wrong",
        "question": "How long is a train taken?",
        "answers": ["six hours"],
        "sources": ["travel"],
    },
    {"id": "none", "question": "Which wine goes with fish?", "answers": []},
    {"id": "free", "question": "Where is the office told?"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name, text in PAGES.items():
        (tmp_path / "docs" / name).write_text(text, "utf-8")
    (tmp_path / "ragbraid.yaml").write_text(FILE, "utf-8")
    rows = "".join(json.dumps(each) + "\n" for each in QUESTIONS)
    (tmp_path / "questions.jsonl").write_text(rows, "utf-8")
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        pipeline.ingest(tmp_path / "docs")
    return tmp_path


def test_each_measure_is_of_the_questions_that_it_can_be_of(folder: Path) -> None:
    asked: list[tuple[str, int, int]] = []
    with Pipeline.load(folder / "ragbraid.yaml") as pipeline:
        found = evaluate(pipeline, folder / "questions.jsonl", on_asked=lambda *each: asked.append(each))
    assert asked[0] == ("How long is parental leave?", 1, 6)
    assert len(asked) == 6
    told = {name: (each.value, each.count) for name, each in found.measures.items()}
    assert told["contains"] == (0.75, 4)
    assert told["recall@10"] == told["mrr@10"] == told["ndcg@10"] == (1.0, 4)
    assert told["refused"] == (1.0, 1)
    assert told["answered"] == (1.0, 4)
    assert told["verified"] == (1.0, 5)
    assert told["citation_precision"] == (1.0, 4)
    assert told["abstention_auroc"] == (1.0, 5)
    assert told["failed"] == (0.0, 6)
    assert {row["id"]: fault(row) for row in found.rows if fault(row)} == {"wrong": "quoting"}
    assert found.to_json() == json.loads(json.dumps(found.to_json())), "plain values"


def test_a_set_without_answers_measures_the_search_alone(folder: Path) -> None:
    (folder / "ranked").mkdir()
    (folder / "ranked" / "queries.jsonl").write_text('{"_id": "1", "text": "desk"}\n')
    (folder / "ranked" / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\tdesks\t1\n1\tleave\t1\n")
    with Pipeline.load(folder / "ragbraid.yaml") as pipeline:
        found = evaluate(pipeline, folder / "ranked")
    assert found.measures["recall@10"].value == 0.5
    assert found.measures["mrr@10"].value == 1.0
    assert 0.5 < found.measures["ndcg@10"].value < 1
    assert "contains" not in found.measures


def test_a_question_that_fails_is_told_and_counts_as_wrong(folder: Path) -> None:
    text = FILE.replace("{type: quote}", "{type: ./own.py:grumpy}")
    (folder / "ragbraid.yaml").write_text(text, "utf-8")
    (folder / "own.py").write_text(
        "from ragbraid.types import Answer, Hit\n"
        "def grumpy(question: str, hits: list[Hit]) -> Answer:\n"
        "    if 'leave' in question:\n"
        "        raise ValueError('No leave.')\n"
        "    return Answer('the travel desk')\n"
    )
    with Pipeline.load(folder / "ragbraid.yaml", allow=[str(folder / "own.py")]) as pipeline:
        found = evaluate(pipeline, folder / "questions.jsonl")
    assert found.measures["failed"].value == 1
    (row,) = [each for each in found.rows if each["error"]]
    assert "No leave." in row["error"]
    assert row["scores"]["contains"] == 0
    assert fault(row) == "failed"


def test_the_gate_by_command(folder: Path) -> None:
    done = ragbraid("eval", "--out", "before.json", cwd=folder)
    assert done.returncode == 0, done
    assert re.search(r"answers contain +0\.750 +0\.\d+ – 1\.000 +4\n", done.stdout)
    done = ragbraid("eval", "questions.jsonl", "--against", "before.json", cwd=folder)
    assert done.returncode == 0, done
    assert "Nothing fell by more than luck." in done.stderr
    many = [{**QUESTIONS[0], "id": str(at)} for at in range(20)]
    (folder / "many.jsonl").write_text("".join(json.dumps(each) + "\n" for each in many), "utf-8")
    assert ragbraid("eval", "many.jsonl", "--out", "before.json", "--quiet", cwd=folder).returncode == 0
    (folder / "docs" / "leave.md").write_text("Parental leave is long.\n", "utf-8")
    assert ragbraid("ingest", "docs", "--quiet", cwd=folder).returncode == 0
    done = ragbraid(
        "eval", "many.jsonl", "--against", "before.json", "--json", "--out", "now.json", cwd=folder
    )
    assert done.returncode == 4
    told = json.loads(done.stdout)["against"]
    assert told["regressed"] is True
    assert len(told["lost"]) == 20
    assert load_evaluation(folder / "now.json").measures["contains"].value == 0


def test_wrong_inputs_are_sentences(folder: Path) -> None:
    says(ragbraid("eval", "none.jsonl", cwd=folder), 2, "can't be read")
    (folder / "other.json").write_text("{}", "utf-8")
    says(ragbraid("eval", "--against", "other.json", cwd=folder), 2, "isn't an evaluation")
    assert ragbraid("eval", "--limit", "2", "--out", "two.json", "--quiet", cwd=folder).returncode == 0
    says(ragbraid("eval", "--against", "two.json", cwd=folder), 2, "of other questions (questions.jsonl)")
    (folder / "ragbraid.yaml").write_text(FILE.replace("eval: ", "x-eval: "), "utf-8")
    says(ragbraid("eval", cwd=folder), 2, "No questions are named.", "eval: {questions: questions.jsonl}")
    with pytest.raises(InputError, match="can't be read"):
        load_evaluation(folder / "absent.json")
    (folder / "questions.jsonl").write_text("{\n", "utf-8")
    says(ragbraid("eval", "questions.jsonl", cwd=folder), 2, "line 1: it isn't JSON")


def test_an_index_that_is_not_there_is_told(folder: Path) -> None:
    says(ragbraid("eval", "--set", "components.index.path=empty", cwd=folder), 2, "no index at")


def test_the_page_needs_no_network_and_shows_what_went_wrong(folder: Path) -> None:
    (folder / "questions.jsonl").write_text(
        "".join(json.dumps({**each, "question": each["question"] + " <script>"}) + "\n" for each in QUESTIONS)
    )
    assert ragbraid("eval", "--out", "a.json", "--report", "a.html", "--quiet", cwd=folder).returncode == 0
    text = (folder / "a.html").read_text("utf-8")
    assert "How long is a train taken? &lt;script&gt;" in text
    assert "<script" not in text
    assert not re.search(r"(src|href)=", text.replace("xlink:href", "")), "nothing is fetched"
    assert text.count("<svg") == 3
    assert FAULTS["quoting"] in text.replace("&#39;", "'")
    done = ragbraid("eval", "--against", "a.json", "--report", "b.html", cwd=folder)
    assert done.returncode == 0
    assert "baseline" in (folder / "b.html").read_text("utf-8")


def test_the_page_in_a_browser(folder: Path) -> None:
    assert ragbraid("eval", "--out", "a.json", "--quiet", cwd=folder).returncode == 0
    done = ragbraid("eval", "--against", "a.json", "--report", "a.html", "--quiet", cwd=folder)
    assert done.returncode == 0
    with browser() as opened:
        page = opened.new_page(viewport={"width": 390, "height": 844})
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / "a.html").as_uri())
        assert page.title() == "ragbraid: questions.jsonl"
        assert page.locator("svg").count() == 3
        assert all(page.locator("svg").nth(at).bounding_box()["width"] > 100 for at in range(3))
        answer = page.get_by_text("six hours")
        assert not answer.is_visible()
        page.get_by_text("How long is a train taken?").click()
        assert answer.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "a telephone shows it whole"
        assert said == []
        assert [each for each in asked if not each.startswith(("file:", "data:"))] == []
