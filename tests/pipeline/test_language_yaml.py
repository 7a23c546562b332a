"""The pipeline language: the YAML that a file is written in, and its limits."""

from __future__ import annotations

import pytest
from language import component, says

from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.parse import MAX_CHARACTERS, MAX_NODES, parse
from ragbraid.pipeline.syntax import MAX_DEPTH
from timing import least_seconds

SEARCH = "search: [{type: ./parts.py:find}]"


def own(text: str) -> list[str]:
    """The messages of a file with this text under a key of the user's own."""
    return says(f"x-own: {text}\n{SEARCH}")


def test_anchors_are_allowed() -> None:
    text = f"""
        components:
          a: {{type: ./parts.py:Keyed, names: &names [x, y]}}
          b: {{type: ./parts.py:Keyed, names: *names}}
        {SEARCH}
    """
    assert component(text, "b").names == ("x", "y")


def test_an_anchor_that_isnt_there_is_an_error_with_the_nearest_proposed() -> None:
    assert own("{a: &names [x], b: *nmaes}") == ["there is no anchor &nmaes above; did you mean 'names'?"]


def test_an_anchor_inside_itself_is_an_error() -> None:
    assert own("&a [*a]") == ["*a stands inside itself"]


def test_a_later_anchor_of_the_same_name_holds_from_there_on() -> None:
    text = f"""
        x-first: &names [a]
        x-second: &names [b]
        components: {{c: {{type: ./parts.py:Keyed, names: *names}}}}
        {SEARCH}
    """
    assert component(text, "c").names == ("b",)


def laughs(levels: int) -> str:
    lines = ["x-0: &a0 [ha]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join([*lines, SEARCH])


def test_anchors_are_bounded_by_the_values_that_they_come_to() -> None:
    assert says(laughs(4)) == []
    assert says(laughs(30)) == [f"the file comes to over {MAX_NODES:,} values with its anchors written out"]
    assert least_seconds(lambda: says(laughs(30))) < 1


def test_values_nest_forty_deep_and_no_deeper() -> None:
    inside = MAX_DEPTH - 1  # the file is the first level
    assert own("[" * inside + "]" * inside) == []
    assert own("[" * (inside + 1) + "]" * (inside + 1)) == [
        f"the file is nested more than {MAX_DEPTH} levels deep"
    ]


@pytest.mark.parametrize("open_", ["[", "{a: ", "- ", "? "])
def test_no_depth_exhausts_the_stack(open_: str) -> None:
    (message,) = own(("\n  " if open_ in ("- ", "? ") else "") + open_ * 10_000)
    assert "nested more than" in message


def test_a_file_is_at_most_a_million_characters_long() -> None:
    problems = Problems()
    assert parse("ragbraid: 1\n#" + "x" * MAX_CHARACTERS, "f", problems) is None
    assert [each.message for each in problems.sorted()] == ["the file is over 1,000,000 characters long"]


def test_a_key_stands_once_in_a_mapping() -> None:
    assert own("{a: 1, b: 2, a: 3}") == ["the key 'a' stands here twice, first in line 2"]
    assert own("{a: 1, b: {a: 2}}") == []
    assert own("{a: 1, 'a': 2}") == ["the key 'a' stands here twice, first in line 2"]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("1", "a key is text, not 1; put it in quotes"),
        ("1.5", "a key is text, not 1.5; put it in quotes"),
        ("true", "a key is text, not true; put it in quotes"),
        ("null", "a key is text, not nothing; put it in quotes"),
        ("[a]", "a key is text, not a list"),
        ("{a: b}", "a key is text, not a mapping"),
    ],
)
def test_a_key_is_text(key: str, message: str) -> None:
    assert own(f"{{{key}: x}}") == [message]


@pytest.mark.parametrize("key", ["no", "on", "yes", "'1'", "2024-01-31"])
def test_words_that_are_text_in_yaml_1_2_may_be_keys(key: str) -> None:
    assert own(f"{{{key}: x}}") == []


def test_merge_keys_arent_supported() -> None:
    assert own("{a: &a {b: c}, d: {<<: *a}}") == [
        "merge keys (<<) aren't supported; name a component and refer to it"
    ]


@pytest.mark.parametrize("tag", ["!!str", "!!python/name:os.system", "!secret", "!!int", "!<tag:x>"])
def test_tags_arent_used(tag: str) -> None:
    (message,) = own(f"{{a: {tag} b}}")
    assert message.startswith("tags such as ")


def test_a_file_is_one_document() -> None:
    assert says(f"{SEARCH}\n---\nname: more") == ["a file holds one YAML document, and here begins another"]


def test_block_scalars_are_text() -> None:
    text = f"""
        components:
          x:
            type: ./parts.py:Keyed
            names:
              - |
                5
              - >-
                a
                b
        {SEARCH}
    """
    assert component(text, "x").names == ("5\n", "a b")


@pytest.mark.parametrize("character", ["\0", "\x1f", "\x7f", "\ud800", "\ufeff", "\ufffe"])
def test_a_character_that_cant_be_read_is_told_with_its_place(character: str) -> None:
    problems = Problems()
    assert parse(f"ragbraid: 1\nname: 😀ü{character}\n", "f", problems) is None
    (found,) = problems.sorted()
    assert (found.place.line, found.place.column) == (2, 9)
    assert found.message.startswith(f"the character U+{ord(character):04X} can't stand in a file")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [a", "the list that opens here isn't closed, or a comma is missing in it"),
        ("name: {a: b", "the mapping that opens here isn't closed, or a comma is missing in it"),
        ("name: 'a", "the quote that opens here isn't closed"),
        ("name:\n\t- a", "a tab can't indent; use spaces"),
        ("name: a: b", "a colon can't stand here; put text with a colon in quotes"),
        ("name: @a", "text can't begin with @; put it in quotes"),
        ("name: - a", "a list's `-` begins a line of its own"),
    ],
)
def test_broken_syntax_is_told_in_plain_words(text: str, message: str) -> None:
    (found,) = says(text)
    assert found.startswith(message)
