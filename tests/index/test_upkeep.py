"""What an index says of itself: every flipped bit is found or harmless, and what can be made anew is."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from ragbraid.errors import IndexDamaged, IndexMissing, RagbraidError
from ragbraid.index import embedded as embedded_vectors
from ragbraid.index import rows_file
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.index.structure import building
from ragbraid.index.upkeep import Problem, Upkeep
from ragbraid.testing.index import EMBEDDER, change, embedded
from ragbraid.types import Chunk, Document, Hit, Reading, Scope
from soaking import count

TEXTS = {f"s{number}": [f"goat {number} on a hill", f"cow {number} in a field"] for number in range(12)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index at rest, of two collections."""
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.upsert([change(source, texts) for source, texts in TEXTS.items()])
    index.upsert([change("other", ["a goat elsewhere"], context="Herds")], scope=Scope(collection="second"))
    index.delete(["s3"])
    index.search_text(["goat"], 1)
    index.close()
    return tmp_path / "index"


@pytest.fixture
def index(folder: Path) -> Iterator[FaissRuntime]:
    opened = Faiss(folder, EMBEDDER).open()
    yield opened
    opened.close()


def part(folder: Path, pattern: str) -> Path:
    """The largest of the files that fit."""
    return max(folder.glob(pattern), key=lambda each: each.stat().st_size)


def flip(file: Path, at: int, bit: int = 0) -> None:
    with file.open("r+b") as opened:  # in place, since the file may be mapped
        opened.seek(at)
        (byte,) = opened.read(1)
        opened.seek(at)
        opened.write(bytes([byte ^ 1 << bit]))


def everything(index: FaissRuntime) -> object:
    """All that questions could bring to light.

    But for lexical scores: until its segments are merged, what was deleted still counts in BM25's statistics,
    and a lexical index that was made anew has forgotten it.
    """
    sources = [each.source for each in index.sources()]
    ids = sorted(hit.id for source in sources for hit in index.chunks(source))
    vectors = index.vectors(ids)
    assert vectors is not None
    return (
        [index.document(source) for source in sources],
        index.get(ids),
        vectors.tolist(),
        [{hit.id for hit in hits} for hits in index.search_text(["goat", "cow", "hill"], 50)],
        index.search_vector(embedded("goat 4 on a hill"), 50),
    )


def test_what_is_sound_has_no_problem(index: FaissRuntime) -> None:
    assert isinstance(index, Upkeep)
    assert index.check() == []
    assert index.repair() == []


def test_there_must_be_an_index(tmp_path: Path) -> None:
    none = Faiss(tmp_path / "none", EMBEDDER).open()
    for ask in (none.check, none.repair, none.stats):
        with pytest.raises(IndexMissing, match="There is no index at"):
            ask()


@pytest.fixture
def whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index that has a file of rows and a structure, too, as large ones do, and SQL indexes of fields."""
    monkeypatch.setattr(rows_file, "_ENOUGH", -1)
    monkeypatch.setattr(building, "STEP", 1)
    monkeypatch.setattr(building, "SMALL", 8)
    monkeypatch.setattr(embedded_vectors, "SMALL", 8)
    index = Faiss(folder, EMBEDDER).open()
    index.declare(["herd"])
    index.upsert(
        [change("more", [f"sheep {number} on a meadow" for number in range(20)], metadata={"herd": 1})]
    )
    store_lines(index)
    index.close()
    assert (folder / "rows" / "1").exists()
    assert (folder / "dense" / "0.faiss").exists()
    return folder


def cited(index: FaissRuntime, words: bool) -> list[Hit]:
    """Whatever can be cited from it; a question that it refuses gives nothing."""
    found: list[Hit] = []

    def note(ask: Callable[[], Iterable[Hit]]) -> None:
        with suppress(RagbraidError):
            found.extend(replace(each, score=0.0, scores={}) for each in ask())

    for source in (*TEXTS, "more", "a.txt"):
        note(lambda source=source: index.chunks(source))
        note(lambda source=source: index.search_vector(embedded(source), 50)[0])
    note(lambda: index.get([each.id for each in found]))
    note(lambda: index.search_vector(embedded("sheep 4"), 50, scope=Scope(filter={"herd": 1}))[0])
    if words:
        note(lambda: index.search_text(["goat cow sheep"], 50)[0])
    return found


@pytest.mark.timeout(count(300, 7200))
def test_every_flipped_bit_is_found_or_harmless(whole: Path, tmp_path: Path) -> None:
    sound = Faiss(whole, EMBEDDER).open()
    wanted, right = everything(sound), cited(sound, words=True)
    sound.close()
    rng = random.Random(11)
    files = [each.relative_to(whole) for each in sorted(whole.rglob("*")) if each.is_file()]
    files = [each for each in files if (whole / each).stat().st_size]
    found = 0
    for number in range(count(30, 2000)):
        copy = tmp_path / f"copy {number}"
        shutil.copytree(whole, copy)
        file = copy / rng.choice(files)
        at, bit = rng.randrange(file.stat().st_size), rng.randrange(8)
        flip(file, at, bit)
        place = f"bit {bit} of byte {at} of {file.relative_to(copy)}"
        damaged = Faiss(copy, EMBEDDER).open()
        if number % 2:  # tantivy may end the process over a damaged file that was never checked
            assert all(each in right for each in cited(damaged, words="lexical" not in file.parts)), place
        try:
            problems: list[Problem] | RagbraidError = damaged.check()
        except RagbraidError as error:
            problems = error
        if problems:
            found += 1
        else:
            assert everything(damaged) == wanted, place
        damaged.close()
        shutil.rmtree(copy, ignore_errors=True)  # a thread of tantivy's may still end
    assert found > count(30, 2000) // 4


@pytest.mark.parametrize("suffix", ["idx", "term", "fast", "store", "fieldnorm"])
def test_a_damaged_lexical_index_is_made_anew(suffix: str, folder: Path, index: FaissRuntime) -> None:
    before = {hit.id for hit in index.search_text(["goat"], 50)[0]}
    file = part(folder, f"lexical/*/*.{suffix}")
    flip(file, 3)
    (problem,) = index.check()
    assert problem.part == f"lexical/{file.parent.name}"
    assert "ragbraid index repair" in problem.mend
    assert index.repair() == []
    assert {hit.id for hit in index.search_text(["goat"], 50)[0]} == before


@pytest.mark.parametrize(
    ("was", "becomes"), [("segments", "segmentr"), ("segment_id", "segment_hd"), ("{", "[")]
)
def test_a_damaged_list_of_lexical_files_is_told(
    was: str, becomes: str, folder: Path, index: FaissRuntime
) -> None:
    file = part(folder, "lexical/1/meta.json")
    file.write_text(file.read_text().replace(was, becomes))
    (problem,) = index.check()
    assert problem.part == "lexical/1"
    assert index.repair() == []


def test_damaged_vectors_wait_for_the_next_ingest(folder: Path, index: FaissRuntime) -> None:
    flip(folder / "vectors.f32", 4096 + 17)
    (problem,) = index.check()
    assert problem.part == "vectors.f32"
    (left,) = index.repair()
    assert left.what == "22 chunks without a vector"
    assert {each.digest for each in index.sources()} == {""}
    index.upsert([change(source, texts) for source, texts in TEXTS.items()])
    assert index.check() == []


def test_a_damaged_document_is_read_again(folder: Path, index: FaissRuntime) -> None:
    import sqlite3

    database = sqlite3.connect(folder / "index.sqlite")
    with database:
        database.execute("UPDATE passages SET text = 'goat 5 on a mill' WHERE text = 'goat 5 on a hill'")
    database.close()
    (problem,) = index.check()
    assert problem.part == "s5"
    assert "isn't what was stored" in problem.what
    assert index.repair() == [problem]
    digests = {each.source: each.fingerprint for each in index.sources()}
    assert digests["s5"] == ""
    index.upsert([change("s5", TEXTS["s5"])])
    assert index.check() == []


def test_stats(folder: Path, index: FaissRuntime) -> None:
    stats = index.stats()
    assert (stats.path, stats.format, stats.structure.kind) == (folder, 2, "flat")
    assert (stats.embedder, stats.dimensions) == (EMBEDDER.identity, EMBEDDER.dimensions)
    assert [(each.name, each.sources, each.chunks) for each in stats.collections] == [
        ("default", 11, 22),
        ("second", 1, 1),
    ]
    assert (stats.vectors, stats.vectors_used, stats.vectors_lost) == (25, 23, 0)
    assert sorted(stats.bytes) == ["database", "lexical", "rows", "sparse", "structure", "tokens", "vectors"]
    assert all(stats.bytes[part] for part in ("database", "lexical", "vectors"))


def test_a_context_survives_a_rebuild(folder: Path) -> None:
    shutil.rmtree(folder / "lexical")
    index = Faiss(folder, EMBEDDER).open()
    (found,) = index.search_text(["herds"], 3, scope=Scope(collection="second"))
    assert [hit.text for hit in found] == ["a goat elsewhere"]
    index.close()


def test_a_changed_context_is_found_and_mended_by_an_ingest(folder: Path, index: FaissRuntime) -> None:
    with closing(sqlite3.connect(folder / "index.sqlite")) as database, database:
        database.execute("UPDATE contexts SET text = 'Cows'")
    (problem,) = index.check()
    assert problem.part == "other in the collection second"
    assert "the context of the chunk" in problem.what
    index.repair()
    (state,) = index.sources(scope=Scope(collection="second"))
    assert state.digest == ""


def test_an_index_from_before_there_were_contexts_gets_them(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "index.sqlite")) as database, database:
        database.execute("DROP TABLE contexts")
    index = Faiss(folder, EMBEDDER).open()
    assert index.search_text(["goat"], 3)[0]
    index.upsert([change("new", ["a text"], context="Heading")])
    assert [hit.text for hit in index.search_text(["heading"], 3)[0]] == ["a text"]
    assert index.check() == []
    index.close()


LINES = Document("a.txt", "one\r\ntwo\nthree", reading=Reading("text", "cp1252", verbatim=True))


def store_lines(index: FaissRuntime) -> None:
    chunks = [Chunk("a.txt", 5, 8, "two"), Chunk("a.txt", 9, 14, "three")]
    index.upsert([Change("a.txt", [Entry(LINES, chunks, EMBEDDER.embed(["two", "three"]))])])


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ("UPDATE lines SET line = 7", "the line of the chunk"),
        ("UPDATE readings SET encoding = 'utf-8'", "the document isn't what was stored"),
    ],
)
def test_a_changed_line_or_reading_is_found_and_mended(
    folder: Path, index: FaissRuntime, wrong: str, what: str
) -> None:
    store_lines(index)
    assert index.check() == []
    with closing(sqlite3.connect(folder / "index.sqlite")) as database, database:
        database.execute(wrong)
    with pytest.raises(IndexDamaged):
        (index.document if "readings" in wrong else index.chunks)("a.txt")
    (problem,) = index.check()
    assert (problem.part, what in problem.what) == ("a.txt", True)
    index.repair()
    store_lines(index)
    assert index.check() == []


def test_an_index_from_before_there_were_lines_gets_them(folder: Path, index: FaissRuntime) -> None:
    store_lines(index)
    index.close()
    with closing(sqlite3.connect(folder / "index.sqlite")) as database, database:
        database.execute("DROP TABLE lines")
        database.execute("DROP TABLE readings")
    index = Faiss(folder, EMBEDDER).open()
    assert [each.line for each in index.chunks("a.txt")] == [None, None]
    found = index.document("a.txt")
    assert found is not None
    assert found.reading == Reading()
    assert index.check() == []
    store_lines(index)
    assert [each.line for each in index.chunks("a.txt")] == [2, 3]
    assert index.document("a.txt") == LINES
    assert index.delete(["a.txt"]) == 1
    with closing(sqlite3.connect(folder / "index.sqlite")) as database:
        assert database.execute(
            "SELECT (SELECT COUNT(*) FROM lines) + (SELECT COUNT(*) FROM readings)"
        ).fetchone() == (0,)
    index.close()
