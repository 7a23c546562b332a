"""Whatever the text, parsing gives a tree or says where and why not."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.parse import parse, parse_value
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.tree import List, Map, Node, Scalar
from soaking import count

EXAMPLES = count(200, 5_000)
PIECES = st.sampled_from(
    [
        *"[]{}:,-?#&*!|>'\"%@` \t\n\r\\~$<=.0a1é\u2028\ufeff\0\x85\ud800😀",
        "\n  ", "- ", ": ", "? ", "&a ", "*a", "!!str ", "<<: ", "---\n", "...\n", "%YAML 1.3\n", "no",
        "null", "0x", "1e9", "'a'", '"\\x"', '"\\ud800"', "ragbraid: 1\n", "search:\n", "${A:-b}", "$$",
    ]
)  # fmt: skip
NOISE = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=200)


def places(node: Node) -> list[tuple[int, int]]:
    """Line and column of every node and key."""
    found = [(node.place.line, node.place.column)]
    match node:
        case List(items=items):
            found += [each for inner in items for each in places(inner)]
        case Map(items=entries, keys=keys):
            assert entries.keys() == keys.keys()
            found += [(each.line, each.column) for each in keys.values()]
            found += [each for inner in entries.values() for each in places(inner)]
    return found


def inside(text: str, line: int, column: int) -> bool:
    """Whether a place stands in the text, or right after its end."""
    # YAML ends lines where Python doesn't, and the other way round; the widest of both is a bound.
    lines = text.replace("\r\n", "\n")
    ends = sum(lines.count(each) for each in "\n\r\x85\u2028\u2029")
    return 1 <= line <= ends + 2 and 1 <= column <= len(text) + 2


@settings(max_examples=EXAMPLES, deadline=None)
@given(NOISE)
def test_any_text_gives_a_tree_or_a_diagnostic_in_it(text: str) -> None:
    problems = Problems()
    root = parse(text, "noise.yaml", problems)
    assert root is not None or len(problems)
    for each in problems.sorted():
        assert each.message
        assert each.place.file == "noise.yaml"
        assert inside(text, each.place.line, each.place.column), each
    if root is not None:
        assert all(inside(text, line, column) for line, column in places(root))


@settings(max_examples=EXAMPLES, deadline=None)
@given(NOISE)
def test_the_same_text_gives_the_same(text: str) -> None:
    first, second = Problems(), Problems()
    assert parse_value(text, "f", first) == parse_value(text, "f", second) or "nan" in text.lower()
    assert first.sorted() == second.sorted()


TEXTS = st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore").decode())  # no halves
ATOMS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | TEXTS
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    ATOMS | FLOATS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(VALUES, st.booleans())
def test_plain_values_come_back_as_they_were(value: Any, flow: bool) -> None:
    # Quoted, since a dumper of YAML 1.1 leaves words bare that mean something else in 1.2, such as 1e5.
    text = yaml.dump(_quoted(value), Dumper=_Quoting, allow_unicode=True, default_flow_style=flow)
    problems = Problems()
    node = parse_value(text, "value.yaml", problems)
    assert not problems.sorted(), text
    assert node is not None
    assert as_python(node) == value, text
    assert _kinds(as_python(node)) == _kinds(value)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), st.integers() | st.booleans()))
def test_what_a_plain_dumper_writes_is_read(value: dict[str, Any]) -> None:
    named = {f"k-{name}": each for name, each in value.items()}
    node = parse_value(yaml.safe_dump(named), "value.yaml", Problems())
    assert node is not None
    assert as_python(node) == named


class _Text(str):
    __slots__ = ()


class _Quoting(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Quoting.add_representer(
    _Text, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')
)


def _quoted(value: Any) -> Any:
    match value:
        case str():
            return _Text(value)
        case list():
            return [_quoted(each) for each in value]
        case dict():
            return {_Text(key): _quoted(each) for key, each in value.items()}
        case _:
            return value


def _kinds(value: Any) -> Any:
    match value:
        case list():
            return [_kinds(each) for each in value]
        case dict():
            return {key: _kinds(each) for key, each in value.items()}
        case _:
            return type(value)


def test_scalars_keep_whether_they_were_plain() -> None:
    node = parse_value("[5, '5', five]", "f", Problems())
    assert isinstance(node, List)
    assert [(each.value, each.plain) for each in node.items if isinstance(each, Scalar)] == [
        (5, True),
        ("5", False),
        ("five", True),
    ]
