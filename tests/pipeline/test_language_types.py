"""The pipeline language: where a component's type comes from: functions, own code, plug-ins."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from language import HERE, checked, component, run, says

from ragbraid.pipeline.schema import json_schema

SEARCH = "search: [{type: ./parts.py:find}]"


def test_a_function_is_a_component_whose_keyword_parameters_are_settings() -> None:
    text = "search: [{type: ./parts.py:rewrite, upper: true}, {type: ./parts.py:find}]"
    assert {each.text for each in run(text)} == {"PUMP"}
    assert says(text.replace("upper: true", "uper: true")) == [
        "'./parts.py:rewrite' has no setting or input 'uper'; did you mean 'upper'?"
    ]
    assert says(text.replace("true", "'true'")) == ["upper: wants bool, not 'true'"]


def test_equal_functions_with_equal_settings_are_equal_components() -> None:
    text = f"components: {{%s: {{type: ./parts.py:rewrite, upper: %s}}}}\n{SEARCH}"
    assert component(text % ("a", "true"), "a") == component(text % ("b", "true"), "b")
    assert component(text % ("a", "true"), "a") != component(text % ("b", "false"), "b")


BY_POSITION = "and inputs come by position: move it before the *, or give it a default"
PLAIN = "and a step's call is a plain one; a class may have `acall` besides"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Loose", "Loose isn't frozen"),
        ("Torn", "Torn uses 'hits' both as a setting and as an input"),
        ("greedy", "greedy takes *hits, whose inputs nobody can wire"),
        ("nothing", "5 is neither a class nor a function"),
        ("several", "[] is neither a class nor a function"),
        ("untyped", "untyped has no return annotation, so nobody can tell what it gives"),
        ("vague", "the parameter 'question' of vague has no annotation, so nobody can tell what it takes"),
        ("loose", "the parameter 'most' of loose has no annotation, so nobody can tell what it takes"),
        ("Half", "Half.__call__ has no return annotation, so nobody can tell what it gives"),
        ("ByKeyword", f"ByKeyword.__call__ wants 'most' by keyword alone, {BY_POSITION}"),
        ("awaited", f"awaited is an async function, {PLAIN}"),
        ("Awaited", f"Awaited.__call__ is an async function, {PLAIN}"),
    ],
)
def test_what_isnt_written_as_a_component_says_why(name: str, why: str) -> None:
    (message,) = says(f"search: [{{type: ./parts.py:{name}}}]")
    assert message == f"'./parts.py:{name}' isn't a component: {why}"


def test_a_keyword_only_parameter_of_a_call_keeps_its_default() -> None:
    assert len(run("search: [{type: ./parts.py:find}, {type: ./parts.py:Optional}]")) == 1


def test_an_explicit_any_fits_everywhere() -> None:
    assert len(run("search: [{type: ./parts.py:find}, {type: ./parts.py:anything}]")) == 10


def test_what_a_component_raises_while_it_is_made_is_a_problem_of_its_place_and_hides_no_other() -> None:
    text = """
        components: {x: {type: ./parts.py:Fragile}}
        search: [{type: ./parts.py:find}, {type: ./parts.py:Fragile, mode: odd}, {type: ./parts.py:fnd}]
    """
    found = checked(text).diagnostics
    assert [each.message.partition(": ")[2] for each in found[:2]] == [
        "RuntimeError: the mode 'bad' breaks it",
        "RuntimeError: the mode 'odd' breaks it",
    ]
    assert [(each.place.line, each.place.column) for each in found] == [(2, 17), (3, 35), (3, 81)]


def test_a_files_own_code_runs_only_where_it_was_allowed(tmp_path: Path) -> None:
    (tmp_path / "rank.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
        "def recency(question: str, k: int) -> list[dict]:\n    return []\n",
        "utf-8",
    )
    text = "search: [{type: ./rank.py:recency}]"
    for allow in ([], ["other.py"], ["rank"], [str(tmp_path)]):
        (message,) = says(text, base=tmp_path, allow=allow)
        assert message.startswith("'./rank.py:recency' is code of its own; to let it run, add --allow ")
        assert not (tmp_path / "ran").exists()
    says(text, base=tmp_path, allow=[str(tmp_path / "rank.py")])
    assert (tmp_path / "ran").exists()


def test_own_code_is_found_from_the_files_folder_and_allowed_from_the_current(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    assert says(SEARCH, allow=["parts.py"]) == []
    monkeypatch.chdir(tmp_path)
    (message,) = says(SEARCH, allow=["parts.py"])
    assert str(HERE / "parts.py") in message
    assert says(SEARCH, allow=[str(HERE / "parts.py")]) == []


def test_a_module_is_allowed_by_its_name_or_a_package_above_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spec_package").mkdir()
    (tmp_path / "spec_package" / "ranks.py").write_text(
        "def upper(question: str) -> str:\n    return question.upper()\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    text = f"flows: {{f: [{{type: spec_package.ranks:upper}}]}}\n{SEARCH}"
    parts = str(HERE / "parts.py")
    assert "add --allow spec_package" in says(text, allow=[parts])[0]
    assert "spec_package.ranks" not in sys.modules
    assert len(says(text, allow=[parts, "spec_pack"])) == 1
    assert says(text, allow=[parts, "spec_package"]) == []
    assert says(text, allow=[parts, "spec_package.ranks"]) == []


def test_code_that_cant_be_imported_is_a_problem_of_the_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    text = "search: [{type: ./broken.py:x}]"
    assert says(text, base=tmp_path, allow=[str(broken)]) == ["there is no file ./broken.py"]
    broken.write_text("1 / 0\n", "utf-8")
    assert says(text, base=tmp_path, allow=[str(broken)]) == [
        "./broken.py can't be imported: ZeroDivisionError: division by zero"
    ]


def plug_in(folder: Path, dist: str, lines: str) -> None:
    """A package with entry points, as an installer leaves it."""
    info = folder / f"{dist}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {dist}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[ragbraid.components]\n{lines}\n", "utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "spec_plug.py").write_text(
        "def loud(question: str) -> str:\n    return question.upper()\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_plug_ins_type_is_named_vendor_and_name_and_needs_no_allowing(site: Path) -> None:
    plug_in(site, "spec_one", "acme/loud = spec_plug:loud")
    assert version("spec_one") == "1.0"
    text = "search: [{type: acme/loud}, {type: ./parts.py:find}]"
    assert {each.text for each in run(text)} == {"PUMP"}
    assert says(text.replace("loud", "lout")) == [
        "there is no component type 'acme/lout'; did you mean 'acme/loud'?"
    ]


def test_a_plug_in_is_imported_only_where_it_is_used(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "spec_plug", raising=False)
    plug_in(site, "spec_one", "acme/loud = spec_plug:loud")
    assert says("search: [{type: acme/luod}]")[0].startswith("there is no component type")
    assert "spec_plug" not in sys.modules


def test_a_type_that_two_packages_claim_is_an_error(site: Path) -> None:
    plug_in(site, "spec_one", "acme/loud = spec_plug:loud")
    plug_in(site, "spec_two", "acme/loud = spec_plug:quiet")
    (message,) = says("search: [{type: acme/loud}, {type: ./parts.py:find}]")
    assert "'acme/loud' is claimed by spec_plug:loud and spec_plug:quiet" in message


def test_a_plug_in_without_a_vendor_is_an_error(site: Path) -> None:
    plug_in(site, "spec_one", "loud = spec_plug:loud")
    (message,) = says("search: [{type: loud}, {type: ./parts.py:find}]")
    assert "has no vendor" in message
    assert checked(SEARCH).pipeline is not None  # who doesn't use it isn't troubled by it


def test_a_plug_in_that_cant_be_imported_is_an_error_where_it_is_used(site: Path) -> None:
    plug_in(site, "spec_one", "acme/gone = spec_gone:gone")
    (message,) = says("search: [{type: acme/gone}, {type: ./parts.py:find}]")
    assert "the component type 'acme/gone' can't be imported: No module named 'spec_gone'" in message


def test_a_plug_in_whose_name_isnt_in_its_module_is_an_error_where_it_is_used(site: Path) -> None:
    plug_in(site, "spec_one", "acme/gone = spec_plug:gone")
    (message,) = says("search: [{type: acme/gone}, {type: ./parts.py:find}]")
    assert "the component type 'acme/gone' can't be imported: AttributeError: " in message


def test_whatever_a_plug_in_raises_is_an_error_where_it_is_used_and_nowhere_else(site: Path) -> None:
    (site / "spec_broken.py").write_text("{}['key']\n", "utf-8")
    plug_in(site, "spec_one", "acme/gone = spec_broken:gone")
    (message,) = says("search: [{type: acme/gone}, {type: ./parts.py:find}]")
    assert message == "the component type 'acme/gone' can't be imported: KeyError: 'key'"
    assert "acme/gone" not in json_schema()["$defs"]["component"]["properties"]["type"]["anyOf"][0]["enum"]
