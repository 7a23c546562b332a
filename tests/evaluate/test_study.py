"""A study end to end: a family is trained here on a task of copying, and its curve rises."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from commandline import ragbraid, says
from copying_family import COLOURS, PEOPLE, SAVED, train_family
from pyarrow import parquet

from ragbraid import Pipeline
from ragbraid.errors import InputError, ModelMissing
from ragbraid.evaluate.questions import Question
from ragbraid.evaluate.study.checkpoints import Checkpoint, checkpoints
from ragbraid.evaluate.study.contexts import DISTRACTORS, FOUND, GOLD, NONE, Asked, asked
from ragbraid.evaluate.study.experts import routed, save_experts, shares
from ragbraid.evaluate.study.report import conclusion, read_published, save_report
from ragbraid.evaluate.study.run import Row, study
from ragbraid.evaluate.study.summary import cells
from ragbraid.generate.openmoe import OpenMoe
from ragbraid.types import ModelName
from tiny_openmoe import make_openmoe

FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: index}
ingest: [{type: files}, {type: recursive-splitter, max_tokens: 40}, index]
search: [{type: lexical, index: index, candidates: 30}]
"""
PUBLISHED = """\
model,shots,step,task,metric,value
family,zero-shot,0,sciq,acc,0.2
family,zero-shot,400,sciq,acc,0.6
family,five-shot,400,sciq,acc,0.7
other,zero-shot,400,sciq,acc,0.9
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("study")
    train_family(made / "family")
    (made / "ragbraid.yaml").write_text(FILE, "utf-8")
    (made / "docs").mkdir()
    rows = []
    for person, colour in zip(PEOPLE, COLOURS, strict=True):
        (made / "docs" / f"{person}.md").write_text(f"{person} holds {colour}\n", "utf-8")
        rows.append({"question": f"{person} holds what", "answers": [colour]})
    rows.append({"question": "Zoe holds what", "answers": ["violet"]})
    (made / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (made / "evals.csv").write_text(PUBLISHED, "utf-8")
    with Pipeline.load(made / "ragbraid.yaml") as pipeline:
        pipeline.ingest(made / "docs")
    return made


def test_the_gain_of_the_right_passage_rises_in_training(folder: Path) -> None:
    arguments = (
        "study", "pythia", "questions.jsonl", "--model", "family", "-k", "2", "--out", "study.jsonl",
        "--json",
    )  # fmt: skip
    written = ("--report", "report.html", "--table", "rows.parquet", "--published", "evals.csv")
    done = ragbraid(*arguments, *written, cwd=folder)
    assert done.returncode == 0, done
    told = json.loads(done.stdout)
    assert told["questions"] == len(PEOPLE)  # nobody knows what Zoe holds
    gain = {(each["step"], each["context"]): each["gain"] for each in told["cells"]}
    copied = {(each["step"], each["context"]): each["copied"] for each in told["cells"] if each["copied"]}
    assert abs(gain[0, GOLD]["value"]) < 0.2
    assert gain[400, GOLD]["value"] > max(1.0, gain[0, GOLD]["value"] + 1)
    assert gain[400, GOLD]["low"] > 0.5
    assert gain[400, DISTRACTORS]["value"] < 0 < gain[400, FOUND]["value"]
    assert copied[400, GOLD]["value"] > copied[0, GOLD]["value"] + 0.5
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("<svg") == 4  # steps three times, and what is published; one size has no curve
    assert "<li>family uses the gold passage from step " in page
    assert "Published accuracies" in page
    table = parquet.read_table(folder / "rows.parquet")
    assert table.num_rows == len(SAVED) * len(PEOPLE) * 6
    assert set(table.column("context").to_pylist()) == {NONE, GOLD, FOUND, DISTRACTORS, "gold@1", "gold@2"}
    kept = (folder / "study.jsonl").read_bytes()
    (folder / "study.jsonl").write_bytes(
        kept[: kept.rindex(b"{", 0, -9000) - 3]
    )  # the last one was being written
    again = ragbraid(*arguments, cwd=folder)
    assert json.loads(again.stdout) == told
    assert (folder / "study.jsonl").read_bytes() == kept


def test_another_studys_file_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "other.jsonl"
    family = checkpoints([str(folder / "family")], [0])
    one = Asked("1", "Anna holds what", ("red",), {NONE: (), GOLD: ("Anna holds red",)})
    study(family, [one], out=out)
    with pytest.raises(InputError, match="is of another study"):
        study(family, [Asked("1", "Ben holds what", ("red",), one.contexts)], out=out)
    out.write_text("nonsense\n", "utf-8")
    with pytest.raises(InputError, match="isn't a study"):
        study(family, [one], out=out)


def test_contexts_hold_what_they_say() -> None:
    hits = ["Ben holds blue", "It is red", "Cleo holds green", "Dan holds black"]
    questions = [
        Question("1", "what", ("red",)),
        Question("2", "what", ()),
        Question("3", "what", ("violet",)),
    ]
    (found,), left_out = asked(questions, lambda _, count: hits[:count], 3)
    assert left_out == 2
    assert found.contexts == {
        NONE: (),
        GOLD: ("It is red",),
        FOUND: ("Ben holds blue", "It is red", "Cleo holds green"),
        DISTRACTORS: ("Ben holds blue", "Cleo holds green", "Dan holds black"),
        "gold@1": ("It is red", "Ben holds blue", "Cleo holds green"),
        "gold@2": ("Ben holds blue", "It is red", "Cleo holds green"),
        "gold@3": ("Ben holds blue", "Cleo holds green", "It is red"),
    }
    assert found.prompt(GOLD) == "It is red\n\nQuestion: what\nAnswer:"
    assert found.prompt(NONE) == "Question: what\nAnswer:"


def test_checkpoints_are_folders_or_revisions(folder: Path) -> None:
    family = checkpoints([str(folder / "family")], [])
    assert [each.step for each in family] == list(SAVED)
    assert all(each.parameters > 50_000 for each in family)
    assert checkpoints(["o/pythia-70m", "o/pythia-70m"], [1000, 0, 0]) == [
        Checkpoint("pythia-70m", 0, "o/pythia-70m", "step0"),
        Checkpoint("pythia-70m", 1000, "o/pythia-70m", "step1000"),
    ]
    for models, steps, said in (
        ([str(folder / "family")], [7], "has no step 7"),
        (["o/m"], [], "No steps of o/m"),
        ([str(folder / "docs")], [], "no checkpoint"),
        (["a/m", "b/m"], [1], "Two models are called m"),
    ):
        with pytest.raises(InputError, match=said):
            checkpoints(models, steps)


def test_a_checkpoint_that_is_missing_is_told_before_any_is_measured(folder: Path, tmp_path: Path) -> None:
    family = [*checkpoints([str(folder / "family")], [0]), *checkpoints(["o/m"], [5])]
    with pytest.raises(ModelMissing, match="The revision step5 of o/m isn't on this machine"):
        study(family, [Asked("1", "what", ("red",), {NONE: ()})], out=tmp_path / "rows.jsonl")
    assert not (tmp_path / "rows.jsonl").exists()


def test_what_is_published_is_read_as_a_users_file(folder: Path) -> None:
    rows = read_published(folder / "evals.csv", ["family"])
    assert [(each["step"], each["value"]) for each in rows] == [(0, 0.2), (400, 0.6)]
    with pytest.raises(InputError, match="other columns"):
        read_published(folder / "questions.jsonl", ["family"])


def test_sizes_have_a_curve_and_many_steps_a_readable_axis(tmp_path: Path) -> None:
    rows = [
        Row(model, size, step, str(question), context, step * (context == GOLD) / size - question, None, "")
        for model, size in (("small", 1000), ("large", 9000))
        for step in (0, *range(1000, 144_000, 11_000))
        for question in range(2)
        for context in (NONE, GOLD)
    ]
    save_report(tmp_path / "page.html", cells(rows), name="q", questions=2)
    page = (tmp_path / "page.html").read_text("utf-8")
    plots, figures = page.split("<h2>Figures</h2>")
    assert plots.count("<svg") == 4
    assert "Gain at the last step, by size" in plots
    assert ">100,000<" in plots
    assert ">12,000<" not in plots
    assert ">12,000<" in figures
    assert "<li>large uses the gold passage from step 1,000 on; at the last step it gains 14.78" in page


def test_a_model_that_makes_nothing_of_its_context_is_told_so(folder: Path) -> None:
    one = Asked("1", "Anna holds what", ("red",), {NONE: (), GOLD: ("Ben holds blue",)})
    found = cells(study(checkpoints([str(folder / "family")], [400]), [one]))
    assert conclusion(found) == ["family makes nothing of the gold passage yet."]


def test_questions_that_cannot_be_studied_are_a_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text('{"question": "Zoe holds what", "answers": ["violet"]}\n', "utf-8")
    done = ragbraid("study", "pythia", str(tmp_path / "none.jsonl"), "--model", "family", cwd=folder)
    says(done, 2, "None of none.jsonl's questions can be studied.")


def test_experts_by_kinds_of_questions(tmp_path: Path) -> None:
    make_openmoe(tmp_path / "moe")
    questions = [
        Question(str(at), text) for at, text in enumerate(("Who is it?", "And how far?", "Tell me.", "How?"))
    ]
    with closing(OpenMoe(ModelName(str(tmp_path / "moe"))).open()) as runtime:
        found = list(routed(runtime, questions, 3))
        assert [each.kind for each in found] == ["who", "how", "other", "how"]
        assert np.sum(found[0].chosen) == 2 * 2 * runtime.count_tokens("Who is it?")
    assert all(0 <= each.drop_rate < 1 for each in found)
    by_layer = {(each["kind"], each["layer"]): 0.0 for each in shares(found)}
    for each in shares(found):
        by_layer[each["kind"], each["layer"]] += each["share"]
    assert list(by_layer.values()) == pytest.approx([1.0] * 6)
    save_experts(tmp_path / "experts.html", found, "questions")
    assert (tmp_path / "experts.html").read_text("utf-8").count("<svg") == 2
