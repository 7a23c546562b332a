from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragbraid.load.files import Files
from ragbraid.split.markdown import Markdown
from ragbraid.testing.splitter import demand_exact
from ragbraid.text.context import embedded
from ragbraid.types import Chunk, Document


def chunks(text: str, title: str = "", **settings: Any) -> list[Chunk]:
    metadata = {"title": title} if title else {}
    document = Document("x.md", text, metadata, media_type="text/markdown")
    found = Markdown(**settings).open()([document])
    demand_exact(document, found)
    return found


def paths(text: str, **settings: Any) -> list[tuple[str, str]]:
    return [(each.metadata.get("headings", ""), each.text) for each in chunks(text, **settings)]


BOOK = (
    "Before.\n\n# Guide\n\nIntro.\n\n## Install\n\nSteps.\n\n### Linux\n\nMore.\n\n## Use\n\nUse it."
    "\n\n# End\n\nBye."
)


def test_a_chunk_is_called_by_its_headings() -> None:
    assert [path for path, _ in paths(BOOK)] == [
        "", "Guide", "Guide > Install", "Guide > Install > Linux", "Guide > Use", "End",
    ]  # fmt: skip


def test_parts_of_a_long_section_have_its_path() -> None:
    text = "# A\n\n" + "Some words here. " * 60 + "\n\n# B\n\nEnd"
    found = paths(text, max_tokens=40)
    assert len(found) > 5
    assert {path for path, _ in found[:-1]} == {"A"}
    assert found[-1] == ("B", "# B\n\nEnd")


def test_a_heading_without_text_stays_with_the_section_below_it() -> None:
    text = "# A\n## B\n### C\nText\n## D\n# E\n\nEnd"
    assert paths(text) == [("A > B > C", "# A\n## B\n### C\nText"), ("A > D", "## D"), ("E", "# E\n\nEnd")]


def test_merged_sections_have_what_they_have_in_common() -> None:
    assert paths(BOOK, merge=True) == [
        ("", "Before."),
        ("Guide", BOOK[9 : BOOK.index("# End")].strip()),
        ("End", "# End\n\nBye."),
    ]
    sections = "".join(f"## S{i}\n\n" + f"Words of {i}. " * 4 + "\n\n" for i in range(6))
    found = paths("# A\n\nIntro.\n\n" + sections + "# B\n\nText", merge=True, max_tokens=60)
    assert [path for path, _ in found] == ["A", "A", "A", "B"]
    assert all(text.startswith("## S") and text.count("##") > 1 for _, text in found[1:-1])


@pytest.mark.parametrize(
    "fence",
    ["````python\n# fake\n```\n# fake\n````\n\n", "   ```\n# fake\n   ```\n\n", "~~~\n```\n# fake\n~~~\n\n"],
)
def test_a_hash_in_code_is_no_heading(fence: str) -> None:
    text = f"# Real\n\n{fence}# Next\n\nText"
    assert paths(text) == [("Real", f"# Real\n\n{fence.rstrip()}"), ("Next", "# Next\n\nText")]


def test_a_fence_that_is_never_closed_reaches_to_the_end() -> None:
    text = "# Real\n\n```\n# fake\n\n" + "code = 1\n\n# also fake\n" * 60
    assert {path for path, _ in paths(text, max_tokens=40)} == {"Real"}


def test_a_page_keeps_the_title_of_the_section_above(tmp_path: Path) -> None:
    html = b"<h1>Chapter 1</h1><p>Intro</p><h2>Sec 1.1</h2><p>needle</p><h1>Chapter 2</h1><p>x</p>"
    (tmp_path / "x.html").write_bytes(html)
    files = Files()
    (ref,) = files.scan([str(tmp_path)], tmp_path)
    found = Markdown().open()([*files.load(ref)])  # type: ignore[arg-type]
    assert [each.metadata["headings"] for each in found if "needle" in each.text] == ["Chapter 1 > Sec 1.1"]
    assert [each.metadata["headings"] for each in found if "x" in each.text] == ["Chapter 2"]


ROWS = "".join(f"| thing {i} | {i}.50 |\n" for i in range(40))
TABLE = f"| Name | Price |\n|------|------:|\n{ROWS}"


def test_tables_and_fences_are_torn_only_where_they_do_not_fit() -> None:
    table = "| Name | Price |\n|--|--|\n| a thing. Or two | 1.50 |\n| b | 2.50 |"
    fence = "```python\ndef f():\n\n    return 1\n```"
    text = "# A\n\n" + "\n\n".join(
        f"Some words {i}. And more of them.\n\n{table}\n\n{fence}" for i in range(9)
    )
    for chunk in chunks(text, max_tokens=60):
        assert chunk.text.count("```") % 2 == 0
        assert chunk.text.count("| Name") == chunk.text.count("| b |")


def test_a_torn_table_is_embedded_with_its_header() -> None:
    found = chunks(f"# Prices\n\nAs of today:\n\n{TABLE}\nAnd so on.", max_tokens=60)
    assert len(found) > 4
    assert found[0].text.startswith("# Prices")
    assert found[0].context == ""
    for chunk in found[1:]:
        assert chunk.context == "| Name | Price |"
        assert chunk.text.startswith("| thing")
    assert all(
        row in {line for each in found for line in each.text.splitlines()} for row in ROWS.splitlines()
    )


def test_context_is_the_title_and_the_headings_that_are_not_in_the_text() -> None:
    text = "# Guide\n\n## Install\n\n" + "Some words here. " * 40
    found = chunks(text, "Manual", context=True, max_tokens=60)
    assert [each.context for each in found] == ["Manual", *["Manual > Guide > Install"] * (len(found) - 1)]
    assert embedded(found[1]) == f"Manual > Guide > Install\n{found[1].text}"


def test_a_title_that_is_the_first_heading_is_said_once() -> None:
    found = chunks(
        "# Guide\n\n## Install\n\n" + "Some words here. " * 40, "Guide", context=True, max_tokens=60
    )
    assert {each.context for each in found[1:]} == {"Guide > Install"}


def test_a_long_path_loses_its_outermost_parts() -> None:
    headings = "".join(f"{'#' * i} {'word ' * 8}{i}\n" for i in range(1, 7))
    found = chunks(headings + "\nSome words here. " * 40, "Manual", context=True, max_tokens=60)
    assert found[-1].context.endswith("word 6")
    assert "1" not in found[-1].context
    assert found[-1].metadata["headings"].count(">") == 5


def test_what_is_no_markdown_has_no_headings() -> None:
    found = Markdown().open()([Document("x.txt", "# no heading\n\ntext")])
    assert [(each.text, each.metadata) for each in found] == [("# no heading\n\ntext", {})]
