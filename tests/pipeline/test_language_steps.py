"""The pipeline language: the forms of a step, flows that call flows, branches, loops, ids, ingest."""

from __future__ import annotations

from pathlib import Path

import pytest
from language import checked, pipeline, run, says

from ragbraid.types import Answer


def test_a_step_is_an_inline_component() -> None:
    assert len(run("search: [{type: ./parts.py:find}]", inputs={"question": "x", "k": 3})) == 3


def test_a_step_is_a_named_component() -> None:
    assert len(run("components: {found: {type: ./parts.py:find}}\nsearch: [found]")) == 10


def test_a_step_is_a_flow() -> None:
    text = "search: [{type: ./parts.py:find}]\nask: [search, {type: ./parts.py:reply}]"
    answer = run(text, "ask")
    assert isinstance(answer, Answer)
    assert answer.text == "pump: 10"


def test_use_gives_a_named_step_an_id_and_its_inputs() -> None:
    text = """
        components: {found: {type: ./parts.py:find}, fuse: {type: ./parts.py:Fuse}}
        search:
          - {use: found, id: a}
          - {use: found, id: b, question: {value: other}}
          - {use: fuse, hits: [a, b]}
    """
    assert says(text) == []


def test_use_calls_a_flow_with_inputs() -> None:
    text = """
        flows:
          twice: {inputs: {question: str, k: int}, steps: [{type: ./parts.py:find}]}
        search: [{use: twice, question: {value: fixed}, k: inputs.k}]
    """
    assert {each.text for each in run(text)} == {"fixed"}


def test_settings_belong_to_the_component_and_not_to_its_use() -> None:
    text = """
        components: {rewrite: {type: ./parts.py:rewrite}}
        search: [{use: rewrite, upper: true}, {type: ./parts.py:find}]
    """
    assert says(text) == ["'rewrite' has no input 'upper'"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("5", "a step is a name or a mapping, not 5"),
        ("[a]", "a step is a name or a mapping, not a list"),
        ("{id: a}", "a step wants a `type` or a `use`"),
        ("{type: ./parts.py:find, use: find}", "a step has both `type` and `use`"),
        ("{when: a, repeat: b}", "a step has both `when` and `repeat`"),
        ("{use: [a]}", "`use` wants the name of a component or flow, not a list"),
        ("serach", "there is no component or flow 'serach'; did you mean 'search'?"),
    ],
)
def test_anything_else_is_no_step(step: str, message: str) -> None:
    assert says(f"search: [{step}]") == [message]


def test_an_embedder_takes_no_input_so_it_is_no_step() -> None:
    (message,) = says("search: [{type: testing/hash-embedder}, {type: ./parts.py:find}]")
    assert "can't be a step" in message


@pytest.mark.parametrize(
    ("text", "circle"),
    [
        ("search: [search]", "search → search"),
        ("search: [a]\nflows: {a: [b], b: [search]}", "search → a → b → search"),
        (
            "search: [{type: ./parts.py:find}, {repeat: search, at_most: 2, until: {type: ./parts.py:few}}]",
            "search → search",
        ),
    ],
)
def test_recursion_is_an_error_that_shows_the_circle(text: str, circle: str) -> None:
    assert says(text) == [f"flows call each other in a circle: {circle}"]


def test_an_id_defaults_to_the_type_without_its_vendor_or_file() -> None:
    text = """
        search:
          - {type: ./parts.py:find}
          - {type: ./parts.py:Fuse, hits: [find]}
        flows:
          a:
            - {type: lexical, index: {type: testing/list-index}}
            - {type: ./parts.py:first, hits: lexical}
    """
    assert says(text) == []


def test_an_id_of_a_named_step_is_its_name() -> None:
    text = """
        components: {mine: {type: ./parts.py:find}}
        search: [mine, {type: ./parts.py:Fuse, hits: [mine]}]
    """
    assert says(text) == []


def test_two_of_a_type_need_ids() -> None:
    text = "search: [{type: ./parts.py:find}, {type: ./parts.py:find%s}, {type: ./parts.py:Fuse, hits: [%s]}]"
    assert says(text % ("", "find")) == ["two steps have the id 'find'; give this one an `id` of its own"]
    assert says(text % (", id: more", "find, more")) == []


def test_ids_of_different_flows_dont_meet() -> None:
    assert says("search: [{type: ./parts.py:find}]\nflows: {other: [{type: ./parts.py:find}]}") == []


@pytest.mark.parametrize(
    "name", ["question", "k", "history", "documents", "chunks", "hits", "answer", "inputs"]
)
def test_an_id_is_no_role(name: str) -> None:
    assert says(f"search: [{{type: ./parts.py:find, id: {name}}}]") == [
        f"{name!r} is the name of a role; give the step another id"
    ]


@pytest.mark.parametrize("name", ["'a b'", "1", "a.b", "[a]", "'1st'", "true", "''"])
def test_an_id_is_a_word(name: str) -> None:
    (message,) = says(f"search: [{{type: ./parts.py:find, id: {name}}}]")
    assert message.startswith("an id is a word of letters, digits, - and _, not ")


BRANCH = """
    search:
      - {type: ./parts.py:find}
      - {type: ./parts.py:few, id: scarce, limit: 5}
      - when: scarce
        then: {type: ./parts.py:find, id: more, k: {value: 7}}
        else: [{type: ./parts.py:first}]
"""


@pytest.mark.parametrize(("k", "found"), [(2, 2), (20, 1)])
def test_a_branch_takes_one_of_two_ways_by_a_boolean(k: int, found: int) -> None:
    assert len(run(BRANCH, inputs={"question": "x", "k": k})) == found


def test_a_branch_without_else_leaves_the_value_as_it_was() -> None:
    text = BRANCH.replace("else: [{type: ./parts.py:first}]", "")
    assert len(run(text, inputs={"question": "x", "k": 20})) == 20
    assert len(run(text, inputs={"question": "x", "k": 4})) == 4


def test_branches_agree_on_type() -> None:
    text = BRANCH.replace("./parts.py:first", "./parts.py:count")
    assert says(text) == ["the branches differ: `then` gives list[Hit], `else` gives int"]


def test_a_branch_wants_a_boolean() -> None:
    assert says(BRANCH.replace("when: scarce", "when: find"))[0] == (
        "`when` wants bool, and 'find' is list[Hit]"
    )


def test_what_a_branch_names_inside_is_unknown_after_it() -> None:
    text = BRANCH + "      - {type: ./parts.py:Fuse, hits: [more]}\n"
    assert "there is no value 'more' at this step" in says(text)


def test_a_branch_has_an_id_by_which_its_value_is_named() -> None:
    text = BRANCH.replace("when: scarce", "id: chosen\n        when: scarce")
    assert says(text + "      - {type: ./parts.py:Fuse, hits: [chosen]}\n") == []
    assert says(BRANCH + "      - {type: ./parts.py:Fuse, hits: [when]}\n") == []


LOOP = """
    search:
      - {type: ./parts.py:find}
      - repeat: shorten
        until: {type: ./parts.py:few, limit: 1}
        at_most: 3
    flows:
      shorten:
        inputs: {hits: hits}
        steps: [{type: ./parts.py:first}]
"""


def test_a_loop_repeats_a_flow_until_a_step_says_so() -> None:
    assert len(run(LOOP)) == 1


@pytest.mark.parametrize(
    ("bound", "wrong"),
    [("0", True), ("1", False), ("100", False), ("101", True), ("true", True), ("x", True)],
)
def test_a_loop_has_a_bound(bound: str, wrong: bool) -> None:
    found = says(LOOP.replace("at_most: 3", f"at_most: {bound}"))
    assert [each.startswith("at_most wants a number from 1 to 100") for each in found] == [True] * wrong


def test_a_loop_without_a_bound_is_an_error() -> None:
    assert says(LOOP.replace("at_most: 3", "")) == [
        "a loop wants a bound: `at_most`, the most rounds it may go"
    ]


def test_a_loop_wants_a_step_that_gives_a_boolean() -> None:
    assert says(LOOP.replace("few, limit: 1", "count")) == ["`until` wants a step that gives bool, not int"]
    without = LOOP.replace("until: {type: ./parts.py:few, limit: 1}", "")
    assert says(without) == ["a loop wants `until`, a step that gives a boolean"]


def test_a_loops_flow_takes_what_it_gave_the_round_before() -> None:
    text = LOOP.replace("inputs: {hits: hits}", "inputs: {question: str, k: int}").replace("first", "find")
    assert any("takes what it gave the round before" in each for each in says(text))


INGEST = """
    components: {index: {type: testing/list-index}, split: {type: testing/fixed-splitter}}
    ingest: [%s]
"""


@pytest.mark.parametrize(
    "steps",
    [
        "{type: files}, split, index",
        "{type: files}, {use: split, id: cut}, {use: index}",
        "{type: files}, split, {type: testing/list-index}",
    ],
)
def test_an_index_as_the_last_step_of_ingest_is_what_it_commits_to(steps: str) -> None:
    found = checked(INGEST % steps).pipeline
    assert found is not None
    assert found.ingest is not None
    assert type(found.ingest.index).__name__ == "ListIndex"


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("{type: files}, split", "ingest ends in an index, which its chunks go to"),
        ("split, index", "ingest begins with a loader, such as {type: files}"),
        (
            "{type: files}, index",
            "the index wants `chunks`, and no step before it gives them: add a splitter",
        ),
    ],
)
def test_ingest_has_a_loader_a_splitter_and_an_index(steps: str, message: str) -> None:
    assert says(INGEST % steps) == [message]


def test_ingest_may_have_several_loaders() -> None:
    text = INGEST % "{type: files}, {type: files, id: others}, split, index"
    found = checked(text).pipeline
    assert found is not None
    assert found.ingest is not None
    assert len(found.ingest.loaders) == 2


def test_ingest_may_be_a_mapping_around_its_steps(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The pump stands in the cellar. It is serviced in May.", "utf-8")
    text = """
        components: {index: {type: testing/list-index}}
        ingest:
          steps: [{type: files}, {type: testing/fixed-splitter, id: cut}, index]
        search: [{type: lexical, index: index}]
    """
    for words, chunks in ((50, 1), (4, 3)):
        with pipeline(text, set={"ingest.cut.words": words}) as opened:
            assert opened.ingest(tmp_path).chunks == chunks


@pytest.mark.parametrize("key", ["inputs", "output"])
def test_but_it_declares_no_inputs_and_no_output(key: str) -> None:
    steps = "[{type: files}, {type: testing/fixed-splitter}, {type: testing/list-index}]"
    said = f"ingest takes paths and ends in its index, so it has no `{key}`; remove it"
    assert says(f"ingest: {{steps: {steps}, {key}: x}}") == [said]


def test_a_file_may_do_without_ingest() -> None:
    found = checked("search: [{type: ./parts.py:find}]").pipeline
    assert found is not None
    assert found.ingest is None


def chain(length: int) -> str:
    """Flows that call each other in a row."""
    flows = [f"  f{n}: [f{n + 1}]" for n in range(length)]
    return "\n".join(["flows:", *flows, f"  f{length}: [{{type: ./parts.py:find}}]"])


def test_flows_nest_forty_deep_and_no_deeper() -> None:
    assert says(chain(39)) == []
    assert says(chain(40)) == ["steps and the flows that they call are nested more than 40 deep"]


def test_a_flow_comes_to_a_thousand_steps_at_most() -> None:
    twice = "  f{0}: {{inputs: {{hits: hits}}, steps: [f{1}, {{use: f{1}, id: again}}]}}"
    flows = [twice.format(n, n + 1) for n in range(10)]
    text = "\n".join(["flows:", *flows, "  f10: {inputs: {hits: hits}, steps: [{type: ./parts.py:first}]}"])
    assert says(text) == ["'f1' comes to over 1,000 steps with the flows that it calls"]
