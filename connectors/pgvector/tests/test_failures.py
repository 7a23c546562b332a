"""What goes wrong with a database is told in a sentence, without a password."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from ragbraid_pgvector import PgVector
from ragbraid_pgvector.runtime import PgVectorRuntime

from ragbraid.errors import (
    IndexDamaged,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    IndexStoreError,
    InputError,
    RagbraidError,
)
from ragbraid.index.protocol import Change
from ragbraid.secret import Secret
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.index import EMBEDDER, change, embedded

PASSWORD = "geh eim/5@"


@pytest.fixture
def index(url: str, schema: str) -> Iterator[PgVectorRuntime]:
    opened = PgVector(Secret(url), EMBEDDER, schema, timeout=2).open()
    opened.upsert([change("a", ["goat"])])
    yield opened
    opened.close()


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def told(error: pytest.ExceptionInfo[RagbraidError]) -> str:
    """What is said, which is a sentence and no secret."""
    text = str(error.value)
    for each in (PASSWORD, quote(PASSWORD, safe=""), "Traceback"):
        assert each not in text
    assert text.endswith(".")
    return text


def without_vectors(given: Change) -> Change:
    """The same for a lexical index."""
    return replace(given, entries=[replace(each, vectors=None) for each in given.entries])


@pytest.mark.parametrize(
    "wrong",
    [
        f"postgresql//me:{quote(PASSWORD, safe='')}@localhost/x",
        f"postgresql://me:{quote(PASSWORD, safe='')}@localhost:port/x?nonsense=1",
        "mysql://localhost/x",
    ],
)
def test_no_url(wrong: str) -> None:
    with pytest.raises(InputError, match="postgresql://user") as error:
        PgVector(Secret(wrong)).open().count()
    told(error)


def test_a_database_that_is_away() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql://me:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/x"
    for ask in (lambda index: index.count(), lambda index: index.upsert([change("a", ["goat"])])):
        with pytest.raises(IndexStoreError, match="can't be reached") as error:
            ask(PgVector(Secret(url), EMBEDDER).open())
        told(error)


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://me:x@127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(IndexStoreError, match="can't be reached") as error:
            PgVector(Secret(url), EMBEDDER, timeout=0.5).open().count()
        told(error)


def test_a_wrong_password(url: str, admin: psycopg.Connection, index: PgVectorRuntime) -> None:
    options = psycopg.conninfo.conninfo_to_dict(url)
    made = psycopg.conninfo.make_conninfo(**{**options, "user": "nobody-here", "password": PASSWORD})
    with pytest.raises(IndexStoreError, match="can't be reached") as error:
        PgVector(Secret(made), EMBEDDER).open().count()
    told(error)


def test_connections_that_were_cut(index: PgVectorRuntime, admin: psycopg.Connection) -> None:
    for _ in range(2):
        index.count()
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ragbraid'"
        )
        assert index.count() == 1
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ragbraid'"
        )
        index.upsert([change("a", ["goat"])])


def test_a_writer_that_waits_in_vain(index: PgVectorRuntime, schema: str, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f'ragbraid "{schema}"',))
        with pytest.raises(IndexLocked, match="written to") as error:
            index.upsert([change("b", ["cow"])])
        told(error)
        assert index.count() == 1
    index.upsert([change("b", ["cow"])])
    assert index.count() == 2


def test_an_answer_that_takes_too_long(index: PgVectorRuntime, schema: str, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute(f"LOCK TABLE {schema}.chunks")
        with pytest.raises(IndexStoreError, match="took too long") as error:
            index.count()
        told(error)
    assert index.count() == 1


def test_a_database_that_can_only_be_read(index: PgVectorRuntime, schema: str, url: str) -> None:
    options = "-c default_transaction_read_only=on"
    made = psycopg.conninfo.make_conninfo(url, options=options)
    reading = PgVector(Secret(made), EMBEDDER, schema).open()
    assert reading.count() == 1
    with pytest.raises(IndexStoreError, match="can only be read") as error:
        reading.upsert([change("b", ["cow"])])
    told(error)
    reading.close()


def test_a_role_without_rights(
    index: PgVectorRuntime, schema: str, url: str, admin: psycopg.Connection
) -> None:
    admin.execute("DROP ROLE IF EXISTS guest")
    admin.execute("CREATE ROLE guest LOGIN")
    guest = PgVector(Secret(psycopg.conninfo.make_conninfo(url, user="guest")), EMBEDDER, schema).open()
    with pytest.raises(IndexStoreError, match="doesn't allow that") as error:
        guest.count()
    told(error)
    fresh = PgVector(Secret(psycopg.conninfo.make_conninfo(url, user="guest")), EMBEDDER, f"{schema}x").open()
    with pytest.raises(IndexStoreError, match="doesn't allow that") as error:
        fresh.upsert([change("a", ["goat"])])
    told(error)
    guest.close()
    fresh.close()


def test_a_server_without_the_extension(url: str, schema: str, admin: psycopg.Connection) -> None:
    """A database where pgvector is of an older version, as its catalogue says."""
    admin.execute(f"CREATE DATABASE old{schema}")
    options = psycopg.conninfo.conninfo_to_dict(url)
    made = psycopg.conninfo.make_conninfo(**{**options, "dbname": f"old{schema}"})
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")
    index = PgVector(Secret(made), EMBEDDER).open()
    with pytest.raises(IndexStoreError, match=r"pgvector 0\.7\.4; 0\.8 or newer") as error:
        index.upsert([change("a", ["goat"])])
    told(error)
    with pytest.raises(IndexMissing):
        index.count()
    index.close()


def test_another_embedders_vectors(index: PgVectorRuntime, schema: str, url: str) -> None:
    for other in (HashEmbedder(dimensions=17).open(), None):
        wrong = PgVector(Secret(url), other, schema).open()
        with pytest.raises(IndexMismatch, match="was built by the embedder") as error:
            wrong.known_vectors([])
        told(error)
        given = change("b", ["cow"], vectors=(other or EMBEDDER).embed(["cow"]))
        with pytest.raises(IndexMismatch):
            wrong.upsert([given if other else without_vectors(given)])
        assert len(wrong.search_text(["goat"], 3)[0]) == 1
        wrong.close()


def test_an_embedder_that_came_later(url: str, schema: str) -> None:
    lexical = PgVector(Secret(url), None, schema).open()
    given = change("a", ["goat"])
    lexical.upsert([replace(without_vectors(given), digest="d")])
    dense = PgVector(Secret(url), EMBEDDER, schema).open()
    assert [each.digest for each in dense.sources()] == [""], "so that it is ingested again"
    with pytest.raises(IndexDamaged, match="1 chunk without a vector"):
        dense.search_vector(embedded("goat"), 3)
    dense.upsert([change("b", ["cow"])])
    with pytest.raises(IndexDamaged, match="1 chunk without a vector, of 2"):
        dense.search_vector(embedded("goat"), 3)
    dense.upsert([given])
    assert [hit.text for hit in dense.search_vector(embedded("goat"), 1)[0]] == ["goat"]
    lexical.close()
    dense.close()


def test_somebody_elses_schema(url: str, schema: str, admin: psycopg.Connection) -> None:
    admin.execute(f"CREATE SCHEMA {schema}")
    admin.execute(f"CREATE TABLE {schema}.documents (id int)")
    index = PgVector(Secret(url), EMBEDDER, schema).open()
    with pytest.raises(IndexMissing):
        index.count()
    with pytest.raises(IndexMismatch, match="other tables") as error:
        index.upsert([change("a", ["goat"])])
    told(error)
    index.close()


def test_half_an_index(index: PgVectorRuntime, schema: str, admin: psycopg.Connection) -> None:
    admin.execute(f"DROP TABLE {schema}.chunks")
    with pytest.raises(IndexMismatch, match="lacks a part") as error:
        index.count()
    told(error)


def test_a_newer_format(index: PgVectorRuntime, schema: str, admin: psycopg.Connection) -> None:
    admin.execute(f"UPDATE {schema}.about SET format = 2")
    for ask in (index.count, lambda: index.upsert([change("b", ["cow"])])):
        with pytest.raises(IndexMismatch, match="format 2") as error:
            ask()
        told(error)


def test_writers_at_once_lose_nothing(url: str, schema: str) -> None:
    """Each thread with a connection of its own, into an index that isn't there yet."""

    def write(at: int) -> None:
        index = PgVector(Secret(url), EMBEDDER, schema).open()
        for i in range(5):
            index.upsert([change(f"{at}/{i}", [f"goat {at} {i}"])])
        index.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    index = PgVector(Secret(url), EMBEDDER, schema).open()
    assert (index.count(), len(list(index.sources()))) == (20, 20)
    assert len(index.search_text(["goat"], 50)[0]) == len(index.search_vector(embedded("goat"), 50)[0]) == 20
    index.close()


def test_one_index_under_many_threads(index: PgVectorRuntime) -> None:
    stop = threading.Event()

    def write() -> None:
        for i in range(10):
            index.upsert([change("a", [f"goat {i}", f"goats {i}"])])
        stop.set()

    def read() -> None:
        while not stop.is_set():
            assert len(index.search_text(["goat"], 9)[0]) in (1, 2)
            assert len(index.search_vector(embedded("goat"), 9)[0]) in (1, 2)

    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(write), *(threads.submit(read) for _ in range(3))]:
            each.result()


def test_a_killed_writer_leaves_what_was_committed(url: str, schema: str, tmp_path: Path) -> None:
    script = tmp_path / "write.py"
    script.write_text(
        "import sys\n"
        "from ragbraid.secret import Secret\n"
        "from ragbraid.testing.index import EMBEDDER, change\n"
        "from ragbraid_pgvector import PgVector\n"
        "index = PgVector(Secret(sys.argv[1]), EMBEDDER, sys.argv[2]).open()\n"
        "for i in range(10_000):\n"
        "    index.upsert([change(f's{i}', [f'goat {i}', f'cow {i}'])])\n"
        "    print(i, flush=True)\n",
        "utf-8",
    )
    process = subprocess.Popen([sys.executable, str(script), url, schema], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    process.kill()
    acknowledged += [int(each) for each in process.stdout if each.endswith("\n")]
    process.wait()
    process.stdout.close()
    index = PgVector(Secret(url), EMBEDDER, schema).open()
    states = list(index.sources())
    assert {f"s{i}" for i in acknowledged} <= {each.source for each in states}
    assert all(each.chunks == 2 for each in states)
    assert index.count() == 2 * len(states)
    index.upsert([change("s0", ["goat"])])
    index.close()


def test_a_word_too_many(index: PgVectorRuntime) -> None:
    text = " ".join(f"word{i:06}" for i in range(120_000))
    with pytest.raises(InputError, match="more different words"):
        index.upsert([change("big", [text])])
    assert index.count() == 1
