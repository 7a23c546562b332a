"""The vector store under the contract, and what it refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index_ragbraid import RagbraidVectorStore
from store_contract import NODES, VectorStoreContract, only

from ragbraid import InputError
from ragbraid.errors import FilterError

COUNT = 40 if os.environ.get("RAGBRAID_SOAK") else 6


class TestContract(VectorStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> RagbraidVectorStore:
        return RagbraidVectorStore(tmp_path / "store", dimensions=4)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
leaves: Any = st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none() | text | st.dates()
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3), max_leaves=5
)
nodes = st.builds(
    TextNode,
    text=text,
    metadata=st.dictionaries(text, values, max_size=4),
    embedding=st.none() | st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4).filter(any),
    start_char_idx=st.none() | st.integers(0, 9),
    excluded_embed_metadata_keys=st.lists(text, max_size=2),
)


@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
@given(found=st.lists(nodes, min_size=25, max_size=25))
def test_a_node_comes_back_equal_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, found: list[BaseNode]
) -> None:
    store = RagbraidVectorStore(tmp_path_factory.mktemp("store"), dimensions=4)
    kept = list(added(store, found))
    assert store.get_nodes() == kept
    store.close()


def added(store: RagbraidVectorStore, found: list[BaseNode]) -> Iterator[BaseNode]:
    """Add what isn't refused; a refused list is halved until the one node at fault is alone."""
    try:
        store.add(found)
    except InputError as refusal:
        if len(found) == 1:
            demand_a_sentence(refusal, found[0])
        else:
            yield from added(store, found[: len(found) // 2])
            yield from added(store, found[len(found) // 2 :])
    else:
        yield from found


def demand_a_sentence(refusal: InputError, node: BaseNode) -> None:
    assert repr(node.node_id) in refusal.message
    assert refusal.hint.endswith(".")


def test_lists_odd_keys_and_large_numbers(tmp_path: Path) -> None:
    metadata = {"tags": ["a", "b"], "n": {"k": 1}, "id": 2**60 + 7, "when": date(2024, 1, 31)}
    RagbraidVectorStore(tmp_path, dimensions=None).add([TextNode(id_="1", text="one", metadata=metadata)])
    (found,) = RagbraidVectorStore(tmp_path).get_nodes(filters=only("id", "==", 2**60 + 7))
    assert found.metadata == metadata
    assert type(found.metadata["when"]) is date
    odd = TextNode(id_="2", text="x")
    odd.metadata.update({1: "x", "1": "y"})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="the key 1, which is no string"):
        RagbraidVectorStore(tmp_path).add([odd])


def test_just_the_named_document_is_deleted(tmp_path: Path) -> None:
    store = RagbraidVectorStore(tmp_path, dimensions=None)
    names = ["D'Arc", "z' OR 2=2 --", 'a"b', "a%_b", "a\\b", "ü/é", "other"]
    made = [TextNode(id_=f"of {each}", text="one") for each in names]
    for each, name in zip(made, names, strict=True):
        each.relationships = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=name)}
    store.add(made)
    for gone, name in enumerate(names[:-1], 1):
        store.delete(name)
        assert store.get_nodes() == made[gone:]


def test_what_can_not_be_asked_is_said(tmp_path: Path) -> None:
    store = RagbraidVectorStore(tmp_path, dimensions=4)
    store.add(NODES)
    with pytest.raises(InputError, match="no query mode 'svm'"):
        store.query(VectorStoreQuery(query_embedding=[1.0] * 4, mode=VectorStoreQueryMode.SVM))
    with pytest.raises(InputError, match="wants `query_embedding`"):
        store.query(VectorStoreQuery(query_str="x"))
    with pytest.raises(InputError, match="has 3 numbers; 4 are needed"):
        store.query(VectorStoreQuery(query_embedding=[1.0] * 3))
    with pytest.raises(FilterError, match="'in' takes a list"):
        store.get_nodes(filters=MetadataFilters(filters=[MetadataFilter(key="n", value="x", operator="in")]))


def test_it_goes_through_its_own_serialisation(tmp_path: Path) -> None:
    store = RagbraidVectorStore(tmp_path, dimensions=4, collection="notes")
    store.add(NODES)
    assert RagbraidVectorStore.from_dict(store.to_dict()).get_nodes() == NODES
