"""The pipeline language: values of settings, the environment, secrets, paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from language import HERE, checked, component, run, says

from ragbraid.errors import FilterError
from ragbraid.secret import Secret

SEARCH = "search: [{type: ./parts.py:find}]"


def keyed(settings: str, **options: Any) -> Any:
    """The component `Keyed` with these settings, which are lines of a mapping."""
    return component(f"components: {{x: {{type: ./parts.py:Keyed, {settings}}}}}\n{SEARCH}", "x", **options)


def wrong(settings: str, **options: Any) -> list[str]:
    return says(f"components: {{x: {{type: ./parts.py:Keyed, {settings}}}}}\n{SEARCH}", **options)


@pytest.mark.parametrize(
    "written", ["no", "on", "off", "yes", "y", "NO", "1:30", "0b1", "1_000", "2024-01-31", "0x"]
)
def test_scalars_are_yaml_1_2_so_these_are_text(written: str) -> None:
    assert keyed(f"names: [{written}]").names == (written,)


@pytest.mark.parametrize(
    ("written", "value"), [("7", 7), ("-7", -7), ("+7", 7), ("0o17", 15), ("0x1F", 31), ("007", 7)]
)
def test_whole_numbers(written: str, value: int) -> None:
    assert keyed(f"high: 50, low: {written}").low == value


@pytest.mark.parametrize(
    ("written", "value"),
    [("0.25", 0.25), (".5", 0.5), ("1e-3", 0.001), ("1.", 1.0), ("2", 2.0), ("1E2", 100.0)],
)
def test_numbers(written: str, value: float) -> None:
    found = keyed(f"ratio: {written}").ratio
    assert (found, type(found)) == (value, float)


@pytest.mark.parametrize("written", ["true", "True", "TRUE"])
def test_true(written: str) -> None:
    assert keyed(f"on: {written}").on is True


@pytest.mark.parametrize("written", ["null", "~", "Null", ""])
def test_null_is_none_where_the_setting_may_be_none(written: str) -> None:
    assert keyed(f"key: {written}").key is None
    assert wrong(f"mode: {written}") == ["mode: wants 'fast' or 'good', not nothing"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("low: '3'", "low: wants int, not '3'"),
        ("low: 1.0", "low: wants int, not 1.0"),
        ("low: true", "low: wants int, not true"),
        ("ratio: '0.5'", "ratio: wants float, not '0.5'"),
        ("ratio: true", "ratio: wants float, not true"),
        ("ratio: 1e999", "ratio: wants a finite number, not inf"),
        ("on: yes", "on: wants bool, not 'yes'"),
        ("on: 1", "on: wants bool, not 1"),
        ("on: 'true'", "on: wants bool, not 'true'"),
        ("names: one", "names: wants list[str], not 'one'"),
        ("names: [1]", "names: wants list[str], not 1"),
        ("names: {a: b}", "names: wants list[str], not a mapping"),
        ("path: 5", "path: wants Path, not 5"),
        ("mode: god", "mode: wants 'fast' or 'good', not 'god'"),
        ("lowest: 1", "'./parts.py:Keyed' has no setting 'lowest'; did you mean 'low'?"),
        ("low: 30", "'./parts.py:Keyed': low (30) is above high (10)"),
    ],
)
def test_values_are_strict(setting: str, message: str) -> None:
    assert wrong(setting) == [message]


def test_a_variable_is_replaced_by_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_DIR", "deep")
    monkeypatch.setenv("SPEC_NAME", "one")
    found = keyed("path: '/a/${SPEC_DIR}/b', names: ['${SPEC_NAME}', '${SPEC_NAME}-${SPEC_DIR}']")
    assert found.path == Path("/a/deep/b")
    assert found.names == ("one", "one-deep")


@pytest.mark.parametrize(("text", "low"), [("5", 5), ("0x1F", 31)])
def test_a_plain_variable_has_the_type_that_its_text_would_have_in_the_file(
    text: str, low: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC_LOW", text)
    multi_line = "components:\n  x:\n    type: ./parts.py:Keyed\n    high: 50\n    low: %s\n" + SEARCH
    assert component(multi_line % "${SPEC_LOW}", "x").low == low
    assert says(multi_line % "'${SPEC_LOW}0'") == ["low: wants int, not '${SPEC_LOW}0'"]


@pytest.mark.parametrize(("text", "low"), [("5", 5), ("0x1F", 31)])
def test_a_quoted_variable_alone_is_read_the_same_way_where_a_number_is_wanted(
    text: str, low: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC_LOW", text)
    assert keyed("high: 50, low: '${SPEC_LOW}'").low == low
    assert keyed('high: 50, low: "${SPEC_NONE:-7}"').low == 7


def test_and_where_a_boolean_or_several_numbers_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_ON", "true")
    monkeypatch.setenv("SPEC_N", "0.25")
    assert keyed("on: '${SPEC_ON}', ratio: '${SPEC_N}'").on is True
    text = "search: [{type: ./parts.py:find}, {type: ./parts.py:weighed, weights: ['${SPEC_N}', 1]}]"
    assert says(text) == []
    assert says(text.replace("${SPEC_N}", "0.25")) == ["weights: wants list[float], not '0.25'"]


def test_and_in_a_literal_input_and_a_loops_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_N", "2")
    assert len(run("search: [{type: ./parts.py:find, k: {value: '${SPEC_N}'}}]")) == 3
    text = """
        search: [{type: ./parts.py:find}, {repeat: less, until: {type: ./parts.py:few}, at_most: '${SPEC_N}'}]
        flows: {less: {inputs: {hits: hits}, steps: [{type: ./parts.py:first}]}}
    """
    assert says(text) == []
    monkeypatch.setenv("SPEC_N", "200")
    assert says(text) == ["at_most wants a number from 1 to 100, not '${SPEC_N}'"]


@pytest.mark.parametrize(("text", "wants"), [("", "int"), ("many", "int"), ("true", "int"), ("1.5", "int")])
def test_a_quoted_variable_that_holds_no_number_is_refused_where_one_is_wanted(
    text: str, wants: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC_LOW", text)
    assert wrong("low: '${SPEC_LOW}'") == [f"low: wants {wants}, not '${{SPEC_LOW}}'"]


def test_a_quoted_variable_is_text_where_the_setting_may_be_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_N", "5")
    found = keyed("key: '${SPEC_N}', path: '${SPEC_N}', names: ['${SPEC_N}']")
    assert (found.key, found.path, found.names) == (Secret("5"), HERE / "5", ("5",))
    text = "components: {x: {type: ./parts.py:labelled, label: %s}}\n" + SEARCH
    assert component(text % "'${SPEC_N}'", "x").settings == (("label", "5"),)
    assert component(text % "5", "x").settings == (("label", 5),)


@pytest.mark.parametrize("written", ["${SPEC_N}", "a/${SPEC_N:-5}", "${SPEC_N} and more"])
def test_a_variable_in_braces_wants_quotes_and_the_message_says_so(written: str) -> None:
    name = written[written.index("$") : written.index("}") + 1]
    said = f"inside {{…}} and […] a value with {name} in it wants quotes, or a line of its own"
    assert wrong(f"low: {written}") == [said]
    assert wrong(f"names: [{written}]") == [said]


@pytest.mark.parametrize("text", ["no", "007", "1e5", "true", "null", "", "5"])
def test_what_the_environment_gives_stays_text_where_the_setting_is_text(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC_TEXT", text)
    lines = "components:\n  x:\n    type: ./parts.py:Quote\n    prefix: ${SPEC_TEXT}\n"
    lines += f"    generator: {{type: testing/echo-generator}}\n{SEARCH}"
    assert component(lines, "x").prefix == text


def test_a_secret_that_looks_like_a_number_is_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_KEY", "00123")
    lines = f"components:\n  x:\n    type: ./parts.py:Keyed\n    key: ${{SPEC_KEY}}\n{SEARCH}"
    assert component(lines, "x").key == Secret("00123")


def test_a_missing_variable_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEC_NONE", raising=False)
    assert wrong("path: '${SPEC_NONE}'") == [
        "the environment variable SPEC_NONE isn't set; set it, or write ${SPEC_NONE:-default}"
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [("${SPEC_NONE:-/b}", "/b"), ("${SPEC_NONE:-}/c", "/c"), ("${SPEC_SET:-/b}", "/set")],
)
def test_a_default_holds_where_the_variable_isnt_set(
    written: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEC_SET", "/set")
    assert keyed(f"path: '{written}'").path == Path(value)


def test_an_empty_variable_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_EMPTY", "")
    assert keyed("names: ['${SPEC_EMPTY:-x}']").names == ("",)


@pytest.mark.parametrize(
    ("written", "text"), [("$$", "$"), ("$${HOME}", "${HOME}"), ("a$b", "a$b"), ("$", "$"), ("$$$$", "$$")]
)
def test_two_dollars_are_one(written: str, text: str) -> None:
    assert keyed(f"names: ['{written}']").names == (text,)


@pytest.mark.parametrize("written", ["${}", "${a b}", "${1x}", "${NAME", "${NAME-x}"])
def test_a_malformed_variable_is_an_error(written: str) -> None:
    (message,) = wrong(f"names: ['{written}']")
    assert message.endswith("isn't a variable; write ${NAME}, or $$ for a dollar")


def test_what_a_variable_holds_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_TEXT", "${HOME} $$")
    assert keyed("names: ['${SPEC_TEXT}']").names == ("${HOME} $$",)


def test_keys_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_TEXT", "names")
    assert wrong("'${SPEC_TEXT}': [a]")[0].startswith("'./parts.py:Keyed' has no setting '${SPEC_TEXT}'")


def test_without_the_environment_variables_arent_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEC_NONE", raising=False)
    assert wrong("low: '${SPEC_NONE}', high: '${SPEC_NONE:-3}'", env=False) == []
    assert wrong("low: '${SPEC_NONE}', ratio: x", env=False) == ["ratio: wants float, not 'x'"]
    assert wrong("names: ['${}']", env=False) == ["${} isn't a variable; write ${NAME}, or $$ for a dollar"]
    assert checked(SEARCH, env=False).pipeline is None


@pytest.mark.parametrize(
    "search", ["[{type: '${A}'}]", "['${A}']", "[{type: ./parts.py:find, id: '${A}'}]", "[{use: '${A}'}]"]
)
def test_nor_is_what_they_stand_for_judged(search: str) -> None:
    assert says(f"search: {search}", env=False) == []


def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_KEY", "hunter2")
    found = keyed("key: '${SPEC_KEY}'")
    assert found.key.reveal() == "hunter2"
    assert "hunter2" not in repr(found)
    assert "hunter2" not in str(checked(
        f"components: {{x: {{type: ./parts.py:Keyed, key: '${{SPEC_KEY}}'}}}}\n{SEARCH}"
    ))  # fmt: skip


@pytest.mark.parametrize(
    "setting", ["key: ['${SPEC_KEY}']", "low: '${SPEC_KEY}'", "mode: '${SPEC_KEY}'", "keys: '${SPEC_KEY}'"]
)
def test_no_message_shows_what_a_variable_holds(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_KEY", "hunter2")
    (message,) = wrong(setting)
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("Fragile, mode: '${SPEC_KEY}'", "RuntimeError: the mode '${SPEC_KEY}' breaks it"),
        ("Keyed, low: '${SPEC_NUMBER}'", "low (${SPEC_NUMBER}) is above high (10)"),
        ("strange, most: '${SPEC_NUMBER}'", "most: RuntimeError: ${SPEC_NUMBER} is odd"),
    ],
)
def test_nor_does_a_components_own_message(step: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEC_KEY", "hunter2")
    monkeypatch.setenv("SPEC_NUMBER", "7723")
    (said,) = says(f"search: [{{type: ./parts.py:find}}, {{type: ./parts.py:{step}}}]")
    assert said.endswith(message)


def test_paths_count_from_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = Path(__file__).parent
    assert keyed("path: below/there").path == here / "below" / "there"
    assert keyed("path: /a/b").path == Path("/a/b")
    assert keyed("path: ~/b").path == Path.home() / "b"


def test_models_are_names_unless_they_look_like_paths() -> None:
    text = f"components: {{x: {{type: sentence-transformer, model: %s}}}}\n{SEARCH}"
    here = Path(__file__).parent
    assert component(text % "all-minilm-l6-v2", "x").model == "all-minilm-l6-v2"
    assert component(text % "org/model", "x").model == "org/model"
    assert component(text % "./model", "x").model == str(here / "model")


def test_so_does_a_default_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert keyed("low: 1").path == Path(__file__).parent / "here"


def test_a_questions_filter_may_use_the_declared_fields_alone() -> None:
    text = f"fields: {{year: int}}\n{SEARCH}"
    assert run(text, inputs={"question": "x", "filter": {"year": {"$gte": 2020}}})
    for refused in ({"yaer": 1}, {"year": "2020"}):
        with pytest.raises(FilterError):
            run(text, inputs={"question": "x", "filter": refused})
