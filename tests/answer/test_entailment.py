"""Whether a sentence follows from its passage: by a model of random weights, and in `compose`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from ragbraid import Pipeline
from ragbraid.answer.compose import Compose
from ragbraid.answer.entailment import Entailment
from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, ModelError, ModelMissing
from ragbraid.testing.answerer import DOCUMENTS, hits_of
from ragbraid.testing.echo_generator import ScriptedGenerator
from ragbraid.types import ModelName
from tiny_models import make_cross_encoder

PAIRS = [("a b c", "a b"), ("x y z", "a b"), ("a b c", "c"), ("d " * 200, "d")]


def nli(folder: Path, *names: str) -> Path:
    made = make_cross_encoder(folder, labels=len(names))
    config = json.loads((made / "config.json").read_text())
    config["id2label"] = {str(at): name for at, name in enumerate(names)}
    config["label2id"] = {name: at for at, name in enumerate(names)}
    (made / "config.json").write_text(json.dumps(config))
    return made


def test_gives_the_probability_of_the_label_called_entailment(tmp_path: Path) -> None:
    orders = [("contradiction", "ENTAILMENT", "neutral"), ("entailment", "contradiction", "neutral")]
    found = []
    for at, names in enumerate(orders):
        runtime = Entailment(ModelName(str(nli(tmp_path / str(at), *names)))).open()
        assert runtime.entailed([]) == []
        found.append(runtime.entailed(PAIRS))
        assert runtime.entailed(PAIRS) == found[-1]
        assert [runtime.entailed([each])[0] for each in PAIRS] == pytest.approx(found[-1], abs=1e-5)
        runtime.close()
    assert all(0 < each < 1 for each in [*found[0], *found[1]])
    assert len(set(found[0])) == len(PAIRS)
    assert all(one + other < 1 for one, other in zip(*found, strict=True)), "two labels of one distribution"


def test_a_model_without_that_label_is_told(tmp_path: Path) -> None:
    runtime = Entailment(ModelName(str(nli(tmp_path / "m", "LABEL_0", "LABEL_1")))).open()
    with pytest.raises(ModelError, match="no label called entailment: it has label_0, label_1"):
        runtime.warm_up()
    with pytest.raises(ModelMissing):
        Entailment(ModelName("none/such")).open().entailed(PAIRS)


def test_stops_when_cancelled(tmp_path: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    runtime = Entailment(ModelName(str(nli(tmp_path / "m", "entailment", "other")))).open()
    with pytest.raises(Cancelled):
        runtime.entailed(PAIRS, context=Context(cancellation))


class Doubting:
    """Believes all but what names a word; notes what it was asked."""

    def __init__(self, doubted: str) -> None:
        self.doubted = doubted
        self.asked: list[tuple[str, str]] = []

    def entailed(self, pairs: Sequence[tuple[str, str]], *, context: Context | None = None) -> list[float]:
        self.asked += pairs
        return [0.1 if self.doubted in claim else 0.9 for _, claim in pairs]


PROSE = "Iron melts at fifteen hundred degrees [2]. Water boils at one hundred degrees [1]."


def test_what_does_not_follow_is_left_out_of_the_prose() -> None:
    entailer, context = Doubting("Iron"), Context()
    compose = Compose(ScriptedGenerator((PROSE,)).open(), entailment=entailer)
    answer = compose("When does iron melt?", hits_of(DOCUMENTS), context)
    assert answer.text == "Water boils at one hundred degrees [1]."
    (left_out,) = context.notes["unsupported"]
    assert left_out["why"] == [["entailment", "0.10"]]
    premises = [premise for premise, claim in entailer.asked if claim.startswith("Water")]
    assert all("Water boils at one hundred degrees." in each for each in premises)


def test_what_fails_otherwise_is_not_asked_about() -> None:
    entailer = Doubting("nothing")
    lie = "Iron melts at ninety thousand degrees [2]. Cats sing in every old opera house [1]."
    compose = Compose(ScriptedGenerator((lie,)).open(), entailment=entailer)
    assert compose("When does iron melt?", hits_of(DOCUMENTS), Context()).abstained
    assert entailer.asked == []


def test_in_a_pipeline_file(tmp_path: Path) -> None:
    model = nli(tmp_path / "nli", "entailment", "neutral", "contradiction")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Parental leave is 14 months.")
    (tmp_path / "ragbraid.yaml").write_text(f"""\
ragbraid: 1
components:
  index: {{type: testing/list-index}}
  generator: {{type: testing/echo-generator}}
  entails: {{type: entailment, model: {model}}}
ingest: [{{type: files}}, {{type: recursive-splitter, max_tokens: 60}}, index]
search: [{{type: lexical, index: index}}]
ask: [search, {{type: compose, generator: generator, entailment: entails, unsupported: mark}}]
""")
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        pipeline.ingest(tmp_path / "docs")
        answer = pipeline.ask("How long is parental leave?")
    assert any(each.step.endswith("/entailed") for each in answer.trace)
