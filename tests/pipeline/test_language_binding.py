"""The pipeline language: what a step reads and writes."""

from __future__ import annotations

import pytest
from language import run, says

FOUND = "{type: ./parts.py:find}"


def test_a_flow_begins_with_its_inputs() -> None:
    assert {each.text for each in run(f"search: [{FOUND}]", inputs={"question": "seal"})} == {"seal"}


def test_an_input_that_nobody_gives_is_an_error_with_its_type() -> None:
    assert says("search: [{type: ./parts.py:first}]") == [
        "'./parts.py:first' wants the input `hits` (list[Hit]), and no earlier step gives it"
    ]


def test_an_input_with_a_default_may_stay_away() -> None:
    text = f"flows: {{short: {{steps: [{FOUND}, {{type: ./parts.py:few}}]}}}}"
    assert run(text, "short") is False


def test_an_input_with_a_default_doesnt_insist_on_a_namesake_of_another_type() -> None:
    text = "flows: {inner: {inputs: {hits: hits, least: %s}, steps: [{type: ./parts.py:few}]}}"
    assert run(text % "str", "inner", inputs={"hits": [], "least": "none"}) is True
    assert run(text % "int", "inner", inputs={"hits": [], "least": -5}) is False


@pytest.mark.parametrize(
    ("step", "role"),
    [
        ("{type: ./parts.py:find}", "hits"),
        ("{type: ./parts.py:rewrite}", "question"),
    ],
)
def test_an_output_is_stored_under_its_role(step: str, role: str) -> None:
    taker = {"hits": "{type: ./parts.py:first}", "question": FOUND}[role]
    name = step.rpartition(":")[2].rstrip("}")
    named = taker.replace("}", f", {role}: {name}}}")
    assert says(f"search: [{step}, {taker}]") == []
    assert says(f"search: [{step}, {named}]") == []


def test_an_answer_has_a_role() -> None:
    text = f"""
        flows:
          told: {{inputs: {{answer: answer, question: str}}, steps: [{{type: ./parts.py:rewrite}}]}}
          all: [{FOUND}, {{type: ./parts.py:reply}}, told]
    """
    assert says(text) == []


def test_an_output_without_a_role_goes_by_its_id() -> None:
    text = "flows: {n: [%s, {type: ./parts.py:count}, {type: ./parts.py:few, least: count}]}"
    assert run(text % FOUND, "n", inputs={"question": "x", "k": 3}) is True


def test_as_names_another_instead_of_the_role() -> None:
    text = f"""
        search:
          - {FOUND}
          - {{type: ./parts.py:first, as: best}}
          - {{type: ./parts.py:Fuse, hits: [hits, best]}}
    """
    assert says(text) == []
    assert len(run(text)) == 10  # `hits` are still those that were found, `best` is one of them


@pytest.mark.parametrize("name", ["'a b'", "[a]", "1", "true"])
def test_as_wants_a_word(name: str) -> None:
    (message,) = says(f"search: [{{type: ./parts.py:find, as: {name}}}]")
    assert message.startswith("`as` wants a name: a word of letters, digits, - and _, not ")


def test_an_input_takes_the_newest_value_of_its_name() -> None:
    text = f"search: [{{type: ./parts.py:rewrite, upper: true}}, {FOUND}]"
    assert {each.text for each in run(text)} == {"PUMP"}


def test_the_flows_own_input_is_still_in_reach() -> None:
    text = """
        search: [{type: ./parts.py:rewrite, upper: true, as: loud}, {type: ./parts.py:find, id: a},
                 {type: ./parts.py:find, id: b, question: loud}, {type: ./parts.py:Fuse, hits: [a, b]}]
    """
    assert {each.text for each in run(text)} == {"PUMP"}  # equal ids; the later list's hit stays
    text = """
        flows:
          s:
            - {type: ./parts.py:rewrite, upper: true}
            - {type: ./parts.py:find, id: a, as: loud}
            - {type: ./parts.py:find, id: b, question: inputs.question}
            - {type: ./parts.py:Fuse, hits: [loud, b]}
    """
    assert {each.text for each in run(text, "s")} == {"pump"}


def test_a_list_of_names_gathers_several_values() -> None:
    text = """
        search:
          - {type: ./parts.py:find, id: dense}
          - {type: ./parts.py:find, id: lexical, question: {value: other}}
          - {type: ./parts.py:Fuse, hits: [dense, lexical]}
    """
    assert {each.text for each in run(text)} == {"other"}
    assert {each.text for each in run(text.replace("[dense, lexical]", "[lexical, dense]"))} == {"pump"}


def test_a_list_of_one_name_is_still_a_list() -> None:
    assert len(run(f"search: [{FOUND}, {{type: ./parts.py:Fuse, hits: [find]}}]")) == 10


@pytest.mark.parametrize(
    ("hits", "message"),
    [
        ("[]", "hits of './parts.py:Fuse' wants at least one name"),
        ("[find, 5]", "hits wants names, not 5"),
        ("[fnd]", "there is no value 'fnd' at this step; did you mean 'find'?"),
        ("[question]", "`hits` of './parts.py:Fuse' wants list[Hit], and 'question' gives str"),
    ],
)
def test_what_a_list_gathers_are_values_of_the_elements_type(hits: str, message: str) -> None:
    assert message in says(f"search: [{FOUND}, {{type: ./parts.py:Fuse, hits: {hits}}}]")


def test_an_input_of_one_value_takes_no_list() -> None:
    assert says("search: [{type: ./parts.py:find, question: [question]}]") == [
        "question of './parts.py:find' wants str, not a list of names"
    ]


def test_a_literal_is_a_mapping_with_value() -> None:
    assert len(run("search: [{type: ./parts.py:find, k: {value: 3}}]")) == 4
    text = "search: [{type: ./parts.py:find, question: {value: inputs.question}}]"
    assert {each.text for each in run(text)} == {"inputs.question"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("k: {value: '3'}", "k: wants int, not '3'"),
        ("k: {value: true}", "k: wants int, not true"),
        ("question: {value: 5}", "question: wants str, not 5"),
        ("k: 3", "k wants a name or {value: …}, not 3"),
        ("k: {value: 3, more: 4}", "k wants a name or {value: …}, not a mapping"),
        ("question: pump", "there is no value 'pump' at this step"),
    ],
)
def test_a_string_is_a_name_and_a_literal_has_the_right_type(given: str, message: str) -> None:
    assert says(f"search: [{{type: ./parts.py:find, {given}}}]") == [message]


def test_a_type_mismatch_names_both_types() -> None:
    text = f"search: [{FOUND}, {{type: ./parts.py:count}}, {{type: ./parts.py:first, hits: count}}]"
    assert says(text) == ["`hits` of './parts.py:first' wants list[Hit], and 'count' gives int"]


def test_a_mismatch_by_role_names_both_types_too() -> None:
    text = f"search: [{FOUND}, {{type: ./parts.py:Fuse}}]"
    assert says(text) == ["`hits` of './parts.py:Fuse' wants list[list[Hit]], and 'find' gives list[Hit]"]


def test_a_list_may_go_where_a_sequence_is_wanted() -> None:
    text = f"flows: {{n: [{FOUND}, {{type: ./parts.py:count}}]}}"
    assert run(text, "n", inputs={"question": "x", "k": 1}) == 2


def test_an_output_that_nobody_reads_is_an_error() -> None:
    text = """
        search:
          - {type: ./parts.py:find, id: dense}
          - {type: ./parts.py:find, id: lexical}
          - {type: ./parts.py:first}
    """
    assert says(text) == [
        "nobody reads the output of 'dense'; name it as an input of a later step, or remove it"
    ]


def test_an_output_is_read_by_a_later_step_and_not_by_an_earlier() -> None:
    text = "search: [{type: ./parts.py:first, hits: find}, {type: ./parts.py:find}]"
    assert says(text)[0] == "there is no value 'find' at this step"


@pytest.mark.parametrize("kind", ["str", "int", "float", "bool", "'list[str]'", "'list[int]'", "hits", "any"])
def test_a_flow_declares_its_inputs_types(kind: str) -> None:
    text = f"flows: {{f: {{inputs: {{question: str, k: int, x: {kind}}}, steps: [{FOUND}]}}}}"
    assert says(text) == []


@pytest.mark.parametrize("kind", ["documents", "chunks", "history", "answer"])
def test_roles_are_types_of_inputs(kind: str) -> None:
    text = f"flows: {{f: {{inputs: {{question: str, k: int, x: {kind}}}, steps: [{FOUND}]}}}}"
    assert says(text) == []


def test_an_unknown_type_of_input_is_an_error_that_proposes() -> None:
    (message,) = says(f"flows: {{f: {{inputs: {{question: string, k: int}}, steps: [{FOUND}]}}}}")
    assert message == "input 'question' wants a type, not 'string'; did you mean 'str'?"


def test_an_input_of_a_flow_may_have_a_default() -> None:
    text = f"""
        flows:
          f: {{inputs: {{question: str, k: {{type: int, default: 3}}}}, steps: [{FOUND}]}}
          g: {{inputs: {{question: str}}, steps: [f]}}
    """
    assert len(run(text, "f")) == 3
    assert len(run(text, "g")) == 3


def test_a_caller_takes_its_own_k_over_the_default_of_the_flow_it_calls() -> None:
    text = f"""
        flows:
          f: {{inputs: {{question: str, k: {{type: int, default: 3}}}}, steps: [{FOUND}]}}
        search: [f]
    """
    assert len(run(text, inputs={"question": "x", "k": 6})) == 6


def test_a_default_has_the_declared_type() -> None:
    text = f"flows: {{f: {{inputs: {{question: str, k: {{type: int, default: x}}}}, steps: [{FOUND}]}}}}"
    assert says(text) == ["k: wants int, not 'x'"]


def test_k_is_the_length_of_a_flows_hits_and_not_of_a_steps() -> None:
    text = f"flows: {{n: [{FOUND}, {{type: ./parts.py:count}}]}}\nsearch: [{FOUND}]"
    assert len(run(text, inputs={"question": "x", "k": 3})) == 3
    assert run(text, "n", inputs={"question": "x", "k": 3}) == 4


@pytest.mark.parametrize("k", [1, 5, 60, 200])
def test_earlier_cuts_rise_to_k(k: int) -> None:
    text = f"""
        components: {{embedder: {{type: testing/hash-embedder, dimensions: 8}}}}
        search: [{FOUND}, {{type: ./parts.py:Rank, embedder: embedder, candidates: 5}}]
    """
    assert len(run(text, inputs={"question": "x", "k": k})) == k
