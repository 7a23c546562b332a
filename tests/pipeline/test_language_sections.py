"""The pipeline language: the file as a whole. One test for each rule of docs/pipeline-language.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from language import checked, pipeline, run, says

from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.check import SECTIONS, Checked, check, check_file
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.pipeline import Pipeline

SEARCH = "search: [{type: ./parts.py:find}]"
LEXICAL = "search: [{type: lexical, index: {type: testing/list-index}}]\n"


def raw(text: str) -> Checked:
    return check(PipelineSource(text, "file.yaml", Path()))


def test_the_top_level_keys_are_fixed() -> None:
    assert set(SECTIONS) == {
        "ragbraid", "name", "description", "components", "fields", "ingest", "search", "ask", "chat",
        "flows", "serve", "eval",
    }  # fmt: skip
    everything = """
        name: all
        description: every section
        components:
          index: {type: testing/list-index}
        fields: {lang: str}
        ingest: [{type: files}, {type: testing/fixed-splitter}, index]
        search: [{type: ./parts.py:find}]
        ask: [search, {type: ./parts.py:reply}]
        chat: [ask]
        flows:
          more: [search]
        serve: {port: 8000}
        eval: {questions: questions.jsonl}
    """
    assert says(everything) == []
    found = checked(everything).pipeline
    assert found is not None
    assert found.sections == {
        "description": "every section", "serve": {"port": 8000},
        "eval": {"questions": "questions.jsonl"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "near"), [("serach", "search"), ("component", "components"), ("asks", "ask"), ("field", "fields")]
)
def test_any_other_key_is_a_typo_with_the_nearest_one_proposed(key: str, near: str) -> None:
    assert says(f"{SEARCH}\n{key}: x") == [f"there is no section {key!r}; did you mean {near!r}?"]


def test_without_a_near_key_all_are_listed() -> None:
    (message,) = says(f"{SEARCH}\nqwertz: 1")
    assert all(each in message for each in (*SECTIONS, "x-…"))


def test_keys_with_x_are_the_users_own() -> None:
    assert says(f"x-notes: {{anything: [1, $x, '${{NOT_LOOKED_UP}}']}}\n{SEARCH}") == []


def test_but_an_x_without_a_hyphen_is_not() -> None:
    assert len(says(f"xnotes: 1\n{SEARCH}")) == 1


def test_the_version_is_required_and_the_rest_is_checked_all_the_same() -> None:
    found = [each.message for each in raw("searhc: []\n").diagnostics]
    assert found[0].startswith("`ragbraid: 1` is missing")
    assert found[1].startswith("there is no section 'searhc'")


def test_a_newer_version_says_to_upgrade_and_no_more() -> None:
    (found,) = raw("ragbraid: 2\nsomething-new: true\n").diagnostics
    assert "version 2" in found.message
    assert "install a newer ragbraid" in found.message


@pytest.mark.parametrize("version", ["0", "-1", "'1'", "1.0", "true", "one", "[1]", "", "${VERSION:-1}"])
def test_the_version_is_the_number_one(version: str) -> None:
    found = [each.message for each in raw(f"ragbraid: {version}\nsearch: [x]\n").diagnostics]
    if version == "${VERSION:-1}":
        assert not any("version" in each for each in found)
    else:
        assert any(each.startswith("`ragbraid` wants the version of the language, 1") for each in found)


def test_a_file_wants_a_flow() -> None:
    assert says("name: empty") == ["there is no flow: `ingest`, `search`, `ask`, `chat` or `flows` is wanted"]


def test_the_name_is_by_default_the_files(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"ragbraid: 1\n{LEXICAL}", "utf-8")
    assert Pipeline.load(file).name == "mine"
    file.write_text(f"ragbraid: 1\nname: ours\n{LEXICAL}", "utf-8")
    assert Pipeline.load(file).name == "ours"


@pytest.mark.parametrize("flow", ["ask", "chat"])
def test_ask_and_chat_end_in_an_answer(flow: str) -> None:
    assert says(f"{flow}: [{{type: ./parts.py:find}}]") == [
        f"{flow} ends in Answer, and 'find' gives list[Hit]"
    ]


def test_search_ends_in_hits() -> None:
    assert says("search: [{type: ./parts.py:find}, {type: ./parts.py:reply}]") == [
        "search ends in list[Hit], and 'reply' gives Answer"
    ]


@pytest.mark.parametrize("flow", ["search", "ask", "chat"])
def test_inputs_of_the_fixed_flows_are_fixed(flow: str) -> None:
    text = f"{flow}: {{inputs: {{question: str}}, steps: [{{type: ./parts.py:find}}]}}"
    assert f"{flow} has fixed inputs: question, k and history" in says(text)


def test_a_fixed_flow_may_say_which_value_it_puts_out() -> None:
    text = """
        search:
          steps: [{type: ./parts.py:find}, {type: ./parts.py:first}]
          output: find
    """
    assert says(text) == [
        "nobody reads the output of 'first'; name it as an input of a later step, or remove it"
    ]
    text = """
        search:
          steps: [{type: ./parts.py:find}, {type: ./parts.py:first}]
          output: first
    """
    assert len(run(text)) == 1


def test_any_further_flow_stands_under_flows() -> None:
    text = "flows: {hello: {inputs: {question: str}, steps: [{type: ./parts.py:rewrite}]}}"
    assert pipeline(text).flows == ("hello",)
    assert run(text, "hello", inputs={"question": " hi "}) == "hi"


@pytest.mark.parametrize("name", ["search", "ask", "chat", "ingest"])
def test_the_fixed_flows_have_sections_of_their_own(name: str) -> None:
    assert f"{name!r} has a section of its own; put it there" in says(
        f"flows: {{{name}: [{{type: ./parts.py:find}}]}}"
    )


def test_components_and_flows_share_their_names() -> None:
    text = "components: {more: {type: ./parts.py:find}}\nflows: {more: [{type: ./parts.py:find}]}"
    assert says(text) == ["a component and a flow are both called 'more'; rename one"]


@pytest.mark.parametrize(
    "kind", ["str", "int", "float", "bool", "date", "list[str]", "list[int]", "list[float]"]
)
def test_fields_have_types(kind: str) -> None:
    found = checked(f"fields: {{year: '{kind}'}}\n{SEARCH}").pipeline
    assert found is not None
    assert found.fields == {"year": kind}


def test_every_problem_is_told_at_once_in_file_order_with_its_place() -> None:
    found = checked("nam: x\nsearch: [{type: ./parts.py:fnd}, 5]\nfields: {a: strr}").diagnostics
    assert [(each.place.line, each.place.column) for each in found] == [(2, 1), (3, 17), (3, 34), (4, 13)]
    assert [str(each).startswith(f"file.yaml:{each.place.line}:") for each in found] == [True] * 4


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pipeline file .*none\.yaml"):
        check_file(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="is a folder"):
        check_file(tmp_path)


def test_a_file_is_found_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "ragbraid.yaml").write_text("ragbraid: 1\nname: above\nsearch: [x]\n", "utf-8")
    monkeypatch.chdir(below)
    (found,) = check_file()
    assert found.place.file == str(tmp_path / "ragbraid.yaml")
    (below / "ragbraid.yaml").write_text("ragbraid: 2\n", "utf-8")
    (nearer,) = check_file()
    assert nearer.place.file == str(below / "ragbraid.yaml")


def test_without_a_file_the_packaged_one_holds_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Pipeline.load()
    assert found.name == "local"
    assert found.base == tmp_path
    assert not list(tmp_path.iterdir())


def test_a_byte_order_mark_is_no_mistake_and_other_encodings_are(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"\xef\xbb\xbfragbraid: 2\n")
    assert check_file(file)[0].place.column == 11
    file.write_bytes("ragbraid: 1\nname: Prüfung\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"p\.yaml:2 isn't UTF-8"):
        check_file(file)


def test_loading_raises_every_problem_and_checking_never_raises(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("ragbraid: 1\nserach: []\nsearch: [x]\n", "utf-8")
    with pytest.raises(PipelineFileError) as raised:
        Pipeline.load(file)
    assert [str(each) for each in check_file(file)] == [str(each) for each in raised.value.diagnostics]
    assert len(check_file(file)) == 2
