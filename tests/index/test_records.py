"""An index as the store of another framework: ids, vectors and metadata come back as they were given."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.errors import InputError
from ragbraid.index.records import Record, Records
from soaking import count


def vector(seed: int, width: int = 8) -> list[float]:
    return [random.Random(seed * 100 + i).uniform(-1, 1) for i in range(width)]


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records(tmp_path / "index", 8)


def test_a_store_that_was_never_written_to_holds_nothing(records: Records, tmp_path: Path) -> None:
    assert records.count() == records.delete(["a"]) == 0
    assert records.get(["a"]) == records.select() == records.nearest(vector(1), 3) == []
    records.clear()
    assert not (tmp_path / "index").exists()


def test_vectors_of_any_length_come_back_to_the_bit_and_are_compared_by_cosine(records: Records) -> None:
    import numpy as np

    single = np.asarray(vector(3), np.float32)
    unit = single / np.linalg.norm(single)
    given = [vector(1), single.tolist(), unit.tolist(), [1e-30, *[0.0] * 7]]
    records.put([Record(str(i), f"text {i}", vector=each) for i, each in enumerate(given)])

    assert [each.vector for each in records.select()] == given
    assert [each.vector for each in records.get(["2", "0"])] == [given[2], given[0]]
    best = records.nearest([3 * x for x in given[0]], 2, vectors=True)
    assert (best[0].id, best[0].vector) == ("0", given[0])
    assert math.isclose(best[0].score or 0, 1, abs_tol=1e-6)


def test_records_without_a_vector_are_found_by_words_and_never_by_vector(records: Records) -> None:
    records.put([Record(f"bare {i}", f"old barn {i}") for i in range(9)])
    records.put([Record("whole", "new barn", vector=vector(2))])

    assert [each.id for each in records.nearest([1.0, *[0.0] * 7], 3)] == ["whole"]
    assert records.nearest([1.0, *[0.0] * 7], 3, {"x": 1}) == []
    assert {each.vector is None for each in records.search("old", 20, vectors=True)} == {True}
    assert len(records.search("barn", 20)) == 10


def test_equal_texts_keep_their_own_vectors_and_order(records: Records) -> None:
    names = ["z", "a", "m"]
    records.put([Record(name, "same", vector=vector(i)) for i, name in enumerate(names)])
    assert [(each.id, each.vector) for each in records.select()] == [
        (name, vector(i)) for i, name in enumerate(names)
    ]


def test_a_record_takes_the_place_of_the_one_with_its_id(records: Records) -> None:
    records.put([Record("a", "one", {"n": 1}, vector(1)), Record("b", "two")])
    records.put([Record("a", "three", {"n": 2}, vector(2), {"kind": "x"})])
    assert records.get(["a"]) == [Record("a", "three", {"n": 2}, vector(2), {"kind": "x"})]
    assert records.known(["a", "c"]) == {"a"}
    assert records.count() == 2
    assert records.count({"ragbraid-record.kind": "x"}) == 1
    assert records.delete(["a", "a", "c"]) == 1
    assert [each.id for each in records.select()] == ["b"]
    records.clear(compact=True)
    assert records.count() == 0


def test_what_is_stored_says_how_long_vectors_are(records: Records, tmp_path: Path) -> None:
    records.put([Record("a", "one", vector=vector(1))])
    again = Records(tmp_path / "index", None)
    assert again.dimensions == 8
    assert again.get(["a"])[0].vector == vector(1)
    with pytest.raises(InputError, match="8 dimensions, not 9"):
        Records(tmp_path / "index", 9).count()
    with pytest.raises(InputError, match="'b' has 9 numbers; 8 are needed"):
        again.put([Record("b", "two", vector=vector(1, 9))])


def test_an_index_of_texts_alone_stays_one(tmp_path: Path) -> None:
    Records(tmp_path / "index", None).put([Record("a", "one barn")])
    again = Records(tmp_path / "index", 8)
    assert again.dimensions is None
    assert [each.id for each in again.search("barn", 2)] == ["a"]
    assert again.select() == [Record("a", "one barn")]
    with pytest.raises(InputError, match="'b' has a vector, and this index holds texts alone"):
        again.put([Record("b", "two", vector=vector(1))])


def test_what_would_not_come_back_is_refused(records: Records) -> None:
    for metadata in (
        {"ragbraid-record": 1},
        {"a": {"$date": "2024-01-31"}},
        {1: "x"},
        {"big": 2**64},
        {"x": math.nan},
    ):
        with pytest.raises(InputError):
            records.put([Record("a", "text", metadata)])  # type: ignore[dict-item]
    for numbers in ([0.0] * 8, [math.inf] * 8):
        with pytest.raises(InputError, match="zero, or holds NaN"):
            records.put([Record("a", "text", vector=numbers)])
    assert records.count() == 0


def test_a_chunk_of_an_ingested_source_keeps_its_place(tmp_path: Path) -> None:
    from ragbraid import Pipeline

    (tmp_path / "a.md").write_text("# Barns\n\nThe barn burned down.", "utf-8")
    with Pipeline.build(
        base=tmp_path,
        components={"index": {"type": "faiss", "path": "index"}},
        ingest=[{"type": "files"}, {"type": "recursive-splitter"}, "index"],
        search=[{"type": "lexical", "index": "index"}],
    ) as pipeline:
        pipeline.ingest(tmp_path / "a.md")
        (hit,) = pipeline.search("barn")
    (found,) = Records(tmp_path / "index", None).search("barn", 3)
    assert found.hit == hit
    own = Records(tmp_path / "own", None)
    own.put([Record("a", "barn")])
    assert [each.hit for each in own.select()] == [None]


def test_a_chunk_of_an_ingested_source_goes_with_its_source_alone(tmp_path: Path) -> None:
    from ragbraid import Pipeline

    (tmp_path / "a.md").write_text("One barn.")
    with Pipeline.build(
        base=tmp_path,
        components={"index": {"type": "faiss", "path": "index"}},
        ingest=[{"type": "files"}, {"type": "recursive-splitter"}, "index"],
    ) as pipeline:
        pipeline.ingest(tmp_path / "a.md")
    records = Records(tmp_path / "index", None)
    (found,) = records.search("barn", 5)
    with pytest.raises(InputError, match=r"is a chunk of 'a\.md'"):
        records.delete([found.id])


leaves: Any = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
leaves |= st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.dates() | st.datetimes()
keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5).filter(
    lambda key: key[:1] != "$" and key != "ragbraid-record"
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


@settings(max_examples=count(10, 200), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"])), st.dictionaries(keys, values, max_size=4)
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_text_and_metadata_come_back_equal(tmp_path_factory: pytest.TempPathFactory, found: Any) -> None:
    records = Records(tmp_path_factory.mktemp("records") / "index", 8)
    given = [Record(str(i), text, metadata, vector(i)) for i, (text, metadata) in enumerate(found)]
    records.put(given)
    assert records.select() == given
    records.close()
