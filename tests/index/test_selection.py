"""Filters answered by SQL indexes over declared fields: they select what reading every row selects."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from test_filter import FILTERS as ANY_FILTER

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.filter import matches
from ragbraid.testing.index import FILTERS, RECORDS, change
from ragbraid.types import Scope
from soaking import count

DECLARED = ("n", "a", "b", "s", "tags", "when", "o", "a.b", "source", 'q"', "ü")
VALUES = (
    0, 1, 1.0, -2, 2**53, 2**53 + 1, 0.1234567890123456789, -0.0, True, False, None, "", "a", "1", "a\0b",
    "Straße", date(2024, 1, 31), datetime(2024, 1, 31, 12), [], ["a", 1], [None, True], [date(2024, 1, 31)],
    ["a\0b"], {}, {"k": 1}, {"b": "a"},
)  # fmt: skip


@cache
def _records() -> list[dict[str, Any]]:
    rng = random.Random(3)
    made = [dict(each) for each in RECORDS]
    for _ in range(300):
        keys = rng.sample(["n", "a", "b", "ü", 'q"', "a.b"], rng.randrange(4))
        made.append({key: rng.choice(VALUES) for key in keys})
    return made


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaissRuntime]:
    opened = Faiss(tmp_path_factory.mktemp("selection") / "index").open()
    opened.declare(DECLARED)
    opened.upsert([_change(number, each) for number, each in enumerate(_records())])
    opened.upsert([_change(0, {"n": 1, "b": "a"})], scope=Scope(collection="other"))
    yield opened
    opened.close()


def _change(number: int, metadata: dict[str, Any]) -> Any:
    made = change(f"r{number}", [f"goat {number}"], metadata=metadata)
    return replace(made, entries=[replace(each, vectors=None) for each in made.entries])


def _found(index: FaissRuntime, wanted: Any) -> set[str]:
    return {hit.source for hit in index.search_text(["goat"], 1000, scope=Scope(filter=wanted))[0]}


@settings(max_examples=count(100, 10_000), deadline=None)
@given(wanted=ANY_FILTER)
def test_indexes_and_python_agree(index: FaissRuntime, wanted: Any) -> None:
    right = {
        f"r{number}"
        for number, each in enumerate(_records())
        if matches(wanted, {"source": f"r{number}", **each})
    }
    assert _found(index, wanted) == right
    assert index.count(scope=Scope(filter=wanted)) == len(right)


@pytest.mark.parametrize(("wanted", "right"), FILTERS)
def test_each_operator(index: FaissRuntime, wanted: Any, right: set[int]) -> None:
    assert {each for each in _found(index, wanted) if int(each[1:]) < len(RECORDS)} == {
        f"r{each}" for each in right
    }


def test_a_field_declared_later_is_indexed_by_the_next_upsert(tmp_path: Path) -> None:
    first = Faiss(tmp_path / "index").open()
    first.upsert([_change(0, {"year": 2020, "lang": "en"}), _change(1, {"year": 2021})])
    assert _indexes(tmp_path) == set()
    first.declare(["year"])
    first.upsert([_change(2, {"year": 2021})])
    assert _indexes(tmp_path) == {"field year"}
    assert _found(first, {"year": 2021}) == {"r1", "r2"}
    first.close()
    other = Faiss(tmp_path / "index").open()
    other.declare(["lang"])
    other.upsert([_change(1, {"year": 2022, "lang": "en"})])
    assert _indexes(tmp_path) == {"field year", "field lang"}
    assert _found(other, {"lang": "en"}) == {"r0", "r1"}
    assert _found(other, {"year": 2021}) == {"r2"}
    assert other.delete(["r1"]) == 1
    assert _found(other, {"lang": "en"}) == {"r0"}
    assert other.check() == []
    other.close()


def _indexes(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "index" / "index.sqlite")) as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'field %'"
        )
        return {name for (name,) in found}
