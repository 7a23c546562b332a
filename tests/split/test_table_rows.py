from __future__ import annotations

from typing import Any

import pytest

from ragbraid.split.table_rows import TableRows
from ragbraid.testing.splitter import demand_exact
from ragbraid.types import Chunk, Document

ROWS = [f'"Doe, J{i}",{i}.50,"two\r\nlines"' for i in range(40)]
CSV = "\r\n".join(['name,price,"a note"', *ROWS]) + "\r\n"


def chunks(text: str, source: str = "x.csv", **settings: Any) -> list[Chunk]:
    media_type = "text/markdown" if source.endswith(".md") else "text/plain"
    document = Document(source, text, {"title": "Prices"}, media_type=media_type)
    found = TableRows(**settings).open()([document])
    demand_exact(document, found)
    return found


def test_rows_are_whole_and_have_the_header_above_them() -> None:
    found = chunks(CSV, max_tokens=60)
    assert len(found) > 5
    assert found[0].text.startswith("name,price")
    assert found[0].context == ""
    assert {each.context for each in found[1:]} == {'name,price,"a note"'}
    assert [row for each in found for row in each.text.split("\r\n") if row.startswith('"')] == [
        row.split("\r\n")[0] for row in ROWS
    ]
    assert all(each.text.endswith('lines"') for each in found)


@pytest.mark.parametrize(("source", "separator"), [("x.tsv", "\t"), ("x.csv", ";"), ("x.csv", "|")])
def test_the_separator_is_found(source: str, separator: str) -> None:
    found = chunks(CSV.replace(",", separator), source, max_tokens=60)
    header = 'name,price,"a note"'.replace(",", separator).replace("\t", " ")
    assert {each.context for each in found[1:]} == {header}


def test_the_media_type_says_what_a_name_does_not() -> None:
    document = Document("export", CSV, media_type="text/csv")
    assert TableRows(max_tokens=60).open()([document])[1].context == 'name,price,"a note"'


def test_a_row_of_values_is_no_header() -> None:
    assert {each.context for each in chunks("1,a\n2,b\n" * 60, max_tokens=40)} == {""}


def test_a_quotation_mark_that_is_never_closed_tears_no_row() -> None:
    text = 'name,size\n"never closed,1\n' + 'disc,5"\nrow,2\n' * 40
    found = chunks(text, max_tokens=40)
    assert {each.text.split("\n")[-1] for each in found} <= {'disc,5"', "row,2"}


def test_a_long_row_is_cut_and_the_others_stay_whole() -> None:
    text = "name,note\nshort,row\nlong," + "many words " * 80 + "\nlast,row\n"
    found = [each.text for each in chunks(text, max_tokens=40)]
    assert found[0] == "name,note\nshort,row"
    assert found[-1] == "last,row"


def test_a_wide_header_takes_half_of_the_room() -> None:
    text = ",".join(f"column {i}" for i in range(100)) + "\n" + "a row, of words\n" * 50
    found = chunks(text, max_tokens=60)
    assert found[-1].context.startswith("column 0,column 1")
    assert "column 40" not in found[-1].context
    assert found[-1].text.count("\n") > 1


TABLE = "| Name | Price |\n|------|------:|\n" + "".join(f"| thing {i} | {i}.50 |\n" for i in range(40))


def test_tables_in_markdown_stand_apart() -> None:
    before = "Words before the table. " * 8
    found = chunks(f"# Shop\n\n{before}\n\n## Goods\n\nAll:\n\n{TABLE}\nAfter.", "x.md", max_tokens=80)
    assert [each.metadata["headings"] for each in found] == ["Shop", *["Shop > Goods"] * (len(found) - 1)]
    assert found[1].text.startswith("## Goods\n\nAll:\n\n| Name | Price |")
    assert found[1].context == ""
    assert {each.context for each in found[2:-1]} == {"| Name | Price |"}
    assert (found[-1].text, found[-1].context) == ("After.", "")


def test_context_adds_title_and_headings() -> None:
    found = chunks(f"# Shop\n\n{TABLE}", "x.md", max_tokens=80, context=True)
    assert {each.context for each in found[1:]} == {"Prices > Shop\n| Name | Price |"}
    assert {each.context for each in chunks(CSV, max_tokens=80, context=True)[1:]} == {
        'Prices\nname,price,"a note"'
    }
