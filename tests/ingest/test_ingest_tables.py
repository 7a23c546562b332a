"""Tables on their way into a real index: shared between loaders, synced as files, in parts where large."""

from __future__ import annotations

import datetime
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commandline import environment
from loading import Bench

from ragbraid.errors import InputError
from ragbraid.index import reading
from ragbraid.ingest import prepare as preparing
from ragbraid.types import Scope
from soaking import FULL


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, {"type": "files"}, {"type": "rows", "metadata": ["year"]}, fields={"year": "int"})
    yield made
    made.pipeline.close()


def test_a_table_is_read_by_rows_and_all_else_by_files(bench: Bench) -> None:
    bench.write("d/people.csv", "name,year\nAda,1815\nBo,1990\n")
    bench.write("d/notes.md", "# Notes\n\nAda wrote it.\n")
    (bench.folder / "d/picture.heif").write_bytes(b"x")
    assert bench.ingest() == {"new": 2, "embedded": 3, "skipped": 1}
    assert bench.report.skipped[0].reason == "its format (.heif) isn't one that is read"
    assert bench.sources() == ["d/notes.md", "d/people.csv#row=2", "d/people.csv#row=3"]
    (hit,) = bench.search("1815")
    assert (hit.source, hit.metadata["row"], hit.metadata["year"]) == ("d/people.csv#row=2", 2, 1815)
    assert {hit.source for hit in bench.search("ada bo year", filter={"year": {"$gt": 1900}})} == {
        "d/people.csv#row=3"
    }
    assert bench.ingest() == {"unchanged": 2, "skipped": 1}
    assert bench.pipeline.status().stale == ()


def test_the_loader_that_names_a_table_wins_and_a_tie_is_an_error(tmp_path: Path) -> None:
    made = Bench(tmp_path, {"type": "rows", "include": ["special.csv"], "text": "Special {a}"},
                 {"type": "rows"})  # fmt: skip
    made.write("d/special.csv", "a\nx\n")
    made.write("d/other.csv", "a\ny\n")
    assert made.ingest() == {"new": 2, "embedded": 2}
    assert [hit.text for hit in made.search("special x y")] == ["Special x", "a: y"]
    tied = Bench(tmp_path, {"type": "rows", "id": "a"}, {"type": "rows"})
    with pytest.raises(InputError, match=r"Two loaders of this pipeline read d/other\.csv"):
        tied.ingest()


def test_a_table_too_large_for_rows_is_not_read_as_a_text(tmp_path: Path) -> None:
    made = Bench(tmp_path, {"type": "files"}, {"type": "rows", "max_mb": 0.00001})
    made.write("d/a.csv", "a\nlonger than ten bytes\n")
    assert made.ingest() == {"skipped": 1}


def test_250_records_of_one_source_are_left_alone(bench: Bench) -> None:
    bench.write("d/a.csv", "a,year\n" + "".join(f"text {n},{n}\n" for n in range(250)))
    assert bench.ingest() == {"new": 1, "embedded": 250}
    assert bench.ingest() == {"unchanged": 1}
    (bench.folder / "d/a.csv").touch()
    assert bench.ingest() == {"unchanged": 1}


def test_changed_moved_and_deleted_tables(bench: Bench) -> None:
    bench.write("d/a.csv", "a\none\ntwo\n")
    bench.write("d/b.csv", "a\nthree\n")
    bench.ingest()
    bench.write("d/a.csv", "a\none\nzwei\n")
    assert bench.ingest() == {"changed": 1, "unchanged": 1, "embedded": 1}
    (bench.folder / "d/a.csv").rename(bench.folder / "d/c.csv")
    assert bench.ingest() == {"renamed": 1, "unchanged": 1}
    assert bench.sources() == ["d/b.csv#row=2", "d/c.csv#row=2", "d/c.csv#row=3"]
    (bench.folder / "d/c.csv").unlink()
    assert bench.pipeline.status().gone == ("d/c.csv",)
    assert bench.ingest() == {"unchanged": 1, "gone": 1}
    assert bench.ingest(prune=True) == {"unchanged": 1, "removed": 1}
    assert bench.sources() == ["d/b.csv#row=2"]


def test_fields_make_numbers_dates_and_booleans_of_text(tmp_path: Path) -> None:
    fields = {"n": "int", "x": "float", "ok": "bool", "on": "date", "zip": "str"}
    made = Bench(tmp_path, {"type": "rows", "metadata": "all"}, fields=fields)
    made.write("d/a.csv", "n,x,ok,on,zip,free\n 7 ,1e3,yes,2024-01-31,01234,5\nnone,,no,31.1.,2,3\n")
    made.write("d/b.jsonl", '{"zip": 4321, "n": 2.0}\n')
    made.ingest()
    day = datetime.date(2024, 1, 31)
    found = {each.source[2:]: dict(each.metadata) for each in made.pipeline.sources()}
    assert found == {
        "a.csv#row=2": {"n": 7, "x": 1000.0, "ok": True, "on": day, "zip": "01234", "free": "5", "row": 2},
        "a.csv#row=3": {"n": "none", "ok": False, "on": "31.1.", "zip": "2", "free": "3", "row": 3},
        "b.jsonl#row=1": {"zip": "4321", "n": 2, "row": 1},
    }
    assert sorted(each.reason for each in made.report.warnings) == [
        "the field 'n' is declared as int, and not all there is one",
        "the field 'on' is declared as date, and not all there is one",
    ]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "PART", 10)


ROWS = [f"text {n},{n}\n" for n in range(35)]


def test_a_large_table_comes_in_parts_and_only_changed_rows_are_made_anew(
    bench: Bench, small_parts: None
) -> None:
    bench.write("d/a.csv", "a,year\n" + "".join(ROWS))
    assert bench.ingest() == {"new": 1, "embedded": 35}
    assert bench.report.chunks == 35
    assert bench.ingest() == {"unchanged": 1}
    bench.write("d/a.csv", "a,year\n" + "".join([*ROWS[:20], "other,20\n", *ROWS[21:30]]))
    assert bench.ingest() == {"changed": 1, "embedded": 1}
    assert bench.report.chunks == 1, "what is as it is stored isn't stored again"
    assert len(bench.sources()) == 30
    assert bench.search("other")[0].source == "d/a.csv#row=22"
    assert bench.ingest() == {"unchanged": 1}
    (bench.folder / "d/a.csv").rename(bench.folder / "d/b.csv")
    assert bench.ingest() == {"renamed": 1}
    assert {each.partition("#")[0] for each in bench.sources()} == {"d/b.csv"}
    assert bench.ingest(metadata={"team": "x"}) == {"changed": 1}
    assert {each.metadata["team"] for each in bench.pipeline.sources()} == {"x"}
    assert bench.pipeline.upkeep().check() == []


def test_a_large_table_that_fails_half_way_is_made_up_for(bench: Bench, small_parts: None) -> None:
    bench.write("d/a.jsonl", "".join(f'{{"a": "text {n}"}}\n' for n in range(35)))
    made = Bench(bench.folder, {"type": "rows", "text": "{b}"})
    assert made.ingest() == {"failed": 1}
    assert "no column 'b'" in made.report.failed[0].reason
    calls = 0

    def stop(_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt

    upsert = type(bench.pipeline.upkeep()).upsert
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            type(bench.pipeline.upkeep()),
            "upsert",
            lambda self, *given, **named: (upsert(self, *given, **named), stop(self))[0],
        )
        with pytest.raises(KeyboardInterrupt):
            bench.ingest()
    assert 10 < len(bench.sources()) < 35
    assert bench.ingest()["changed"] == 1
    assert len(bench.sources()) == 35
    assert bench.ingest() == {"unchanged": 1}


_PEAK = """
import resource, sys
loader = {"type": "rows"}
pipeline = Pipeline.build(
    components={"index": {"type": "faiss", "path": "index"}},
    ingest=[loader, {"type": "testing/fixed-splitter"}, "index"],
    search=[{"type": "lexical", "index": "index"}],
)
pipeline.ingest("small.csv")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = pipeline.ingest("large.csv")
print(report.chunks, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_no_more_than_a_part_is_stored_at_once(bench: Bench, small_parts: None) -> None:
    bench.write("d/a.csv", "a,year\n" + "".join(ROWS))
    runtime = type(bench.pipeline.upkeep())
    sizes: list[int] = []
    upsert = runtime.upsert

    def counted(self: Any, changes: Any, **named: Any) -> None:
        sizes.append(sum(len(each.entries) for each in changes))
        upsert(self, changes, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "upsert", counted)
        bench.ingest()
    assert sizes == [10, 10, 10, 5, 0]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units elsewhere")
@pytest.mark.skipif(not FULL, reason="takes as long as a table of 40 MB")
def test_memory_stays_bounded_however_large_a_table_is(tmp_path: Path) -> None:
    row = "some words of a value that is not short at all " * 40
    (tmp_path / "small.csv").write_text("a\n" + f"{row}\n" * 2000)
    (tmp_path / "large.csv").write_text("a\n" + f"{row}\n" * 20_000)
    done = subprocess.run(
        [sys.executable, "-c", _PEAK], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    _, grown = map(int, done.stdout.split())
    assert grown < 60, f"{grown} MB more for a table ten times as large"


def test_listing_what_is_stored_takes_no_longer_for_rows_of_one_table(tmp_path: Path) -> None:
    def steps(count: int) -> int:
        folder = tmp_path / str(count)
        folder.mkdir()
        made = Bench(folder, {"type": "rows"})
        made.write("d/a.csv", "a\n" + "".join(f"text {n}\n" for n in range(count)))
        made.ingest()
        made.pipeline.close()
        taken = 0

        def tick() -> int:
            nonlocal taken
            taken += 1
            return 0

        with closing(sqlite3.connect(folder / "index/index.sqlite")) as connection:
            connection.set_progress_handler(tick, 100)
            assert len(list(reading.sources(connection, Scope(), 1, dense=True))) == count
        return taken

    assert steps(800) < 6 * steps(200), "four times the rows, four times the work"


def test_declared_fields_have_an_sql_index(tmp_path: Path) -> None:
    made = Bench(tmp_path, {"type": "rows", "metadata": "all"}, fields={"n": "int"})
    made.write("d/t.csv", "n,text\n1,one\n2,two\n")
    made.ingest()
    with closing(sqlite3.connect(tmp_path / "index" / "index.sqlite")) as database:
        found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'field n'").fetchone()
    assert found
    assert [each.metadata["n"] for each in made.search("one two", filter={"n": 2})] == [2]
