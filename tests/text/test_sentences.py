"""Sentences: where they begin and end, and that none is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.text.sentences import LONGEST, sentences
from timing import least_seconds


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith paid $3.50 to J. R. Ott. He left.", ["Dr. Smith paid $3.50 to J. R. Ott.", "He left."]),
        ("He moved to Washington, D.C. He liked it.", ["He moved to Washington, D.C.", "He liked it."]),
        ("The U.S. Army came, e.g. by ship.", ["The U.S. Army came, e.g. by ship."]),
        ("See Fig. 3 now. He ate a fig. Then no. 7.", ["See Fig. 3 now.", "He ate a fig.", "Then no. 7."]),
        ('She said "Go." Then she went.', ['She said "Go."', "Then she went."]),
        ("Am 3. Oktober sprach Prof. Ott, z. B. in Ulm. Gut so.", [
            "Am 3. Oktober sprach Prof. Ott, z. B. in Ulm.", "Gut so.",
        ]),
        ("„Wirklich?“ Ja!", ["„Wirklich?“", "Ja!"]),
        ("中国人口很多。是吗？是！", ["中国人口很多。", "是吗？", "是！"]),
        ("「本当？」と言った。終わり", ["「本当？」と言った。", "終わり"]),
        ("Die Fa. Ott zahlt 5 Mio. Euro. Das ist viel. Es waren 5 Mio. Das reicht.", [
            "Die Fa. Ott zahlt 5 Mio. Euro.", "Das ist viel.", "Es waren 5 Mio.", "Das reicht.",
        ]),
        ("Der 1. FC siegte im 3. Spiel. Siehe Kap. 4.2. Er wurde 3. Sie auch.", [
            "Der 1. FC siegte im 3. Spiel.", "Siehe Kap. 4.2.", "Er wurde 3.", "Sie auch.",
        ]),
        ("他说：“你好。”走了。2020.5.1是星期五！真的吗？！", [
            "他说：“你好。”", "走了。", "2020.5.1是星期五！", "真的吗？！",
        ]),
        ("値段は3.5円です。「はい。」と言った。", ["値段は3.5円です。", "「はい。」と言った。"]),
        ("यह एक है। यह दो है।", ["यह एक है।", "यह दो है।"]),
        ("هل أنت هنا؟ نعم.", ["هل أنت هنا؟", "نعم."]),
        ("flow past a plate . the end .", ["flow past a plate .", "the end ."]),
        ("# Head\nSoft\nwrapped. Next.", ["# Head", "Soft\nwrapped.", "Next."]),
        ("- one item\n- two. More\n\n3. three", ["- one item", "- two.", "More", "3. three"]),
        ("```python\nx = 1. Y\n```\nAfter. It", ["```python", "x = 1. Y", "```", "After.", "It"]),
        ("| a. B | c |\n| d | e |", ["| a. B | c |", "| d | e |"]),
        ("Windows\r\nlines.\r\n\r\nNew", ["Windows\r\nlines.", "New"]),
        ("", []),
        (" \n\t\n", []),
    ],
)  # fmt: skip
def test_cuts_where_a_reader_would(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


def test_a_row_of_dots_takes_no_time() -> None:
    assert len(cut("Introduction " + "." * 100_000 + "x")) > 1
    assert least_seconds(lambda: cut("Introduction " + "." * 100_000 + "x")) < 1


def test_cuts_what_nobody_would_quote() -> None:
    text = ("a long clause without an end, " * 200).strip()
    pieces = cut(text)
    assert len(pieces) > 1
    assert all(len(piece) <= LONGEST and piece.endswith(",") for piece in pieces)


PIECES = st.sampled_from(
    ["Word", "is", " ", "  ", "\n", "\n\n", "\r\n", ".", "...", "?", "!", "。", "」", '"', ")", "Dr.", "3.",
     "z. B.", "```", "# ", "- ", "| ", "1. ", "水", "\u2028", "\u00a0", "\u200b", "😀", "[", "x" * 700]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=40).map("".join)))
def test_spans_are_ordered_disjoint_and_cover_everything(text: str) -> None:
    covered = [False] * len(text)
    last = 0
    for start, end in sentences(text):
        assert last <= start < end <= start + LONGEST
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        covered[start:end] = [True] * (end - start)
        last = end
    assert all(seen or text[at].isspace() for at, seen in enumerate(covered))


@pytest.mark.parametrize("unit", ["word ", ". ", "A. ", "\n", '."', "   ", "(", "1. ", "。", "```\n"])
def test_takes_linear_time(unit: str) -> None:
    assert least_seconds(lambda: sentences(unit * (400_000 // len(unit))), 1) < 5
