"""Question sets: their layouts, and what is said of broken ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragbraid.errors import InputError
from ragbraid.evaluate.questions import Question, QuestionSet, read_questions


def lines(at: Path, *rows: object) -> Path:
    at.write_text(
        "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in rows), "utf-8"
    )
    return at


def test_lines_say_what_they_know(tmp_path: Path) -> None:
    file = lines(
        tmp_path / "q.jsonl",
        {"question": "Who?", "answers": ["Ada", "Ada Lind"], "sources": ["docs/a.md"]},
        "",
        {"id": "none", "question": "Why not?", "answers": []},
        {"_id": 7, "text": "Where?", "paragraph": {"a/1": 2, "b": 0}},
        {"user_input": "When?", "reference": "In May.", "reference_contexts": ["It was in May."]},
    )
    assert read_questions(file).questions == (
        Question("1", "Who?", ("Ada", "Ada Lind"), {"docs/a.md": 1}),
        Question("none", "Why not?", ()),
        Question("7", "Where?", None, {"a/1": 2, "b": 0}),
        Question("5", "When?", ("In May.",), {}, ("It was in May.",)),
    )


def test_a_squad_file(tmp_path: Path) -> None:
    context = "Ada Lind opened the bridge in May."
    asked = [
        {
            "id": "a",
            "question": "Who?",
            "answers": [{"text": "Ada Lind"}, {"text": "Ada Lind"}, {"text": "Ada"}],
        },
        {
            "id": "b",
            "question": "Why?",
            "answers": [],
            "is_impossible": True,
            "plausible_answers": [{"text": "x"}],
        },
    ]
    file = tmp_path / "dev.json"
    file.write_text(
        json.dumps({"data": [{"title": "t", "paragraphs": [{"context": context, "qas": asked}]}]})
    )
    assert read_questions(file).questions == (
        Question("a", "Who?", ("Ada Lind", "Ada"), passages=(context,)),
        Question("b", "Why?", (), passages=(context,)),
    )


@pytest.mark.parametrize("name", ["qrels.tsv", "qrels/test.tsv"])
def test_a_folder_of_beir(tmp_path: Path, name: str) -> None:
    lines(tmp_path / "queries.jsonl", {"_id": "1", "text": "lift"}, {"_id": "2", "text": "nobody judged it"})
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("query-id\tcorpus-id\tscore\n1\t12\t2\n1\t13\t0\n")
    assert read_questions(tmp_path).questions == (Question("1", "lift", None, {"12": 2, "13": 0}),)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (['{"question": "a"}', "{", "[1]"], "line 2: it isn't JSON .*; line 3: it isn't a JSON object"),
        (['{"answers": []}'], "line 1: it has no `question`"),
        (['{"question": " "}'], "line 1: it has no `question`"),
        (['{"question": "a", "answers": [1]}'], "`answers` wants texts, not int"),
        (['{"question": "a", "sources": {"b": "c"}}'], "`sources` wants names"),
        (['{"question": "a", "id": 1}', '{"question": "b", "id": "1"}'], "two questions have the id '1'"),
        ([], "There is no question in"),
        (["{"] * 9, "line 5: it isn't JSON .*, and 4 more"),
    ],
)
def test_broken_sets_are_told_line_by_line(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_questions(lines(tmp_path / "q.jsonl", *rows))


def test_what_is_no_question_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl can't be read: no such file"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="holds no question set"):
        read_questions(tmp_path)
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(InputError, match="isn't a question set in SQuAD's layout"):
        read_questions(tmp_path / "x.json")
    (tmp_path / "l.jsonl").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"aren't UTF-8 \(byte 0\)"):
        read_questions(tmp_path / "l.jsonl")
    lines(tmp_path / "queries.jsonl", {"_id": "1", "text": "a"})
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\t12\tmuch\n")
    with pytest.raises(InputError, match="line 2, isn't a query, a document and a grade"):
        read_questions(tmp_path)


def test_the_digest_is_of_questions_and_labels() -> None:
    one = QuestionSet("a", (Question("1", "Who?", ("Ada",)), Question("2", "Why?")))
    assert one.digest == QuestionSet("b", one.questions).digest
    assert one.digest != QuestionSet("a", (Question("1", "Who?", ("Eva",)), Question("2", "Why?"))).digest
    assert one.first(1).questions == one.questions[:1]
    assert one.first(5) is one
