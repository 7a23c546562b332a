"""Questions made from documents, and from what people said of answers: what is kept can be evaluated."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from commandline import ragbraid, says

from ragbraid import Pipeline
from ragbraid.errors import GenerationError, InputError, SourceMissing
from ragbraid.evaluate.asking_back import answer_in, ask_back
from ragbraid.evaluate.feedback import read_feedback
from ragbraid.evaluate.making import DROPPED, Made, as_line, make
from ragbraid.evaluate.off_topic import off_topic
from ragbraid.evaluate.questions import Question, read_questions
from ragbraid.evaluate.run import evaluate
from ragbraid.generate.protocol import Completion, Request
from ragbraid.testing.echo_generator import ScriptedGenerator

THINGS = ("leave", "desk", "train", "phone", "lamp", "door", "plant", "chair", "window", "roof", "bell")
FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
  generator: {type: ./own.py:Asker}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 40}
  - index
search:
  - {type: lexical, index: index, candidates: 30}
ask:
  - search
  - {type: quote, generator: generator, short: false, abstain: never, max_sentences: 1}
"""
OWN = '''\
import json
from dataclasses import dataclass

from ragbraid.errors import GenerationError
from ragbraid.generate.protocol import Completion, Quotes

WRITTEN = {
    "leave": "Which number has the leave, and is it 10?",
    "desk": "Who sings?",
    "train": "Which wine goes with fish today?",
    "phone": "Tell me about the phone.",
}


@dataclass(frozen=True, slots=True)
class Asker:
    def open(self) -> "AskerRuntime":
        return AskerRuntime()


class AskerRuntime:
    """Writes a question of a sentence's own words, and of some things a bad one."""

    context_window = 4096
    scores_together = False

    def count_tokens(self, prompt):
        return len(str(prompt).split())

    def generate(self, requests, *, context=None):
        return [self.written(each) for each in requests]

    def stream(self, request, *, context=None):
        raise NotImplementedError

    def score(self, prompt, continuations, *, then=None, context=None):
        raise NotImplementedError

    def written(self, request):
        _, _, said = request.prompt[-1].content.partition("Text: ")
        if isinstance(request.constraint, Quotes):
            text, _, asked = said.partition("\\nQuestion: ")
            return Completion(text.rstrip(".").split()[-1] if "roof" not in asked else "Of all things")
        words = said.replace(".", "").split()
        thing = words[words.index("the") + 1] if "Of all things" in said else words[1]
        if thing == "lamp":
            return GenerationError("No lamp.")
        question = WRITTEN.get(thing, f"Which number is the {thing} of all things?")
        return Completion(json.dumps({"question": question}))
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for at, thing in enumerate(THINGS):
        text = f"The {thing} is as old as all others. Of all things the {thing} bears number {at + 10}.\n"
        (tmp_path / "docs" / f"{thing}.md").write_text(text, "utf-8")
    (tmp_path / "ragbraid.yaml").write_text(FILE, "utf-8")
    (tmp_path / "own.py").write_text(OWN, "utf-8")
    with load(tmp_path) as pipeline:
        pipeline.ingest(tmp_path / "docs")
    return tmp_path


def load(folder: Path, **settings: Any) -> Pipeline:
    return Pipeline.load(folder / "ragbraid.yaml", set=settings, allow=[str(folder / "own.py")])


def made(folder: Path, **options: Any) -> Made:
    with load(folder) as pipeline:
        return make(pipeline, **options)


def test_what_leads_back_is_kept_and_the_rest_is_counted(folder: Path) -> None:
    # A chunk has one sentence with a number among two, so several seeds meet every document.
    asked: list[tuple[str, int, int]] = []
    found = [made(folder, seed=each, on_asked=lambda *one: asked.append(one)) for each in range(6)]
    dropped = {name for each in found for name in each.dropped}
    assert dropped == set(DROPPED) - {"twice", "answer"}
    for each in found:
        assert each.tried == len(each.questions) + sum(each.dropped.values())
        for question, source in each.questions:
            thing = Path(source).stem
            assert question.text == f"Which number is the {thing} of all things?"
            assert question.answers == (str(THINGS.index(thing) + 10),)
            assert thing in question.passages[0]
    assert asked[0][1:] == (1, 50)
    kept = {source for each in found for _, source in each.questions}
    assert {"docs/bell.md", "docs/door.md"} <= kept
    assert (
        not {
            "docs/leave.md",
            "docs/desk.md",
            "docs/phone.md",
            "docs/lamp.md",
            "docs/roof.md",
            "docs/train.md",
        }
        & kept
    )


def test_the_same_seed_makes_the_same_questions(folder: Path) -> None:
    first = made(folder, seed=3, count=4)
    assert first.questions == made(folder, seed=3, count=4).questions
    assert 0 < len(first.questions) <= 4
    some = made(folder, names=["docs/b*"], seed=1)
    assert {source for _, source in some.questions} <= {"docs/bell.md"}
    with pytest.raises(SourceMissing):
        made(folder, names=["docs/none.md"])


def test_what_was_made_can_be_evaluated(folder: Path) -> None:
    found = made(folder, seed=3)
    with load(folder) as pipeline:
        beside = off_topic(pipeline, 5, seed=1)
        assert beside == off_topic(pipeline, 5, seed=1) != off_topic(pipeline, 5, seed=2)
        lines = [as_line(*each) for each in found.questions] + [as_line(each) for each in beside]
        (folder / "q.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
        told = evaluate(pipeline, folder / "q.jsonl").measures
    assert told["contains"].value == 1.0
    assert told["recall@10"].value == 1.0
    assert told["refused"].count == 5


def test_a_question_that_the_documents_speak_of_is_not_off_topic(folder: Path) -> None:
    (folder / "docs" / "wine.md").write_text("With grilled salmon goes a white wine from the Loire.\n")
    with load(folder) as pipeline:
        pipeline.ingest(folder / "docs")
        found = [each.text for each in off_topic(pipeline, 100)]
    assert "Which wine goes with grilled salmon?" not in found
    assert "How is a kimono folded?" in found
    assert len(found) < 80


def test_a_pipeline_without_a_generator_is_told(folder: Path) -> None:
    text = FILE.replace("  generator: {type: ./own.py:Asker}\n", "")
    text = text.replace("generator: generator, short: false, ", "")
    (folder / "ragbraid.yaml").write_text(text)
    with pytest.raises(InputError, match="has no generator"):
        made(folder)


def test_a_pipeline_without_answers_is_told(folder: Path) -> None:
    (folder / "ragbraid.yaml").write_text(FILE.partition("ask:")[0])
    with pytest.raises(InputError, match="no flow 'ask'"):
        made(folder)


def test_a_generator_that_is_down_is_told_and_not_asked_for_ever(folder: Path) -> None:
    (folder / "own.py").write_text(OWN.replace('if thing == "lamp":', "if True:"))
    with pytest.raises(GenerationError, match="No lamp"):
        made(folder)


@pytest.mark.parametrize(
    ("sentence", "answers"),
    [
        ("Parental leave is 14 months for both.", {"14 months"}),
        ("In 1932 Ada Lind of Norden opened it.", {"Ada Lind of Norden"}),
        ("It weighs 3,141 kg, at 2.5% per year.", {"3,141 kg", "2.5%"}),
        ("Call `index.compact` and it is done.", {"index.compact"}),
        ("She said: “never again” and left.", {"never again"}),
        ("nothing to ask for here at all", {None}),
        ("12 months", {None}),
        ("The law of the 13th century is v2 here.", {None}),
        ("会議室は14日前に予約できます。", {"14"}),
    ],
)
def test_what_may_be_asked_for_in_a_sentence(sentence: str, answers: set[str | None]) -> None:
    found = {answer_in(sentence, Random(seed)) for seed in range(20)}
    assert answers <= found
    assert found - answers <= {"1932 Ada", "1932"}


def generating(text: str) -> Callable[[Sequence[Request]], list[Completion | Exception]]:
    return ScriptedGenerator((text,)).open().generate


@pytest.mark.parametrize(
    ("written", "question"),
    [
        ('{"question": "When was the bridge  opened?"}', "When was the bridge opened?"),
        ('{"question": "橋はいつ開通しましたか？"}', "橋はいつ開通しましたか？"),
        ('{"question": "When was the bridge of 1932 opened?"}', ""),
        ('{"question": "The bridge was opened."}', ""),
        ('{"question": "When?"}', ""),
        ('{"question": "What is the answer to this question?"}', ""),
        ('{"question": "When was the br', ""),
        ('{"answer": "1932"}', ""),
        ('{"question": 1932}', ""),
        ("When was the bridge opened?", ""),
    ],
)
def test_what_counts_as_a_question(written: str, question: str) -> None:
    assert ask_back(generating(written), "Bridges", "The bridge was opened in 1932.", "1932") == question


RECORDS: list[dict[str, Any]] = [
    {"question": "How long is leave?", "verdict": "up", "short": "14", "citations": [{"quote": "It is 14."}]},
    {"question": "Who books?", "verdict": "up", "answer": "It does.", "citations": [{"quote": "It does."}]},
    {"question": "Which wine?", "verdict": "up", "abstained": True, "at": "2026-11-27"},
    {"question": "When is it?", "verdict": "down", "short": "noon", "correct": "at ten"},
    {"question": "And why?", "verdict": "down", "answer": "So."},
    {"question": "Where?", "verdict": "down", "citations": [{"quote": "Here."}], "passages": ["There."]},
    {"question": "Whose?", "verdict": "down", "correct": "ours", "passages": ["It is ours."]},
    {"question": "Whom?", "verdict": "up", "short": "us", "passages": ["Ask us."]},
    {"question": "Twice asked?", "verdict": "up", "short": "yes"},
    {"question": "twice  asked", "verdict": "down"},
]  # fmt: skip


def test_feedback_becomes_labels(tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in RECORDS))
    told = read_feedback(path)
    assert [(each.text, each.answers, each.passages) for each in told.questions] == [
        ("How long is leave?", ("14",), ("It is 14.",)),
        ("Who books?", None, ("It does.",)),
        ("Which wine?", (), ()),
        ("When is it?", ("at ten",), ()),
        ("Where?", None, ("There.",)),
        ("Whose?", ("ours",), ("It is ours.",)),
        ("Whom?", ("us",), ("Ask us.",)),
    ]
    assert told.unlabelled == 2
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(as_line(each)) + "\n" for each in told.questions))
    assert read_questions(tmp_path / "q.jsonl").questions == told.questions


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[]", "line 1: it isn't a JSON object"),
        ('{"verdict": "up"}', "line 1: it has no `question`"),
        ('{"question": "a"}', "line 1: its `verdict` isn't up or down"),
        ('{"question": "a", "verdict": "up", "citations": [{}]}', "one of its `citations` has no `quote`"),
        ('{"question": "a", "verdict": "up", "citations": {}}', "aren't a list"),
        ('{"question": "a", "verdict": "down", "correct": 5}', "its `correct` isn't a text"),
        ('{"question": "a", "verdict": "down", "passages": "b"}', "its `passages` aren't a list of texts"),
        ("{", "line 1: it isn't JSON"),
    ],
)
def test_broken_feedback_is_told_by_its_line(line: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "feedback.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(InputError, match=said):
        read_feedback(path)


def test_by_command(folder: Path) -> None:
    command = ("questions", "--count", "3", "--off-topic", "2", "--out", "q.jsonl", "--allow", "own.py")
    done = ragbraid(*command, cwd=folder)
    assert done.returncode == 0, done
    lines = [json.loads(each) for each in (folder / "q.jsonl").read_text("utf-8").splitlines()]
    assert f"{len(lines)} questions in q.jsonl.\n" == done.stdout
    assert "lead back." in done.stderr
    assert [each["answers"] for each in lines[-2:]] == [[], []]
    assert all(each["from"].startswith("docs/") for each in lines[:-2])
    (folder / "feedback.jsonl").write_text("".join(json.dumps(each) + "\n" for each in RECORDS))
    done = ragbraid("questions", "--feedback", "feedback.jsonl", cwd=folder)
    assert len(done.stdout.splitlines()) == 7
    assert "2 questions left out: nobody said what would be right." in done.stderr
    says(ragbraid("questions", "docs", "--feedback", "feedback.jsonl", cwd=folder), 2, "don't go together")


def test_a_line_of_a_question_set() -> None:
    assert as_line(Question("1", "a?", ("b",), passages=("c",)), "d.md") == {
        "id": "1", "question": "a?", "answers": ["b"], "passages": ["c"], "from": "d.md",
    }  # fmt: skip
