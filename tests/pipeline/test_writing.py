"""What a pipeline is written as: a file that says the same, whatever was in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import parts
import pytest
import run_parts
from hypothesis import given, settings
from hypothesis import strategies as st
from language import HERE
from round_trip import demand_round_trip, described
from run_graphs import Graphs

from ragbraid import InputError, Pipeline
from ragbraid.components import OpenAi
from ragbraid.pipeline.check import CheckedPipeline, check
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.find import PipelineSource
from ragbraid.secret import Secret
from ragbraid.types import Hit
from soaking import count

SHIPPED = sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml"))


def build(**sections: Any) -> CheckedPipeline:
    return Pipeline.build(base=HERE, engine=Engine(), **sections)._checked


@pytest.mark.parametrize("seed", range(count(60, 500)))
def test_random_pipelines_survive(seed: int) -> None:
    sections = Graphs(seed).file()
    built = Pipeline.build(base=HERE, allow=("run_parts",), engine=Engine(), **sections)._checked
    text = demand_round_trip(built, allow=("run_parts",))
    written = check(PipelineSource(text, "file.yaml", HERE), allow=("run_parts",)).pipeline
    assert written is not None
    assert described(written) == described(built)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_ready_pipelines_survive(file: Path) -> None:
    demand_round_trip(Pipeline.load(file, engine=Engine())._checked)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
def test_any_setting_survives(names: list[str], ratio: float, on: bool) -> None:
    escaped = tuple(each.replace("$", "$$") for each in names)
    component = parts.Keyed(names=escaped, ratio=ratio, on=on)
    built = build(components={"keyed": component}, search=[run_parts.Find()])
    kept = parts.Keyed(names=tuple(names), ratio=ratio, on=on, path=HERE / "here")
    assert built.components["keyed"] == kept
    demand_round_trip(built, allow=("parts", "run_parts"))


@settings(deadline=None)
@given(TEXTS, st.dictionaries(TEXTS, JSON, max_size=4))
def test_any_section_survives(name: str, values: dict[str, Any]) -> None:
    own = {"x-own": values}  # where a dollar is a dollar
    measured, served = {"questions": name}, {"origins": [name], "running": 3}
    built = build(search=[run_parts.Find()], eval=_escaped(measured), serve=_escaped(served), **own)
    assert built.sections["eval"] == measured
    assert built.sections["serve"] == {"origins": (name,), "running": 3}
    demand_round_trip(built, allow=("run_parts",))


def _escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def test_code_of_a_running_script_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    import __main__

    def shout(hits: list[Hit]) -> list[Hit]:
        return hits

    shout.__module__, shout.__qualname__ = "__main__", "shout"
    monkeypatch.setattr(__main__, "shout", shout, raising=False)
    pipeline = Pipeline.build(search=[run_parts.Find(), shout], engine=Engine())
    with pytest.raises(InputError, match=r"^shout is defined in the running script"):
        pipeline.to_yaml()


def test_secrets_are_variables_or_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    for key in (Secret("${MY_KEY}"), "${MY_KEY}"):
        server = {"type": OpenAi, "base_url": "http://localhost/v1", "model": "m", "api_key": key}
        built = build(components={"server": server}, search=[run_parts.Find()])
        assert built.components["server"].api_key == Secret("sk-very-secret")
        assert '"${MY_KEY}"' in demand_round_trip(built, allow=("run_parts",))
    server = OpenAi(base_url="http://localhost/v1", model="m", api_key=Secret("sk-very-secret"))
    pipeline = Pipeline.build(components={"server": server}, search=[run_parts.Find()], engine=Engine())
    assert pipeline._checked.components["server"] == server
    with pytest.raises(InputError, match=r"^api_key of 'openai' is a secret, and") as caught:
        pipeline.to_yaml()
    assert "very-secret" not in str(caught.value)


def test_a_secret_in_the_clear_is_not_written_again(tmp_path: Path) -> None:
    file = tmp_path / "ragbraid.yaml"
    file.write_text(
        "ragbraid: 1\ncomponents:\n"
        "  server: {type: openai, base_url: http://localhost/v1, model: m, api_key: sk-1}\n"
        "search:\n  - {type: run_parts:Find}\n"
    )
    with pytest.raises(InputError, match="secrets aren't written to a file"):
        Pipeline.load(file, allow=["run_parts"], engine=Engine()).to_yaml()


def test_overrides_and_variables_are_written_as_they_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POOL", "12")
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "ragbraid.yaml").write_text(
        "ragbraid: 1\ncomponents:\n  index:\n    type: faiss\n    path: a\nsearch:\n"
        "  - {type: lexical, index: index, candidates: '${POOL}'}\n"
        "  - type: run_parts:Rank\n    seed: ${SEED:-3}\n"
    )
    overrides = {"components.index.path": "other", "description": "costs $$ and ${HOME}"}
    pipeline = Pipeline.load(folder / "ragbraid.yaml", set=overrides, allow=["run_parts"], engine=Engine())
    text = demand_round_trip(pipeline._checked, allow=["run_parts"])
    assert f"path: {(tmp_path / 'other').as_posix()}" in text
    assert 'candidates: "${POOL}"' in text
    assert "seed: ${SEED:-3}\n" in text
    assert 'description: "costs $$$$ and $${HOME}"\n' in text
