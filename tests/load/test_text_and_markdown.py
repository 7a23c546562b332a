from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.errors import LoadError
from ragbraid.load.decoding import decode
from ragbraid.load.files import Files
from ragbraid.load.front_matter import BrokenError, parse
from ragbraid.text.markdown import outline
from ragbraid.types import Document, SourceRef
from timing import least_seconds


def load(folder: Path, name: str, data: bytes | str) -> Document:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    (document,) = Files().load(SourceRef(name, str(folder / name)))
    return document


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.md"])
def test_a_byte_order_mark_settles_the_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    text = "Größe needle\r\n“x” 😀\ufeff inside stays"
    marked = text if encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32") else "\ufeff" + text
    document = load(tmp_path, name, marked.encode(encoding))
    assert document.text == text
    assert document.warnings == ()


def test_line_ends_are_untouched(tmp_path: Path) -> None:
    text = "one\r\ntwo\nthree\rfour\x0b\x85\u2028five\r\n\r\n"
    assert load(tmp_path, "a.txt", text).text == text
    assert load(tmp_path, "a.md", text).text == text


def test_angle_brackets_are_text(tmp_path: Path) -> None:
    text = "run tool <input> --to <output>, List<String> {{ x }} {% if %} <|im_start|>"
    assert load(tmp_path, "a.txt", text).text == text
    assert load(tmp_path, "a.md", text).text == text


def test_an_empty_file_is_an_empty_document(tmp_path: Path) -> None:
    assert load(tmp_path, "a.txt", b"").text == ""
    assert load(tmp_path, "a.md", b"\xef\xbb\xbf").text == ""


@pytest.mark.parametrize("data", [b"\x00\x01binary", b"a\0b", b"\xff\xfea", b"\xef\xbb\xbf\xff"])
def test_what_is_no_text_is_a_load_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LoadError) as caught:
        load(tmp_path, "a.txt", data)
    assert caught.value.hint


def test_a_guessed_encoding_is_told(tmp_path: Path) -> None:
    russian = "Привет, мир. Это обычный текст на русском языке, и его достаточно. " * 10
    document = load(tmp_path, "a.txt", russian.encode("cp1251"))
    assert document.text == russian
    (warning,) = document.warnings
    assert "cp1251" in warning


@pytest.mark.parametrize("text", ["Größe und Maß: ein Satz.", "café", "naïve “quote” – x", "<p>Größe"])
def test_a_short_western_text_is_not_taken_for_another_script(tmp_path: Path, text: str) -> None:
    document = load(tmp_path, "a.txt", text.encode("cp1252"))
    assert document.text == text
    assert "cp1252" in document.warnings[0]


@given(st.binary(max_size=200))
def test_decoding_never_replaces_a_character(data: bytes) -> None:
    try:
        text = decode(data).text
    except LoadError:
        return
    assert text.count("\ufffd") == 0 or b"\xef\xbf\xbd" in data or data[:2] in (b"\xff\xfe", b"\xfe\xff")


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_utf8_comes_back_as_it_was(text: str) -> None:
    assert decode(text.encode()) == (text.removeprefix("\ufeff"), "utf-8", None)


def test_the_locale_makes_no_difference(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("name,q\nA,“x”\n".encode())
    code = (
        "import sys; from pathlib import Path; from ragbraid.load.files import Files\n"
        "for ref in Files().scan([sys.argv[1]], Path(sys.argv[1])):\n"
        "    for each in Files().load(ref): sys.stdout.buffer.write(each.text.encode())"
    )
    locale = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, **locale, "PYTHONPATH": "src"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert done.stdout == "name,q\nA,“x”\n".encode()


FRONT = "---\ntitle: A: page\ndate: 2024-01-31\ntags: [a, b]\nlang: de\n---\n# Body\nneedle"


def test_front_matter_becomes_metadata_and_no_body(tmp_path: Path) -> None:
    text = FRONT.replace("A: page", '"A: page"').replace("\n", "\r\n")
    document = load(tmp_path, "a.mdx", text)
    assert document.text == text
    assert document.text[document.body :] == "# Body\r\nneedle"
    assert document.metadata == {"title": "A: page", "date": "2024-01-31", "tags": ["a", "b"], "lang": "de"}
    assert document.media_type == "text/markdown"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("---\ntitle: a: b\n\timage: x\n---\n# Body\nneedle", 2),
        ("---\na: 1\nb: [1, 2\n---\n# Body\nneedle", 4),
        ("---\na: &x [1]\nb: *x\n---\n# Body\nneedle", 3),
        ("---\na: " + "[" * 40 + "]" * 40 + "\n---\n# Body\nneedle", 2),
        ("---\na: " + "[" * 9000 + "\n---\n# Body\nneedle", 2),
        ("---\ndate: 2024-13-45\n---\n# Body\nneedle", 2),
        ("---\ntitle: never closed\n\n# Body\nneedle", 1),
    ],
)
def test_broken_front_matter_is_told_and_the_body_stays(tmp_path: Path, text: str, line: int) -> None:
    document = load(tmp_path, "a.md", text)
    assert document.body == 0
    assert document.metadata == {"title": "Body"}
    (warning,) = document.warnings
    assert warning.startswith(f"line {line}: ")


_SIGNS = st.sampled_from(["[", "{", "}", "]", "{a: ", "a: ", "? ", "- ", "\n", "\n  ", "b", ", ", "&x "])


@given(st.lists(st.tuples(_SIGNS, st.integers(1, 20))))
def test_whatever_front_matter_says_it_is_not_deep(parts: list[tuple[str, int]]) -> None:
    def depth(value: object) -> int:
        held = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if held is None else 1 + max(map(depth, held), default=0)

    text = "a: " + "".join(sign * count for sign, count in parts)
    try:
        value = parse(text)
    except BrokenError:
        return
    assert depth(value) <= 16


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nProse after a rule.\n\n---\nmore",
        "---\nJust prose here\n---\nmore",
        "----\na: b\n---\n",
        "---",
        " ---\na: b\n---\n",
    ],
)
def test_a_rule_is_no_front_matter(tmp_path: Path, text: str) -> None:
    document = load(tmp_path, "a.md", text)
    assert (document.body, document.warnings) == (0, ())


def test_an_empty_front_matter_is_one(tmp_path: Path) -> None:
    assert load(tmp_path, "a.md", "---\n---\nneedle").body == 8


def test_front_matter_can_not_set_what_the_index_answers_for(tmp_path: Path) -> None:
    document = load(tmp_path, "a.md", "---\nsource: x\npage: 3\nid: y\n1: z\n---\nneedle")
    assert document.metadata == {"id": "y", "1": "z"}
    assert "page, source" in document.warnings[0]


def test_a_title_that_is_a_number_is_text(tmp_path: Path) -> None:
    assert load(tmp_path, "a.md", "---\ntitle: 2024\nlang:\n---\nx").metadata == {"title": "2024"}


def test_mdx_is_left_as_it_is(tmp_path: Path) -> None:
    text = '---\ntitle: x\n---\nimport X from "./x"\n\n<Tabs>\n  <X a={b} />\n</Tabs>\n'
    document = load(tmp_path, "a.mdx", text)
    assert document.text == text


@pytest.mark.parametrize(
    "fence",
    [
        "```py\n# fake\n```````\n\n",
        "   ```\n# fake\n  ```\n\n",
        "~~~ a`b\n# fake\n```\n# fake\n~~~~\n\n",
        "````\n```\n# fake\n````\n",
    ],
)
def test_hashes_in_code_are_no_headings(fence: str) -> None:
    assert [each.text for each in outline(f"# Real\n\n{fence}# Next").headings] == ["Real", "Next"]


def test_a_fence_that_is_never_closed_reaches_to_the_end() -> None:
    text = "# Real\n\n```\n# fake\n``` not closed\n# fake\n"
    found = outline(text)
    assert [each.text for each in found.headings] == ["Real"]
    assert found.fences == ((8, len(text)),)


def test_headings_of_every_form() -> None:
    text = "Title\r\n=====\r\n\r\n## Sub ##\r\n#no heading\r#\tTab\n\nSub two\n---\n\n"
    text += "| a |\n---\n\n- item\n---\n    # code\n#"
    found = [(each.level, each.text) for each in outline(text).headings]
    assert found == [(1, "Title"), (2, "Sub"), (1, "Tab"), (2, "Sub two"), (1, "")]
    assert all(text[each.start :].startswith(("Title", "#", "Sub")) for each in outline(text).headings)


def test_underlines_without_end_take_no_long_time() -> None:
    assert outline("=\n" * 300_000).headings == ()
    assert outline("x" * 2000 + "\n===").headings == ()


def test_the_first_heading_is_the_title(tmp_path: Path) -> None:
    assert load(tmp_path, "a.md", "```\n# fake\n```\n\n## Real *one*\n").metadata == {"title": "Real *one*"}
    assert load(tmp_path, "a.md", "no heading").metadata == {}


def test_what_no_index_can_store_does_not_cost_the_file(tmp_path: Path) -> None:
    text = "---\nbig: 99999999999999999999\n$set: 1\nin: {$or: x}\n---\nneedle"
    document = load(tmp_path, "a.md", text)
    assert document.metadata == {"big": "99999999999999999999", "in": {"or": "x"}}
    assert document.warnings == ("line 1: the front matter can't set $set",)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("On wings\n\nA wing lifts.", "On wings"),
        ("\n  On wings \r\n\r\nA wing lifts.", "On wings"),
        ("On wings\nA wing lifts.\n\nMore.", None),
        ("A line alone", None),
        ("A line alone\n\n\n", None),
        ("w" * 201 + "\n\nA wing lifts.", None),
        ("", None),
    ],
)
def test_a_first_line_that_stands_alone_is_the_title(tmp_path: Path, text: str, title: str | None) -> None:
    document = load(tmp_path, "a.txt", text)
    assert (document.text, document.metadata.get("title")) == (text, title)


def test_a_long_first_line_takes_no_long_time(tmp_path: Path) -> None:
    text = " " * 100_000 + "a " * 100_000 + "\n \n" * 100_000
    assert least_seconds(lambda: load(tmp_path, "a.txt", text), 1) < 5
