import errno
import gc
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragbraid.errors import (
    IndexDamaged,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    IndexStoreError,
    InputError,
)
from ragbraid.index import faiss as faiss_index
from ragbraid.index import writing
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.store import speaking
from ragbraid.locking import held_by
from ragbraid.testing.hash_embedder import HashEmbedder
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Scope

SOURCES = str(Path(__file__).parents[2] / "src")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.upsert([change(f"s{i}", [f"goat {i}", f"cow {i}"]) for i in range(5)])
    index.close()
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[FaissRuntime]:
    opened = Faiss(folder, EMBEDDER).open()
    yield opened
    opened.close()


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "none", EMBEDDER).open()
    with pytest.raises(IndexMissing, match=r"There is no index at .*none: nothing") as raised:
        index.search_text(["x"], 3)
    assert "ragbraid ingest" in raised.value.hint
    assert (index.sources(), index.known_vectors(["x"]), index.delete(["a"])) == ([], {}, 0)
    index.close()
    assert not (tmp_path / "none").exists()


def test_what_a_first_writer_was_killed_over_is_no_index(tmp_path: Path) -> None:
    for name in ("writer.lock", "index.sqlite", "index.sqlite-journal"):
        (tmp_path / name).touch()
    index = Faiss(tmp_path, EMBEDDER).open()
    with pytest.raises(IndexMissing):
        index.search_text(["goat"], 3)
    index.upsert([change("a", ["goat"])])
    assert len(index.search_text(["goat"], 3)[0]) == 1
    index.close()


def test_a_first_change_that_was_undone_leaves_nothing_to_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    index = Faiss(tmp_path / "index", EMBEDDER).open()
    with monkeypatch.context() as patched:
        patched.setattr(writing, "upsert", full)
        with pytest.raises(IndexStoreError, match="disk is full"):
            index.upsert([change("a", ["goat"])])
    index.close()
    assert (tmp_path / "index" / "index.sqlite").exists()
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    with pytest.raises(IndexMissing):
        index.search_text(["goat"], 3)
    assert index.sources() == []
    index.close()


def test_an_open_index_finds_what_another_process_ingests_first(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    stop, problems = threading.Event(), list[Exception]()

    def ask() -> None:
        while not stop.is_set():
            try:
                found = index.search_text(["goat"], 3)
                assert len(found[0]) == 1
            except IndexMissing:
                continue
            except Exception as error:
                problems.append(error)
                return

    asking = threading.Thread(target=ask)
    asking.start()
    program = (
        "import sys, pathlib; from ragbraid.index.faiss import Faiss\n"
        "from ragbraid.testing.index import EMBEDDER, change\n"
        "Faiss(pathlib.Path(sys.argv[1]), EMBEDDER).open().upsert([change('a', ['goat'])])"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "index")]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": SOURCES}, check=True)
    stop.set()
    asking.join()
    assert problems == []
    assert len(index.search_text(["goat"], 3)[0]) == 1
    index.close()


@pytest.mark.parametrize("refused", ["count", "sources"])
def test_a_path_that_no_index_can_have_is_refused_for_reading_too(tmp_path: Path, refused: str) -> None:
    (tmp_path / "notes.md").write_text("mine")
    for path, said in ((tmp_path, r"other files in it \(notes\.md\)"), (tmp_path / "notes.md", "is a file")):
        with pytest.raises(IndexMismatch, match=said):
            getattr(Faiss(path, EMBEDDER).open(), refused)()
    assert [each.name for each in tmp_path.iterdir()] == ["notes.md"]


def test_someone_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(IndexMismatch, match=r"notes\.md"):
        Faiss(tmp_path, EMBEDDER).open().upsert([change("a", ["goat"])])
    assert [each.name for each in tmp_path.iterdir()] == ["notes.md"]


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "index.sqlite") as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(IndexMismatch, match="isn't ragbraid's"):
        Faiss(tmp_path, EMBEDDER).open().count()


def test_a_newer_format_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / "index.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(IndexMismatch, match="format 99"):
        Faiss(folder, EMBEDDER).open().count()


def test_another_embedder_is_refused_and_words_are_still_found(folder: Path) -> None:
    before = {
        each: each.read_bytes() for each in folder.rglob("*") if each.is_file() and "-shm" not in each.name
    }
    other = HashEmbedder(dimensions=32).open()
    index = Faiss(folder, other).open()
    given = other.embed(["goat"])
    for refused in (
        lambda: index.upsert([change("new", ["goat"], vectors=given)]),
        lambda: index.search_vector(given, 3),
        lambda: index.known_vectors(["goat"]),
        lambda: index.known_vectors(()),
    ):
        with pytest.raises(IndexMismatch) as raised:
            refused()
        assert EMBEDDER.identity in str(raised.value)
        assert other.identity in str(raised.value)
        assert "ragbraid ingest" in raised.value.hint
    assert len(index.search_text(["goat"], 9)[0]) == 5
    index.close()
    lexical = Faiss(folder).open()
    with pytest.raises(IndexMismatch, match="gives none"):
        lexical.upsert([replace(change("new", ["goat"]), entries=[])])
    with pytest.raises(IndexMismatch, match="gives none"):
        lexical.known_vectors(())
    assert len(lexical.search_text(["cow"], 9)[0]) == 5
    lexical.close()
    for file, content in before.items():
        if "sqlite-wal" not in file.name:
            assert file.read_bytes() == content, file


def test_without_an_embedder_it_is_lexical(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "index").open()
    made = change("a", ["goat"])
    index.upsert([replace(made, entries=[replace(made.entries[0], vectors=None)])])
    assert len(index.search_text(["goat"], 3)[0]) == 1
    assert index.vectors(["x"]) is None
    with pytest.raises(InputError, match="no embedder"):
        index.search_vector(embedded("goat"), 3)
    with pytest.raises(InputError, match="no embedder"):
        index.upsert([made])
    index.close()


def test_a_lexical_index_that_gets_an_embedder_says_what_is_missing(tmp_path: Path) -> None:
    made = change("a", ["goat"])
    lexical = Faiss(tmp_path / "index").open()
    bare = replace(made, digest="d", entries=[replace(made.entries[0], vectors=None)])
    lexical.upsert([bare])
    lexical.close()
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    assert [each.digest for each in index.sources()] == [""]
    index.upsert([change("b", ["cow"])])
    with pytest.raises(IndexDamaged, match="1 chunk without a vector, of 2"):
        index.search_vector(embedded("goat"), 3)
    index.upsert([made])
    assert len(index.search_vector(embedded("goat"), 3)[0]) == 2
    index.close()


def _missing(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 8)


def _flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-3] ^= 16
    file.write_bytes(content)


def _other_header(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[20] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("harm", [_missing, _cut, _flipped, _other_header])
def test_damaged_vectors_are_told_and_made_again(folder: Path, harm: Any) -> None:
    harm(folder / "vectors.f32")
    index = Faiss(folder, EMBEDDER).open()
    with pytest.raises(IndexDamaged, match="Run `ragbraid ingest` again"):
        index.search_vector(embedded("goat"), 3)
    assert len(index.search_text(["goat"], 9)[0]) == 5
    assert {each.digest for each in index.sources()} == {""}
    for i in range(5):
        with pytest.raises(IndexDamaged):
            index.search_vector(embedded("goat"), 3)
        index.upsert([replace(change(f"s{i}", [f"goat {i}", f"cow {i}"]), digest="d")])
    assert len(index.search_vector(embedded("goat"), 99)[0]) == 10
    assert {each.digest for each in index.sources()} == {"d"}
    index.close()


def _garbled(folder: Path) -> None:
    for each in folder.rglob("*"):
        if each.is_file() and each.suffix:
            each.write_bytes(b"\xff" * 40)


@pytest.mark.parametrize(
    "harm", [shutil.rmtree, _garbled, lambda folder: (folder / "1" / "meta.json").unlink()]
)
def test_a_damaged_lexical_index_is_rebuilt(folder: Path, harm: Any) -> None:
    harm(folder / "lexical")
    index = Faiss(folder, EMBEDDER).open()
    assert len(index.search_text(["goat"], 9)[0]) == 5
    index.close()


def test_the_lexical_index_of_an_older_copy_is_brought_up_to_date(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "lexical", tmp_path / "old")
    index = Faiss(folder, EMBEDDER).open()
    index.upsert([change("s1", ["new goat"]), change("z", ["goat z"])])
    index.delete(["s2"])
    expected = index.search_text(["goat"], 9)
    index.close()
    shutil.rmtree(folder / "lexical")
    (tmp_path / "old").rename(folder / "lexical")
    again = Faiss(folder, EMBEDDER).open()
    assert [hit.id for hit in again.search_text(["goat"], 9)[0]] == [hit.id for hit in expected[0]]
    again.close()


def test_a_database_older_than_the_lexical_index_wins(folder: Path, tmp_path: Path) -> None:
    index = Faiss(folder, EMBEDDER).open()
    index.snapshot(tmp_path / "copy")
    index.upsert([change("late", ["goat late"])])
    index.close()
    shutil.copytree(folder / "lexical", tmp_path / "copy" / "lexical")
    copy = Faiss(tmp_path / "copy", EMBEDDER).open()
    assert {hit.source for hit in copy.search_text(["goat"], 9)[0]} == {f"s{i}" for i in range(5)}
    copy.close()


def test_a_changed_row_is_not_cited(folder: Path) -> None:
    with sqlite3.connect(folder / "index.sqlite") as database:
        database.execute("UPDATE passages SET text = 'goat 9' WHERE text = 'goat 0'")
        database.execute("UPDATE documents SET text = x'00' WHERE source = 's1'")
    database.close()
    index = Faiss(folder, EMBEDDER).open()
    with pytest.raises(IndexDamaged, match="'s0'"):
        index.search_vector(embedded("goat 0"), 9)
    with pytest.raises(IndexDamaged, match="'s1'"):
        index.document("s1")
    index.close()


def test_a_database_that_is_none_is_told(folder: Path) -> None:
    (folder / "index.sqlite").write_bytes(b"nonsense" * 999)
    with pytest.raises(IndexDamaged, match="is damaged"):
        Faiss(folder, EMBEDDER).open().count()


def test_a_second_writer_is_told_who_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys, pathlib; from ragbraid.index.lock import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1]), 1):\n    print('held', flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder / "writer.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": SOURCES},
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    assert held_by(folder / "writer.lock") == f"pid {child.pid}"
    monkeypatch.setattr(faiss_index, "WAIT_SECONDS", 0.05)
    index = Faiss(folder, EMBEDDER).open()
    with pytest.raises(IndexLocked, match=f"pid {child.pid}"):
        index.upsert([change("a", ["goat"])])
    assert len(index.search_text(["goat"], 9)[0]) == 5
    child.kill()
    child.communicate()
    index.upsert([change("a", ["goat"])])
    assert index.count() == 11
    assert held_by(folder / "writer.lock") is held_by(folder / "none.lock") is None
    index.close()


def test_two_processes_write_in_turn(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from ragbraid.index.faiss import Faiss\n"
        "from ragbraid.testing.index import EMBEDDER, change\n"
        "index = Faiss(pathlib.Path(sys.argv[1]), EMBEDDER).open()\n"
        "for i in range(40): index.upsert([change(f'{sys.argv[2]}{i}', ['goat'])])"
    )
    environment = {**os.environ, "PYTHONPATH": SOURCES, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program, str(tmp_path / "index")]
    children = [subprocess.Popen([*command, name], env=environment) for name in "ab"]
    assert [each.wait() for each in children] == [0, 0]
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    assert index.count() == len(index.search_text(["goat"], 99)[0]) == 80
    assert len(index.search_vector(embedded("goat"), 99)[0]) == 80
    index.close()


def test_threads_read_whole_states_beside_a_writer(index: FaissRuntime) -> None:
    problems: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                dense = index.search_vector(embedded("pair"), 99, scope=Scope(filter={"pair": True}))[0]
                lexical = index.search_text(["pair"], 99)[0]
            except Exception as error:
                problems.append(error)
                return
            problems.extend(each for each in (dense, lexical) if len(each) % 2)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for each in threads:
        each.start()
    for i in range(25):
        index.upsert([change(f"p{i}", [f"pair {i}", f"pair again {i}"], metadata={"pair": True})])
        assert len(index.search_vector(embedded("pair"), 99, scope=Scope(filter={"pair": True}))[0]) == 2 * (
            i + 1
        )
        if i % 4 == 3:
            index.delete([f"p{i}"])
            index.upsert([change(f"p{i}", [f"pair {i}", f"pair again {i}"], metadata={"pair": True})])
    done.set()
    for each in threads:
        each.join()
    assert not problems


def test_close_leaves_no_handle(folder: Path) -> None:
    def handles() -> set[str]:
        gc.collect()
        links = [Path("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]
        maps = Path("/proc/self/maps").read_text()
        return {str(each.readlink()) for each in links if each.is_symlink()} | {
            line.split()[-1] for line in maps.splitlines()
        }

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are counted through /proc")
    index = Faiss(folder, EMBEDDER).open()
    threads = threading.active_count()
    index.upsert([change("a", ["goat"])])
    index.search_vector(embedded("goat"), 3)
    index.search_text(["goat"], 3)
    assert any(str(folder) in each for each in handles())
    index.close()
    assert not [each for each in handles() if str(folder) in each]
    assert threading.active_count() == threads


def test_a_disk_that_is_too_full_to_read_is_not_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask() -> None:
        with speaking(tmp_path):
            raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(IndexStoreError, match="The disk failed"):
        ask()
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    with pytest.raises(IndexStoreError, match=r"The disk is full, .* Free some space"):
        ask()


def test_a_full_disk_undoes_the_change(index: FaissRuntime, folder: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((20_000, 16), dtype=np.float32)
    big = change("big", [f"goat {i} " + "x" * 60 for i in range(20_000)], vectors=vectors)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (600_000, 3_000_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(IndexStoreError):
                index.upsert([big])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert index.count() == len(index.search_vector(embedded("goat"), 99)[0]) == 10
        assert len(index.search_text(["goat"], 99)[0]) == 5
    index.upsert([big])
    assert index.count() == 20_010


@pytest.mark.parametrize(
    ("lang", "text", "question"),
    [
        ("de", "Die alten Häuser brannten", "altes Haus"),
        ("fr-FR", "Nous mangeons des pommes", "pomme manger"),
        ("ja", "東京都に住んでいます", "東京"),
        (None, "价格是山羊的两倍 goats", "山羊"),
        ("zh", "山羊", "羊"),
        ("th", "ภาษาไทยง่าย", "ไทย"),
        ("pl", "Zażółć gęślą jaźń", "GĘŚLĄ"),
        ("en", "to be or not to be", "to be"),
        ("en", "re\u0301sume\u0301 ﬁle", "résumé file"),
        ("German", "Bäume", "baum"),
        (5, "ponies", "pony"),
    ],
)
def test_words_are_found_in_their_language(index: FaissRuntime, lang: Any, text: str, question: str) -> None:
    index.upsert([change("x", [text, "nothing alike"], metadata={"lang": lang} if lang else {})])
    assert [hit.text for hit in index.search_text([question], 3)[0]] == [text]


def test_a_moved_index_works(folder: Path) -> None:
    moved = folder.rename(folder.with_name("it's moved%20 ü"))
    index = Faiss(moved, EMBEDDER).open()
    assert len(index.search_text(["goat"], 9)[0]) == len(index.search_vector(embedded("goat"), 5)[0]) == 5
    index.close()


def test_a_snapshot_needs_a_new_folder(index: FaissRuntime, folder: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        index.snapshot(folder)
    _flipped(folder / "vectors.f32")
    with pytest.raises(IndexDamaged):
        index.snapshot(folder.with_name("copy"))
    assert [each.name for each in folder.parent.iterdir()] == ["index"]


def test_chunks_of_a_source_are_told_in_the_order_of_its_text_and_within_the_filter(
    index: FaissRuntime,
) -> None:
    texts = [f"part {i}" for i in range(12)]
    index.upsert([change("x", texts, metadata={"part": 0}), change("y", ["part y"])])
    assert [hit.text for hit in index.chunks("x")] == texts
    assert [hit.start for hit in index.chunks("x")] == sorted(hit.start for hit in index.chunks("x"))
    assert index.chunks("x", scope=Scope("other", None)) == index.chunks("none") == []
    assert [len(index.chunks("x", scope=Scope("default", {"part": part}))) for part in (0, 1)] == [12, 0]
