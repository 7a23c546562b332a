"""Tables: each record a document, cited by its row, whatever the file looks like."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from commandline import environment
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ragbraid.errors import LoadError
from ragbraid.load import delimited, text_lines
from ragbraid.load.protocol import Loader
from ragbraid.load.rows import Rows
from ragbraid.testing.loader import LoaderConformance
from ragbraid.types import Document, Skipped, SourceRef


class TestRowsConforms(LoaderConformance):
    def loader(self) -> Loader:
        return Rows()

    def write(self, folder: Path) -> Sequence[str]:
        (folder / "data" / "deep").mkdir(parents=True)
        (folder / "data/a.csv").write_text("x,y\n1,2\n")
        (folder / "data/deep/b.jsonl").write_text('{"x": 1}\n')
        (folder / "data/picture.png").write_bytes(b"x")
        return [str(folder / "data")]


def read(folder: Path, name: str, data: bytes, **settings: Any) -> list[Document]:
    (folder / name).write_bytes(data)
    (ref,) = Rows(**settings).scan([str(folder / name)], folder)
    assert isinstance(ref, SourceRef)
    return list(Rows(**settings).load(ref))


def texts(documents: Sequence[Document]) -> dict[str, str]:
    return {each.source.partition("#")[2]: each.text for each in documents}


def test_every_column_that_is_not_empty_is_a_line(tmp_path: Path) -> None:
    found = read(tmp_path, "p.csv", b"name,born,bio\nAda,1815,Mathematician\nBo,,Poet\n,,\n")
    assert texts(found) == {
        "row=2": "name: Ada\nborn: 1815\nbio: Mathematician",
        "row=3": "name: Bo\nbio: Poet",
    }
    assert [each.metadata for each in found] == [{"row": 2}, {"row": 3}]
    assert {each.source.partition("#")[0] for each in found} == {"p.csv"}


def test_a_template_says_what_is_text_and_what_is_metadata(tmp_path: Path) -> None:
    data = b"key,name,year,bio\na7,Ada,1815,wrote {programs}\n"
    (found,) = read(
        tmp_path, "p.csv", data, text="{name}: {bio} {{sic}}", metadata=("year",), id="key", title="name"
    )
    assert found.source == "p.csv#id=a7"
    assert found.text == "Ada: wrote {programs} {sic}"
    assert found.metadata == {"year": "1815", "title": "Ada", "row": 2}
    (found,) = read(tmp_path, "p.csv", data, metadata="all")
    assert found.metadata == {
        "key": "a7", "name": "Ada", "year": "1815", "bio": "wrote {programs}", "row": 2
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"text": "{name"}, "a single { at character 1"),
        ({"text": "name}"}, "a single } at character 5"),
        ({"text": "{}"}, "a single {"),
        ({"text": " "}, "text is empty"),
        ({"metadata": ("source",)}, "metadata can't be named 'source'"),
        ({"delimiter": ";;"}, "delimiter wants one character"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{").replace("}", r"\}")):
        Rows(**settings)


@pytest.mark.parametrize("settings", [{"text": "{bio}"}, {"id": "bio"}])
@pytest.mark.parametrize(("name", "data"), [("a.csv", b"name,q\nx,y\n"), ("a.jsonl", b'{"name": 1, "q": 2}')])
def test_a_column_that_is_not_there_is_named_with_those_that_are(
    tmp_path: Path, settings: dict[str, Any], name: str, data: bytes
) -> None:
    with pytest.raises(LoadError, match="no column 'bio': it has name, q"):
        read(tmp_path, name, data, **settings)


def test_metadata_that_a_table_lacks_is_told_once(tmp_path: Path) -> None:
    for name, data in (("a.csv", b"name\nx\ny\n"), ("a.jsonl", b'{"name": 1}\n{"name": 2}\n')):
        found = read(tmp_path, name, data, metadata=("year", "name"), title="what")
        assert [each.warnings for each in found] == [
            (), ("it has no column 'year'", "it has no column 'what'")
        ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_endings(tmp_path: Path, encoding: str, newline: str) -> None:
    text = newline.join(["name,q", "Größe und “x” über die Straße hinaus,schöne Grüße"]) + newline
    data = text.encode(encoding)
    if encoding == "utf-16-be":
        data = b"\xfe\xff" + data
    (found,) = read(tmp_path, "a.csv", data)
    assert found.text == "name: Größe und “x” über die Straße hinaus\nq: schöne Grüße"
    assert [each for each in found.warnings if "guessed" in each] == (
        list(found.warnings) if encoding == "cp1252" else []
    )


def test_a_mark_is_no_part_of_a_quoted_header_and_stays_in_a_value(tmp_path: Path) -> None:
    data = '\ufeff"Name, full",Age\r\n"Doe, J\ufeff",5\r\n'.encode()
    (found,) = read(tmp_path, "a.csv", data)
    assert found.text == "Name, full: Doe, J\ufeff\nAge: 5"


def test_binary_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="binary"):
        read(tmp_path, "a.csv", b"a,b\n\0\1,2\n")


def test_ragged_rows_quoted_newlines_empty_lines_and_huge_fields(tmp_path: Path) -> None:
    huge = "x" * 200_000
    data = f'a,b,c\n1,2\n1,2,3,4\n"multi\nline",x,y\n\n{huge},p,q\n'.encode()
    found = read(tmp_path, "a.csv", data)
    assert texts(found) == {
        "row=2": "a: 1\nb: 2",
        "row=3": "a: 1\nb: 2\nc: 3\ncolumn 4: 4",
        "row=4": "a: multi\nline\nb: x\nc: y",
        "row=6": f"a: {huge}\nb: p\nc: q",
    }
    assert found[-1].warnings == ("row 2 has 2 cells, and the first one 3; so it is with 1 more",)


def test_a_quotation_mark_that_is_never_closed_loses_no_word(tmp_path: Path) -> None:
    found = read(tmp_path, "a.csv", b'a,b\n1,2\n"open,3\n4,5\n')
    assert "open,3\n4,5" in found[-1].text
    assert "row 3: a quotation mark is never closed" in found[-1].warnings[0]
    *_, last = read(tmp_path, "a.csv", b'a,b\n1,2\n"open,3\n')
    assert "row 3: a quotation mark is never closed" in last.warnings[0]
    (pipe,) = read(tmp_path, "a.csv", b'a,b\n5" pipe,3\n')
    assert (pipe.text, pipe.warnings) == ('a: 5" pipe\nb: 3', ())


@pytest.mark.parametrize(
    ("head", "row"), [("a;b", "1,5;2"), ("a\tb", "1,5\t2"), ("a|b", "1,5|2"), ("sep=;\na;b", "1,5;2")]
)
def test_the_delimiter_is_told_from_the_text(tmp_path: Path, head: str, row: str) -> None:
    (found,) = read(tmp_path, "a.csv", f"{head}\n{row}\n".encode())
    assert found.text == "a: 1,5\nb: 2"


def test_tsv_given_delimiters_and_tables_without_a_header(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "a.tsv", b"a,b\tc\n1\t2\n")
    assert found.text == "a,b: 1\nc: 2"
    (found,) = read(tmp_path, "a.csv", b"a:b\n1:2,3,4,5\n", delimiter=":")
    assert found.text == "a: 1\nb: 2,3,4,5"
    assert texts(read(tmp_path, "a.csv", b"1,2\n3,4\n", header=False)) == {
        "row=1": "column 1: 1\ncolumn 2: 2",
        "row=2": "column 1: 3\ncolumn 2: 4",
    }


def test_columns_without_a_name_or_with_the_same_one(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "a.csv", b"a,,a, b \n1,2,3,4\n")
    assert found.text == "a: 1\ncolumn 2: 2\na 3: 3\nb: 4"


@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n"])
def test_blank_lines_of_jsonl_are_no_records(tmp_path: Path, end: str) -> None:
    found = read(tmp_path, "a.jsonl", ('{"text":"a"}\n\n   \n{"text":"b"}' + end).encode())
    assert texts(found) == {"row=1": "text: a", "row=4": "text: b"}
    assert found[-1].warnings == ()


def test_json_keeps_its_types_and_what_is_nested_is_reached(tmp_path: Path) -> None:
    record = {
        "n": 3,
        "f": 1.5,
        "ok": True,
        "tags": ["a", "b"],
        "who": {"name": "Ada", "born": 1815},
        "no": None,
    }
    (found,) = read(
        tmp_path, "a.jsonl", json.dumps(record).encode(), metadata=("n", "f", "ok", "tags", "who", "who.born")
    )
    assert found.text == "n: 3\nf: 1.5\nok: true\ntags: a, b\nwho.name: Ada\nwho.born: 1815"
    assert found.metadata == {
        "n": 3, "f": 1.5, "ok": True, "tags": ["a", "b"], "who": {"name": "Ada", "born": 1815},
        "who.born": 1815, "row": 1,
    }  # fmt: skip
    (found,) = read(tmp_path, "a.jsonl", json.dumps(record).encode(), text="{who.name} {n}")
    assert found.text == "Ada 3"


def test_lines_that_are_no_json_are_told_and_the_others_read(tmp_path: Path) -> None:
    deep = b"[" * 100_000
    data = b'{"a": 1}\n{"a": \nplain\n' + deep + b'\n"a text"\n{"a": "\\ud83d x"}\n'
    found = read(tmp_path, "a.ndjson", data)
    assert texts(found) == {"row=1": "a: 1", "row=5": "text: a text", "row=6": "a: \ufffd x"}
    assert found[-1].warnings == ("row 2 isn't JSON, and was left out; so it is with 2 more",)


def test_ids_that_occur_twice_or_not_at_all_fall_back_to_rows(tmp_path: Path) -> None:
    found = read(tmp_path, "a.csv", b"k,v\nx,1\nx,2\n,3\n", id="k")
    assert [each.source for each in found] == ["a.csv#id=x", "a.csv#row=3", "a.csv#row=4"]
    assert found[-1].warnings == ("row 3 has the id of row 2, and goes by its number",)


def test_parquet_with_its_types(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    day = datetime.date(2024, 1, 31)
    table = pyarrow.table({"name": ["Ada", None], "born": [1815, 2], "day": [day, day], "tags": [["x"], []]})
    target = io.BytesIO()
    parquet.write_table(table, target, row_group_size=1)
    found = read(tmp_path, "a.parquet", target.getvalue(), metadata=("born", "day"))
    assert texts(found) == {
        "row=1": "name: Ada\nborn: 1815\nday: 2024-01-31\ntags: x",
        "row=2": "born: 2\nday: 2024-01-31",
    }
    assert found[0].metadata == {"born": 1815, "day": day, "row": 1}
    with pytest.raises(LoadError, match="no Parquet file"):
        read(tmp_path, "b.parquet", b"PAR1 not really PAR1")


def test_parquet_times_finer_than_python_has_are_cut(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moment = pa.array([1_700_000_000_123_456_789])
    table = pa.table({
        "at": moment.cast(pa.timestamp("ns")), "utc": moment.cast(pa.timestamp("ns", tz="UTC")),
        "day": pa.array([123_456_789]).cast(pa.time64("ns")), "n": [1],
    })  # fmt: skip
    target = io.BytesIO()
    parquet.write_table(table, target)
    (found,) = read(tmp_path, "a.parquet", target.getvalue(), metadata=("at", "utc"))
    when = datetime.datetime(2023, 11, 14, 22, 13, 20, 123456)
    assert (found.metadata["at"], found.metadata["utc"]) == (when, when.replace(tzinfo=datetime.UTC))
    assert "day: 00:00:00.123456\nn: 1" in found.text


def test_a_file_in_which_nothing_is_a_record_fails(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no record in it: row 1 isn't JSON"):
        read(tmp_path, "a.jsonl", b'[\n  {"a": 1},\n')
    assert read(tmp_path, "a.csv", b"") == read(tmp_path, "a.csv", b"a,b\n") == []


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a,b\n" + b"x" * 5000, "A line of it"), (b'a,b\n"open,1\n' + b"x,y\n" * 2000, "A record of it")],
)
def test_lines_and_records_without_an_end_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, said: str
) -> None:
    monkeypatch.setattr(text_lines, "LONGEST", 4000)
    monkeypatch.setattr(delimited, "LONGEST", 4000)
    with pytest.raises(LoadError, match=f"{said}.* has more than 4,000 characters"):
        read(tmp_path, "a.csv", data)


def test_long_texts_are_no_metadata_unless_they_are_named(tmp_path: Path) -> None:
    data = b"a,b\nx," + b"y" * 600 + b"\n"
    (found,) = read(tmp_path, "a.csv", data, metadata="all", id="b")
    assert found.metadata == {"a": "x", "row": 2}
    assert found.source == "a.csv#row=2", "nor names"
    (found,) = read(tmp_path, "a.csv", data, metadata=("b",))
    assert len(found.metadata["b"]) == 600


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=8), st.sampled_from([",", ";", "\t", "|"]))
@example([["\r"]], ",")
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_that_csv_writes_is_read_cell_by_cell(
    tmp_path: Path, rows: list[list[str]], delimiter: str
) -> None:
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=delimiter)
    writer.writerow(["first", "second", "third"])
    writer.writerows(rows)
    found = read(tmp_path, "a.csv", target.getvalue().encode(), delimiter=delimiter)
    names = ["first", "second", "third", "column 4", "column 5"]
    expected = {}
    for number, cells in enumerate(rows, 2):
        lines = [f"{name}: {cell.strip()}" for name, cell in zip(names, cells, strict=False) if cell.strip()]
        if lines:
            expected[f"row={number}"] = "\n".join(lines)
    assert texts(found) == expected


@given(st.binary(max_size=400), st.sampled_from(["a.csv", "a.tsv", "a.jsonl", "a.parquet"]))
@hypothesis_settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_records_or_a_reason(tmp_path: Path, data: bytes, name: str) -> None:
    with contextlib.suppress(LoadError):
        for document in read(tmp_path, name, data, metadata="all"):
            document.text.encode()


def test_what_is_no_table_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.txt").write_text("x")
    found = list(Rows(exclude=("c*",)).scan([str(tmp_path)], tmp_path))
    assert [each.source for each in found if isinstance(each, Skipped)] == ["b.txt"]


def test_the_locale_says_nothing_about_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("name,q\nA,“x”\n".encode())
    code = "from ragbraid.load.rows import Rows; from ragbraid.types import SourceRef\n" \
        "print(ascii([each.text for each in Rows().load(SourceRef('a.csv', 'a.csv'))]))"  # fmt: skip
    locale = {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(**locale), capture_output=True, text=True
    )
    assert done.stdout.strip() == ascii(["name: A\nq: “x”"]), done.stderr
