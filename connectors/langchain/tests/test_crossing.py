"""Documents, chunks and hits cross to LangChain and back as they were, or are refused with a sentence."""

from __future__ import annotations

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.documents import Document as Theirs
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_ragbraid import RagbraidVectorStore
from langchain_ragbraid.documents import from_document, to_document, to_hit

from ragbraid import InputError
from ragbraid.bridge.values import chunk_of
from ragbraid.types import Chunk, Document, Hit, Reading

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS | st.dates() | st.datetimes()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
METADATA = st.dictionaries(TEXTS | st.just("source") | st.just("ragbraid"), VALUES, max_size=4)
ODD = st.dictionaries(st.integers() | st.text(max_size=3) | st.none(), VALUES, max_size=3)
S34 = {"tags": ["a", "b"], "n": {"k": 1}, "id": 2**60 + 7, "when": datetime.date(2024, 1, 31)}


def there_and_back(value: Any) -> Any:
    document = to_document(value)
    if isinstance(value, Hit):
        return to_hit(document)
    return (
        from_document(document)
        if isinstance(value, Document)
        else chunk_of(document.page_content, document.metadata)
    )


@settings(max_examples=1000, deadline=None)
@given(TEXTS, METADATA | ODD, st.integers(0, 9), st.floats(-1, 1), st.sampled_from([Hit, Document, Chunk]))
def test_a_thousand_values_come_back_equal_or_are_refused(
    text: str, metadata: dict[Any, Any], start: int, score: float, kind: type
) -> None:
    value: Any
    if kind is Hit:
        end = start + len(text)
        value = Hit("i", "a.md", start, end, text, score, {"dense": score}, metadata, 3, "hr", "ab" * 32, 7)
    elif kind is Document:
        value = Document(
            "a.md", text, metadata, (0, 4), ("odd",), 2, "text/markdown", Reading("text", "utf-8", True)
        )
    else:
        value = Chunk("a.md", start, start + len(text), text, metadata, "id", "above")
    odd = "ragbraid" in metadata or not all(isinstance(key, str) for key in metadata)
    if odd:
        with pytest.raises(InputError, match="can't go to another framework"):
            to_document(value)
    else:
        assert there_and_back(value) == value


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS.filter(str.strip), METADATA | ODD)
def test_documents_come_back_from_the_store_equal_or_are_refused(
    store: RagbraidVectorStore, text: str, metadata: dict[Any, Any]
) -> None:
    document = Theirs.model_construct(id="x", page_content=text, metadata=metadata, type="Document")
    try:
        store.add_documents([document])
    except InputError:
        return
    (back,) = store.get_by_ids(["x"])
    assert (back.page_content, back.metadata) == (text, metadata)
    assert [*map(type, back.metadata.values())] == [*map(type, metadata.values())]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = RagbraidVectorStore(DeterministicFakeEmbedding(size=6), tmp_path / "store")
    yield made
    made.close()


def test_lists_dates_and_large_numbers_are_kept_and_found(store: RagbraidVectorStore) -> None:
    store.add_documents([Theirs(id="a", page_content="x", metadata=S34), Theirs(id="b", page_content="y")])
    (back,) = store.get_by_ids(["a"])
    assert back.metadata == S34
    assert type(back.metadata["id"]) is int
    assert type(back.metadata["when"]) is datetime.date
    for wanted in (
        {"id": 2**60 + 7},
        {"tags": {"$any": ["b"]}},
        {"n.k": 1},
        {"when": datetime.date(2024, 1, 31)},
    ):
        assert [each.id for each in store.similarity_search("x", filter=wanted)] == ["a"]
    assert store.similarity_search("x", filter={"id": 2**60 + 8}) == []


@pytest.mark.parametrize("metadata", [{1: "x", "1": "y"}, {"n": math.nan}, {"o": object()}, {"$eq": 1}])
def test_what_would_not_come_back_is_refused_before_anything_is_written(
    store: RagbraidVectorStore, metadata: dict[Any, Any]
) -> None:
    odd = Theirs.model_construct(id="b", page_content="y", metadata=metadata, type="Document")
    with pytest.raises(InputError, match="The metadata of 'b'"):
        store.add_documents([Theirs(id="a", page_content="x"), odd])
    assert store.get_by_ids(["a", "b"]) == []


@pytest.mark.parametrize("id_", ["D'Arc", "z' OR 2=2 --", 'a"b', "a%_b", "a\\b", "ü/é"])
def test_an_id_is_only_an_id(store: RagbraidVectorStore, id_: str) -> None:
    store.add_texts(["x", "y"], ids=[id_, "other"])
    store.delete([])
    assert len(store.get_by_ids([id_, "other"])) == 2
    store.delete([id_])
    assert [each.id for each in store.get_by_ids([id_, "other"])] == ["other"]
    with pytest.raises(InputError):
        store.add_texts(["z"], ids=[""])
