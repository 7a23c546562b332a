"""Filters in SQL select what the Python evaluator does, whatever metadata and filter are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ragbraid_pgvector import PgVector
from ragbraid_pgvector.runtime import PgVectorRuntime

from ragbraid.index.filter import matches
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER, change
from ragbraid.types import Scope

KEYS = ("a", "b", "a.b", "é'", "source", 'q"', "x%s", "b\\")
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, 1, -1, 2**53, 2**53 + 1, 2**60 + 7]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, -0.0, 0.1, 2.0**53, float(2**60), 5e-324, 1.7e308]),
    st.text(max_size=4),
    st.sampled_from(["", "a", "A", "ß", "SS", "\0", "%s", "a\\b", "😀", "\ue000"]),
    st.sampled_from([date(2024, 1, 31), date(1, 1, 1)]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=5,
)
METADATA = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4)
ORDERED = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=3),
    st.just(date(2024, 1, 31)),
)
TESTS = st.one_of(
    st.tuples(st.sampled_from(["$eq", "$ne"]), VALUES),
    st.tuples(st.sampled_from(["$in", "$nin", "$any", "$all"]), st.lists(VALUES, max_size=3)),
    st.tuples(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), ORDERED),
    st.tuples(st.sampled_from(["$text", "$itext"]), st.text(max_size=2)),
    st.tuples(st.sampled_from(["$exists", "$empty"]), st.booleans()),
).map(lambda pair: {pair[0]: pair[1]})
CLAUSES = st.tuples(st.sampled_from(KEYS), TESTS).map(lambda pair: {pair[0]: pair[1]})
FILTERS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda some: {"$or": some}),
        st.lists(inner, max_size=3).map(lambda some: {"$and": some}),
        inner.map(lambda one: {"$not": one}),
    ),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def index(url: str) -> Iterator[PgVectorRuntime]:
    opened = PgVector(Secret(url), EMBEDDER, "fields").open()
    yield opened
    opened.close()


@given(records=st.lists(METADATA, min_size=1, max_size=4), wanted=st.lists(FILTERS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_filter_selects_what_python_does(
    index: PgVectorRuntime, records: list[dict[str, Any]], wanted: list[Any]
) -> None:
    index.delete([each.origin for each in index.sources()])
    index.upsert([change(f"r{at}", ["goat"], metadata=each) for at, each in enumerate(records)])
    for each in wanted:
        expected = {f"r{at}" for at, one in enumerate(records) if matches(each, {"source": f"r{at}", **one})}
        assert {state.source for state in index.sources(scope=Scope(filter=each))} == expected
        assert index.count(scope=Scope(filter=each)) == len(expected)
        found = index.search_text(["goat"], 9, scope=Scope(filter=each))[0]
        assert {hit.source for hit in found} == expected
    for at, each in enumerate(records):
        (hit,) = index.chunks(f"r{at}")
        assert repr(hit.metadata) == repr(each), "what comes back is what went in, its order and its types"


def test_a_text_with_nul_comes_back(index: PgVectorRuntime) -> None:
    given = change("nul", ["a\0 goat", "b"])
    index.upsert([replace(given, fingerprint="")])
    assert [hit.text for hit in index.chunks("nul")] == ["a\0 goat", "b"]
    index.delete(["nul"])
