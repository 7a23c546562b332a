"""What a recording holds, and what a replay says of a pipeline that has changed since."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import run_parts
import yaml
from run_parts import Say, hit

from ragbraid import InputError, Pipeline
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.recording.compare import Comparison, compare
from ragbraid.pipeline.recording.values import Recording
from ragbraid.secret import Secret
from ragbraid.types import Answer, Hit

QUESTION = "How long is parental leave?"
TEXTS = {
    "leave.txt": "Parental leave is 14 months, shared between both parents.",
    "travel.txt": "Trains are booked in second class, flights with consent.",
    "meals.txt": "A meal allowance of 28 euros is paid for each full day of leave from home.",
}
PIPELINE = {
    "ragbraid": 1,
    "components": {
        "embedder": {"type": "testing/hash-embedder"},
        "index": {"type": "testing/list-index", "embedder": "embedder"},
        "generator": {"type": "testing/echo-generator"},
    },
    "ingest": [{"type": "files"}, {"type": "testing/fixed-splitter", "words": 2}, "index"],
    "search": [
        {"type": "dense", "index": "index"},
        {"type": "lexical", "index": "index"},
        {"type": "rrf", "hits": ["dense", "lexical"]},
    ],
    "ask": ["search", {"type": "compose", "generator": "generator"}],
}
load_parts = partial(run_parts.load, allow="test_recordings")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ragbraid.yaml").write_text(yaml.safe_dump(PIPELINE, sort_keys=False), "utf-8")
    (tmp_path / "docs").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "docs" / name).write_text(text, "utf-8")
    return tmp_path


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def pipeline(folder: Path, engine: Engine) -> Iterator[Pipeline]:
    with Pipeline.load(folder / "ragbraid.yaml", engine=engine) as loaded:
        loaded.ingest(folder / "docs")
        yield loaded


def replayed(recording: Recording, folder: Path, engine: Engine, **settings: Any) -> Comparison:
    with Pipeline.load(folder / "ragbraid.yaml", engine=engine, set=settings["set"]) as changed:
        return recording.replay(changed)


def named(comparison: Comparison) -> list[tuple[str, str]]:
    return [(each.stage, each.step) for each in comparison.differences]


def test_a_recording_has_what_each_step_gave(pipeline: Pipeline) -> None:
    recording = pipeline.record(QUESTION, collection="default")
    answer = pipeline.ask(QUESTION)
    assert recording.answer == answer
    assert [each.step for each in recording.steps] == [
        "search.dense", "search.lexical", "search.rrf", "compose"
    ]  # fmt: skip
    assert [each.stage for each in recording.steps] == ["retrieval", "retrieval", "ranking", "answer"]
    fused = recording.steps[2].hits or ()
    assert fused[:10] == answer.hits
    assert set(fused[0].scores) == {"dense", "lexical", "rrf"}
    (generation,) = recording.steps[3].generations
    assert fused[0].text in generation.request.prompt[-1].content
    assert (generation.request.seed, generation.request.temperature) == (0, 0.0)
    assert generation.completion is not None
    assert recording.chunks == 18
    assert set(recording.documents) == {f"docs/{name}" for name in TEXTS}
    assert {"search.dense", "compose/stream"} <= {each.step for each in recording.trace}
    assert {"ragbraid", "python", "platform", "numpy"} <= set(recording.versions)


def test_a_saved_recording_is_read_as_it_was_and_replays_equal(pipeline: Pipeline, tmp_path: Path) -> None:
    recording = pipeline.record(QUESTION, filter={"title": "x"}, history=[])
    recording.save(tmp_path / "kept.json")
    read = Recording.load(tmp_path / "kept.json")
    assert (read, read.trace) == (recording, recording.trace)
    comparison = read.replay(pipeline)
    assert (comparison.equal, comparison.cause, comparison.changes) == (True, None, ())


@pytest.mark.parametrize(
    ("setting", "value", "cause"),
    [
        ("search.dense.candidates", 10, ("retrieval", "search.dense")),
        ("search.rrf.constant", 1, ("ranking", "search.rrf")),
        ("ask.compose.passages", 1, ("prompt", "compose")),
        ("ask.compose.max_tokens", 3, ("model", "compose")),
    ],
)
def test_a_replay_names_the_first_stage_that_differs(
    pipeline: Pipeline, folder: Path, engine: Engine, setting: str, value: int, cause: tuple[str, str]
) -> None:
    comparison = replayed(pipeline.record(QUESTION), folder, engine, set={setting: value})
    first = comparison.cause
    assert first is not None
    assert (first.stage, first.step) == cause
    (change,) = first.settings
    assert (change.name, change.now) == (setting.removeprefix("ask."), value)
    assert first.settings == comparison.changes


def test_a_replay_tells_of_hits_prompts_and_words(pipeline: Pipeline, folder: Path, engine: Engine) -> None:
    recording = pipeline.record(QUESTION)
    dense, *_ = replayed(recording, folder, engine, set={"search.dense.candidates": 15}).differences
    assert [(each.was, each.now, each.document) for each in dense.hits] == [
        (16, None, "same"), (17, None, "same"), (18, None, "same")
    ]  # fmt: skip
    ranked = replayed(recording, folder, engine, set={"search.rrf.constant": 1}).differences[0]
    assert all(each.was and each.now and each.score_was != each.score_now for each in ranked.hits)
    assert len(ranked.hits) == 18
    prompt = replayed(recording, folder, engine, set={"ask.compose.passages": 1}).differences[0]
    lost = recording.steps[2].hits[2].text  # type: ignore[index]
    assert f"-[3] {lost}" in prompt.diff.splitlines()
    model, answer = replayed(recording, folder, engine, set={"ask.compose.max_tokens": 3}).differences
    assert [each.name for each in model.values] == ["max_tokens", "completion", "finish_reason"]
    assert (answer.stage, answer.step, answer.values[0].name) == ("answer", "compose", "text")


def test_documents_that_changed_are_told(pipeline: Pipeline, folder: Path) -> None:
    recording = pipeline.record(QUESTION)
    (folder / "docs" / "leave.txt").write_text("Parental leave is 16 months now.", "utf-8")
    (folder / "docs" / "meals.txt").unlink()
    pipeline.ingest(folder / "docs", prune=True)
    comparison = recording.replay(pipeline)
    changes = {each.name: each for each in comparison.changes}
    assert set(changes) == {"document docs/leave.txt", "document docs/meals.txt", "chunks in the index"}
    assert (changes["document docs/meals.txt"].now, changes["chunks in the index"].now) == ("", 8)
    assert comparison.cause is not None
    states = {each.source: each.document for each in comparison.cause.hits}
    assert states == {"docs/leave.txt": "changed", "docs/meals.txt": "gone"}


def test_a_step_that_is_no_more_is_the_cause(pipeline: Pipeline, folder: Path, engine: Engine) -> None:
    recording = pipeline.record(QUESTION)
    shorter = {**PIPELINE, "search": [{"type": "dense", "index": "index"}]}
    (folder / "ragbraid.yaml").write_text(yaml.safe_dump(shorter), "utf-8")
    comparison = replayed(recording, folder, engine, set={})
    assert named(comparison)[:2] == [("retrieval", "search.lexical"), ("ranking", "search.rrf")]
    (change,) = comparison.differences[0].values
    assert (change.was, change.now) == ("run", "not run")


def all_but_the_best(hits: list[Hit]) -> list[Hit]:
    """A ranking that leaves out the first hit."""
    return hits[1:]


def test_a_new_ranking_tells_what_it_makes_of_its_hits(
    pipeline: Pipeline, folder: Path, engine: Engine
) -> None:
    recording = pipeline.record(QUESTION)
    longer = {**PIPELINE, "search": [*PIPELINE["search"], {"type": "test_recordings:all_but_the_best"}]}  # type: ignore[misc]
    (folder / "ragbraid.yaml").write_text(yaml.safe_dump(longer), "utf-8")
    with Pipeline.load(folder / "ragbraid.yaml", engine=engine, allow=["test_recordings"]) as loaded:
        cause = recording.replay(loaded).cause
    assert cause is not None
    assert (cause.stage, cause.step) == ("ranking", "search.all_but_the_best")
    (lost,) = cause.hits
    ranked = recording.steps[2].hits or ()
    assert (lost.id, lost.was, lost.now) == (ranked[0].id, 1, None)
    (change,) = cause.values
    assert (change.was, change.now) == ("not run", "run")


def test_a_new_fusion_is_not_compared_with_one_of_what_it_takes(
    pipeline: Pipeline, folder: Path, engine: Engine
) -> None:
    alone = {**PIPELINE, "search": [{"type": "lexical", "index": "index"}]}
    (folder / "ragbraid.yaml").write_text(yaml.safe_dump(alone), "utf-8")
    with Pipeline.load(folder / "ragbraid.yaml", engine=engine) as loaded:
        recording = loaded.record(QUESTION)
    differences = {each.step: each for each in recording.replay(pipeline).differences}
    assert differences["search.rrf"].hits == ()


def test_a_generator_that_is_asked_no_more_is_told(pipeline: Pipeline, folder: Path, engine: Engine) -> None:
    quote = {"type": "quote", "generator": "generator", "abstain": "never"}
    (folder / "ragbraid.yaml").write_text(yaml.safe_dump({**PIPELINE, "ask": ["search", quote]}), "utf-8")
    with Pipeline.load(folder / "ragbraid.yaml", engine=engine) as loaded:
        recording = loaded.record(QUESTION)
    prompt, answer = replayed(recording, folder, engine, set={"ask.quote.short": False}).differences
    assert (prompt.stage, prompt.values[0].was, prompt.values[0].now) == ("prompt", "asked", "not asked")
    assert [each.name for each in answer.values] == ["short"]


def test_steps_side_by_side_and_rounds_are_kept_in_the_plans_order(tmp_path: Path) -> None:
    flow = [
        {"type": "run_parts:BlockingFind", "id": "one"},
        {"type": "run_parts:BlockingFind", "id": "two", "seed": 1},
        {"type": "run_parts:Fuse", "hits": ["one", "two"]},
        {"repeat": "shorten", "until": {"type": "run_parts:few"}, "at_most": 3},
    ]
    flows = {"shorten": {"inputs": {"hits": "hits"}, "steps": [{"type": "run_parts:Trim"}]}}
    ask = ["search", {"type": "run_parts:Say"}]
    with load_parts(tmp_path, {"flows": flows, "search": flow, "ask": ask}) as loaded:
        recording = loaded.record("q")
        names = [each.step for each in recording.steps]
        assert names[:3] == ["search.one", "search.two", "search.Fuse"]
        assert names[-1] == "Say"
        rounds = [each.hits for each in recording.steps if each.step.endswith("Trim")]
        assert len(rounds) == 3
        assert [len(each) for each in rounds] == sorted((len(each) for each in rounds), reverse=True)  # type: ignore[arg-type]
        assert len({len(each) for each in rounds}) == 3  # type: ignore[arg-type]
        assert recording.replay(loaded).equal


def test_a_question_that_failed_is_kept_with_the_step(tmp_path: Path) -> None:
    rank = {"type": "run_parts:Rank", "fails": "bad"}
    steps = [{"type": "run_parts:Find"}, rank, {"type": "run_parts:Say"}]
    with load_parts(tmp_path, {"ask": steps}) as loaded:
        recording = loaded.record("a bad question")
        assert recording.answer is None
        assert recording.error is not None
        assert (recording.error.step, recording.error.error) == ("Rank", "StepError")
        assert "bad was met" in recording.error.message
        assert [each.step for each in recording.steps] == ["Find", "Rank"]
        assert recording.replay(loaded).equal
    rank["fails"] = ""
    with load_parts(tmp_path, {"ask": steps}) as mended:
        comparison = recording.replay(mended)
    assert named(comparison) == [("ranking", "Rank")]
    (change,) = comparison.differences[0].values
    assert (change.name, change.now) == ("error", None)


def test_a_deadline_is_kept_and_recorded(tmp_path: Path) -> None:
    steps = [{"type": "run_parts:Find"}, {"type": "run_parts:Wait", "seconds": 30}, {"type": "run_parts:Say"}]
    with load_parts(tmp_path, {"ask": steps}) as loaded:
        recording = loaded.record("q", timeout=0.1)
    assert recording.error is not None
    assert recording.error.error == "DeadlineExceeded"
    assert [each.step for each in recording.steps][:1] == ["Find"]


def test_what_cannot_be_asked_is_not_recorded(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="question"):
        pipeline.record("  ")


@dataclass(frozen=True, slots=True)
class Telling:
    """Says what it must not, and scores that are no numbers."""

    key: Secret | None = None
    pin: Secret | None = None

    def __call__(self, question: str, hits: list[Hit]) -> Answer:
        assert self.key is not None
        text = f"The key is {self.key.reveal()} \udc80"
        return replace(Say()(question, hits), text=text, confidence=math.nan)


def odd(question: str) -> list[Hit]:
    """Finds hits with scores that are no numbers."""
    return [hit("a", math.nan), hit("b", -math.inf)]


def test_secrets_are_in_no_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN_OF_TEST", "hunter2-hunter2")
    for written in ("key-12345678", '"key-1234567\\u0038"', "${TOKEN_OF_TEST}", "pass#${TOKEN_OF_TEST}"):
        text = (
            "ragbraid: 1\nask:\n  - {type: 'test_recordings:odd'}\n"
            f"  - type: test_recordings:Telling\n    pin: xyz\n    key: {written}\n"
        )
        path = tmp_path / "secret.yaml"
        path.write_text(text, "utf-8")
        with Pipeline.load(path, allow=["test_recordings"]) as loaded:
            recording = loaded.record("q")
            recording.save(tmp_path / "kept.json", force=True)
            kept = (tmp_path / "kept.json").read_text("utf-8")
            for secret in ("key-12345678", "hunter2", "xyz"):
                assert secret not in kept + repr(recording)
            assert recording.answer is not None
            assert recording.answer.text == "The key is <secret> \udc80"
            assert ("TOKEN_OF_TEST" in recording.pipeline.text) == ("TOKEN_OF_TEST" in written)
            assert Recording.load(tmp_path / "kept.json").replay(loaded).equal


def test_secrets_that_an_override_replaces_are_in_no_recording(tmp_path: Path) -> None:
    steps = [{"type": "test_recordings:odd"}, {"type": "test_recordings:Telling", "key": "key-12345678"}]
    (tmp_path / "secret.yaml").write_text(yaml.safe_dump({"ragbraid": 1, "ask": steps}), "utf-8")
    settings = {"ask.Telling.key": "other-12345678"}
    with Pipeline.load(tmp_path / "secret.yaml", allow=["test_recordings"], set=settings) as loaded:
        recording = loaded.record("q")
    assert "12345678" not in repr(recording)
    assert recording.pipeline.kept_overrides() == {}


def test_scores_that_are_no_numbers_are_kept_as_json_has_them(tmp_path: Path) -> None:
    steps = [{"type": "test_recordings:odd"}, {"type": "run_parts:Say"}]
    with load_parts(tmp_path, {"ask": steps}) as loaded:
        loaded.record("q").save(tmp_path / "kept.json")
    json.loads((tmp_path / "kept.json").read_bytes(), parse_constant=pytest.fail)
    first, second = Recording.load(tmp_path / "kept.json").steps[0].hits or ()
    assert math.isnan(first.score)
    assert second.score == -math.inf


def test_scores_may_differ_in_their_last_digits(pipeline: Pipeline) -> None:
    recording = pipeline.record(QUESTION)

    def shifted(by: float) -> Recording:
        hits = [replace(each, score=each.score * (1 + by)) for each in recording.steps[0].hits or ()]
        return replace(recording, steps=(replace(recording.steps[0], hits=tuple(hits)), *recording.steps[1:]))

    assert compare(recording, shifted(1e-6)).equal
    assert named(compare(recording, shifted(1e-2))) == [("retrieval", "search.dense")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"ragbraid_recording": 2}', "format 2, and this ragbraid reads format 1"),
        ('{"ragbraid_recording": 1, "question": 5}', "damaged at question"),
        ('{"ragbraid_recording": 1', "isn't JSON"),
        ("[" * 100_000, "isn't JSON"),
        ("\udcff", "isn't JSON"),
        ("{}", "is no recording"),
        ("[1]", "is no recording"),
    ],
)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "odd.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match=words):
        Recording.load(tmp_path / "odd.json")


def test_files_are_written_in_whole_and_never_over_another(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, path = pipeline.record(QUESTION), tmp_path / "out" / "kept.json"
    with pytest.raises(InputError, match="no folder"):
        recording.save(path)
    path.parent.mkdir()
    path.write_text("mine", "utf-8")
    with pytest.raises(InputError, match="exists"):
        recording.save(path)
    with pytest.raises(InputError, match="folder"):
        recording.save(path.parent, force=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            recording.save(path, force=True)
    assert path.read_text("utf-8") == "mine"
    assert list(path.parent.iterdir()) == [path]
    recording.save(path, force=True)
    assert Recording.load(path) == recording


def test_a_quoting_step_tells_what_it_weighed(folder: Path, engine: Engine, pipeline: Pipeline) -> None:
    quoting = {**PIPELINE, "ask": ["search", {"type": "quote", "abstain": "never"}]}
    (folder / "ragbraid.yaml").write_text(yaml.safe_dump(quoting), "utf-8")
    with Pipeline.load(folder / "ragbraid.yaml", engine=engine) as loaded:
        recording = loaded.record(QUESTION)
        assert recording.answer == loaded.ask(QUESTION)
    chosen = [each for each in recording.candidates if each.chosen]
    assert [(each.source, each.start, each.end, each.text) for each in chosen] == [
        (each.source, each.start, each.end, each.quote) for each in recording.answer.citations
    ]
    assert recording.answer is not None
    assert sum(each.score for each in recording.candidates) == pytest.approx(1)
    assert [each.score for each in recording.candidates] == sorted(
        (each.score for each in recording.candidates), reverse=True
    )
