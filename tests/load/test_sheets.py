from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import writing
from reading import documents, load

from ragbraid.errors import LoadError


def book(target: Any) -> None:
    sheet = target.active
    sheet.title = "Costs"
    sheet["A1"] = "Report"
    sheet.merge_cells("A1:C1")
    sheet.append(["Date", "Amount", "Note"])
    sheet.append([datetime.date(2024, 1, 31), 5, "two\nlines"])
    sheet.append(["open", 0.5, None])
    sheet.append([datetime.datetime(2024, 2, 1, 12, 30), True, "x"])
    other = target.create_sheet("Other & more")
    other["B3"] = "needle"
    target.create_sheet("Empty")


def test_every_row_says_where_it_stands_and_what_its_cells_are(tmp_path: Path) -> None:
    costs, other = documents(tmp_path, "a.xlsx", writing.xlsx(book))
    assert (costs.source, other.source) == ("a.xlsx#sheet=Costs", "a.xlsx#sheet=Other & more")
    assert costs.metadata["sheet"] == "Costs"
    assert costs.text.splitlines() == [
        "Row 1: Report",
        "Row 2: Date; Amount; Note",
        "Row 3: Date: 2024-01-31; Amount: 5; Note: two lines",
        "Row 4: Date: open; Amount: 0.5",
        "Row 5: Date: 2024-02-01 12:30:00; Amount: true; Note: x",
    ]
    assert other.text == "Row 3: needle"


def test_a_form_has_no_header(tmp_path: Path) -> None:
    def form(target: Any) -> None:
        for row in (["Name", "Ada"], ["Born", 1815], [], ["Only this"]):
            target.active.append(row)

    lines = load(tmp_path, "a.xlsx", writing.xlsx(form)).text.splitlines()
    assert lines == ["Row 1: Name; Ada", "Row 2: Born; 1815", "Row 4: Only this"]


def test_two_columns_with_a_header(tmp_path: Path) -> None:
    def table(target: Any) -> None:
        for row in (["Name", "Born"], ["Ada", 1815], ["Alan", 1912]):
            target.active.append(row)

    text = load(tmp_path, "a.xlsx", writing.xlsx(table)).text
    assert text.endswith("Row 3: Name: Alan; Born: 1912")


@pytest.mark.parametrize(
    ("header", "last"),
    [
        ([["Region", 2023, 2024]], "Region: South; 2023: 4; 2024: 5"),
        ([["Region", "2023", None], [None, "Q1", "Q2"]], "Region: South; 2023 Q1: 4; 2023 Q2: 5"),
        ([["Sales", None, None], ["Region", "Q1", "Q2"]], "Region: South; Q1: 4; Q2: 5"),
    ],
)
def test_headers_of_years_and_of_two_rows(tmp_path: Path, header: list[Any], last: str) -> None:
    def table(target: Any) -> None:
        for row in (*header, ["North", 1, 2], ["South", 4, 5]):
            target.active.append(row)

    text = load(tmp_path, "a.xlsx", writing.xlsx(table)).text
    assert text.endswith(f"Row {len(header) + 2}: {last}")


def test_dates_of_an_open_document(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        return f"<table:table-row>{''.join(cells)}</table:table-row>"

    def cell(text: str, value: str = 'office:value-type="string"') -> str:
        return f"<table:table-cell {value}><text:p>{text}</text:p></table:table-cell>"

    date = 'office:value-type="date" office:date-value="2024-01-31"'
    dated = row(cell("31.01.24", date), cell("Ann"))
    rows = row(cell("Date"), cell("Who")) + dated * 2
    table = f'<table:table table:name="T">{rows}</table:table>'
    assert load(tmp_path, "a.ods", writing.odf("spreadsheet", table)).text.endswith(
        "Date: 2024-01-31; Who: Ann"
    )


def test_an_empty_book_says_so(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^Its sheets are empty\."):
        load(tmp_path, "a.xlsx", writing.xlsx(lambda target: None))
