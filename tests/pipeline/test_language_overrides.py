"""The pipeline language: overrides by id, from the command line or from a program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from language import checked, component, pipeline, run, says

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.forms.calls import ComponentStep
from ragbraid.pipeline.overrides import parse_overrides

FILE = """
    components:
      embedder: {type: testing/hash-embedder, dimensions: 8}
      index: {type: testing/list-index, embedder: {type: testing/hash-embedder, dimensions: 4}}
      keyed: {type: ./parts.py:Keyed, names: [a]}
    search:
      - {type: ./parts.py:find}
      - {type: ./parts.py:Rank, id: rank, embedder: embedder}
      - keyed
    flows:
      more:
        inputs: {question: str, k: int}
        steps:
          - {type: ./parts.py:find}
          - {type: ./parts.py:few, id: scarce}
          - when: scarce
            then: [{type: ./parts.py:find, id: again}, {type: ./parts.py:Fuse, hits: [again], id: fuse}]
            else: {type: ./parts.py:first}
      listed: [{type: ./parts.py:find}, {type: ./parts.py:Fuse, hits: [find]}]
"""


def step(flow: str, name: str, **overrides: Any) -> Any:
    """The component of a step after these overrides."""
    found = checked(FILE, set=overrides.get("set"))
    assert found.pipeline is not None, [str(each) for each in found.diagnostics]
    return next(
        each.component
        for each in found.pipeline.flows[flow].steps
        if isinstance(each, ComponentStep) and each.id == name
    )


def test_a_components_setting() -> None:
    assert component(FILE, "embedder", set={"components.embedder.dimensions": 16}).dimensions == 16


def test_a_setting_that_the_file_doesnt_give() -> None:
    assert component(FILE, "keyed", set={"components.keyed.high": 99}).high == 99


def test_a_steps_setting_by_its_id() -> None:
    assert step("search", "rank", set={"search.rank.candidates": 7}).candidates == 7


def test_a_step_of_a_flow() -> None:
    assert step("listed", "Fuse", set={"flows.listed.Fuse.weight": 0.25}).weight == 0.25


def test_a_setting_of_an_inline_reference() -> None:
    found = component(FILE, "index", set={"components.index.embedder.dimensions": 16})
    assert found.embedder.dimensions == 16


def test_a_step_inside_a_branch() -> None:
    assert says(FILE, set={"flows.more.fuse.weight": 0.5}) == []
    assert says(FILE, set={"flows.more.fuse.weight": 5.0}) == ["weight: wants at most 1.0, not 5.0"]


def test_the_name_and_the_description() -> None:
    assert pipeline(FILE, set={"name": "tried", "description": "so"}).name == "tried"


def test_an_input_of_a_step() -> None:
    assert len(run(FILE, set={"search.find.k": {"value": 2}})) == 3


def test_a_whole_component() -> None:
    found = component(FILE, "index", set={"components.index.embedder": "embedder"})
    assert found.embedder.dimensions == 8


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("componets.embedder.dimensions", "the file has no 'componets'; did you mean 'components'?"),
        ("components.embeder.dimensions", "'components' has no 'embeder'; did you mean 'embedder'?"),
        ("search.rnk.candidates", "'search' has no 'rnk'; did you mean 'rank'?"),
        ("search.1.candidates", "'search' has no '1'"),
        ("flows.mroe.find.k", "'flows' has no 'mroe'; did you mean 'more'?"),
        ("search.keyed.high", "'keyed' has no settings of its own; set them where it is defined"),
        ("search", "an override names a setting, such as components.index.path or search.dense.candidates"),
        ("components.embedder.dimension", "has no setting 'dimension'; did you mean 'dimensions'?"),
        ("components.embedder.type.x", "'type' has no settings of its own; set them where it is defined"),
    ],
)
def test_an_override_that_leads_nowhere_is_an_error(key: str, message: str) -> None:
    found = checked(FILE, set={key: 5}).diagnostics
    assert [message in each.message for each in found] == [True], [each.message for each in found]


def test_an_override_passes_the_check_and_is_the_place_of_its_problems() -> None:
    (found,) = checked(FILE, set={"components.embedder.dimensions": "many"}).diagnostics
    assert str(found) == "--set components.embedder.dimensions: error: dimensions: wants int, not 'many'"


@pytest.mark.parametrize(
    ("override", "place"),
    [
        ({"components.keyed.low": 11}, "--set components.keyed.low"),
        ({"components.keyed.high": -1}, "--set components.keyed.high"),
        (
            {"components.keyed.low": 2, "components.keyed.high": 1},
            "--set components.keyed.low and --set components.keyed.high",
        ),
    ],
)
def test_settings_that_contradict_by_an_override_are_the_overrides_problem(
    override: dict[str, int], place: str
) -> None:
    (found,) = checked(FILE, set=override).diagnostics
    assert str(found.place) == place
    assert " is above high (" in found.message


def test_what_another_component_makes_of_an_override_is_its_own_problem() -> None:
    text = FILE.replace("names: [a]", "names: [a], low: 20")
    found = checked(text, set={"components.embedder.dimensions": 16, "search.find.k": {"value": 2}})
    assert [str(each.place) for each in found.diagnostics] == ["file.yaml:5:10"]


def test_settings_that_an_overridden_type_misses_or_doesnt_have_are_the_overrides_problem() -> None:
    found = checked(FILE, set={"components.keyed.type": "./parts.py:Rank"}).diagnostics
    assert [str(each) for each in found] == [
        "--set components.keyed.type: error: './parts.py:Rank' has no setting 'names'",
        "--set components.keyed.type: error: './parts.py:Rank' wants the setting `embedder`",
    ]


def test_a_reference_that_an_override_defines_is_the_overrides_problem() -> None:
    override = {"search.rank.embedder": {"type": "testing/hash-embedder", "dimensions": 0}}
    (found,) = checked(FILE, set=override).diagnostics
    assert str(found.place) == "--set search.rank.embedder"


def test_a_shared_anchor_isnt_blamed_for_an_override_elsewhere() -> None:
    text = """
        components:
          a: &keyed {type: ./parts.py:Keyed, low: 20}
          b: *keyed
        search: [{type: ./parts.py:find}]
    """
    found = checked(text, set={"components.b.low": 30}).diagnostics
    assert [str(each.place) for each in found] == ["file.yaml:3:6", "--set components.b.low"]


ANCHORED = """
    components:
      a:
        type: ./parts.py:Wrapped
        inner: &rank {type: ./parts.py:Rank, embedder: {type: testing/hash-embedder, dimensions: 8}}
      b: {type: ./parts.py:Wrapped, inner: *rank}
    search: [{type: ./parts.py:find}, a, b]
"""


def test_an_override_changes_its_own_place_alone_where_an_anchor_is_shared() -> None:
    override = {"components.b.inner.embedder.dimensions": 16}
    assert component(ANCHORED, "a", set=override).inner.embedder.dimensions == 8
    assert component(ANCHORED, "b", set=override).inner.embedder.dimensions == 16
    override = {"components.a.inner.candidates": 16}
    assert component(ANCHORED, "a", set=override).inner.candidates == 16
    assert component(ANCHORED, "b", set=override).inner.candidates == 50


def test_steps_shared_by_an_anchor_are_overridden_one_by_one() -> None:
    text = """
        search: &steps [{type: ./parts.py:find}, {type: ./parts.py:Fuse, hits: [find]}]
        flows: {other: *steps}
    """
    found = checked(text, set={"search.Fuse.weight": 0.125}).pipeline
    assert found is not None
    weights = [found.flows[name].steps[1].component.weight for name in ("search", "other")]  # type: ignore[union-attr]
    assert weights == [0.125, 0.5]


def test_paths_in_overrides_count_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert component(FILE, "keyed").path == Path(__file__).parent / "here"
    for given in ("there", Path("there")):
        assert component(FILE, "keyed", set={"components.keyed.path": given}).path == tmp_path / "there"


def test_a_variable_that_an_override_replaces_isnt_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEC_NONE", raising=False)
    text = """
        components: {x: {type: ./parts.py:Keyed, path: '${SPEC_NONE}'}}
        search: [{type: ./parts.py:find}]
    """
    assert len(says(text)) == 1
    assert component(text, "x", set={"components.x.path": "/a"}).path == Path("/a")


def test_an_overrides_value_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_SET", "looked up")
    found = component(FILE, "keyed", set={"components.keyed.names": ["${SPEC_SET}", "$$"]})
    assert found.names == ("${SPEC_SET}", "$$")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=5", 5),
        ("a.b=no", "no"),
        ("a.b='5'", "5"),
        ("a.b=", ""),
        ("a.b=[x, 2]", ["x", 2]),
        ("a.b={value: 3}", {"value": 3}),
        ("a.b=x=y", "x=y"),
        ("a.b=null", None),
    ],
)
def test_a_command_lines_value_is_read_as_yaml(text: str, value: Any) -> None:
    assert parse_overrides([text]) == {"a.b": value}


def test_the_last_of_equal_keys_holds() -> None:
    assert parse_overrides(["a.b=1", "a.b=2"]) == {"a.b": 2}


@pytest.mark.parametrize("text", ["a.b", "=5", ""])
def test_a_text_that_is_no_override_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="KEY=VALUE"):
        parse_overrides([text])


def test_a_value_that_isnt_yaml_is_refused_where_it_stands() -> None:
    with pytest.raises(PipelineFileError, match=r"--set a\.b"):
        parse_overrides(["a.b=[1,"])
