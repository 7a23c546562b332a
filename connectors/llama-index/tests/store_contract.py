"""A contract for vector stores, derived from `BasePydanticVectorStore`: LlamaIndex ships no suite."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.schema import (
    Document,
    ImageNode,
    IndexNode,
    NodeRelationship,
    RelatedNodeInfo,
    TextNode,
)
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

METADATA: list[dict[str, Any]] = [
    {"n": 1, "lang": "en", "tags": ["a", "b"], "title": "Red barn"},
    {"n": 2, "lang": "de", "tags": ["b"], "title": "Blue Barn", "note": ""},
    {"n": 3.5, "lang": "en", "tags": [], "title": "House"},
    {"lang": "fr", "title": "Mill"},
]


def node(at: int, **given: Any) -> TextNode:
    return TextNode(
        id_=f"node-{at}",
        text=f"Text {at} of a barn.",
        metadata=METADATA[at],
        embedding=[float(at == 0), float(at == 1), float(at == 2), 0.1],
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=f"doc-{at % 2}")},
        start_char_idx=at,
        end_char_idx=at + 18,
        **given,
    )


OPERATORS: list[tuple[str, str, Any, list[int]]] = [
    ("lang", "==", "en", [0, 2]),
    ("n", "==", 2, [1]),
    ("n", "==", "2", []),
    ("lang", "!=", "en", [1, 3]),
    ("n", "!=", 1, [1, 2, 3]),
    ("n", ">", 1, [1, 2]),
    ("n", ">=", 2, [1, 2]),
    ("n", "<", 3.5, [0, 1]),
    ("n", "<=", 1, [0]),
    ("lang", "in", ["de", "fr"], [1, 3]),
    ("lang", "nin", ["de", "fr"], [0, 2]),
    ("n", "nin", [1, 2], [2, 3]),
    ("tags", "any", ["a", "z"], [0]),
    ("tags", "all", ["a", "b"], [0]),
    ("title", "text_match", "barn", [0]),
    ("title", "text_match_insensitive", "bARN", [0, 1]),
    ("tags", "contains", "b", [0, 1]),
    ("tags", "is_empty", None, [2, 3]),
    ("note", "is_empty", None, [0, 1, 2, 3]),
]
NODES = [node(at) for at in range(4)]


def only(key: str, operator: str, value: Any) -> MetadataFilters:
    return MetadataFilters(filters=[MetadataFilter(key=key, value=value, operator=FilterOperator(operator))])


def numbers(found: Any) -> list[int]:
    return sorted(int(each.node_id.removeprefix("node-")) for each in found)


class VectorStoreContract:
    """Subclass it, and give the fixture `store`: an empty one, for embeddings of four numbers."""

    @pytest.fixture
    def store(self) -> BasePydanticVectorStore:
        raise NotImplementedError

    def test_an_empty_store_finds_nothing(self, store: BasePydanticVectorStore) -> None:
        found = store.query(VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0, 0.0], similarity_top_k=3))
        assert (found.nodes, found.similarities, found.ids) == ([], [], [])
        assert store.get_nodes() == []
        store.delete("nobody")
        store.delete_nodes(["nobody"])
        store.clear()

    def test_nodes_come_back_as_they_were_added(self, store: BasePydanticVectorStore) -> None:
        assert store.add(NODES) == [each.node_id for each in NODES]
        assert store.get_nodes() == NODES
        assert store.get_nodes(["node-2", "nobody", "node-0"]) == [NODES[2], NODES[0]]

    def test_kinds_of_nodes_come_back_as_they_were(self, store: BasePydanticVectorStore) -> None:
        given = [
            IndexNode(id_="i", text="Points.", index_id="other", embedding=[1.0, 2.0, 3.0, 4.0]),
            ImageNode(id_="p", text="Shows.", image_url="http://x/y.png", embedding=[1.0, 0.0, 0.0, 1e-9]),
            Document(
                id_="d", text="A {whole} one.", metadata={"n": {"k": [1]}}, embedding=[0.3, 0.1, 0.2, 0.7]
            ),
            TextNode(
                id_="t",
                text="",
                metadata_template="{key}",
                excluded_llm_metadata_keys=["x"],
                embedding=[1.0] * 4,
            ),
        ]
        store.add(given)
        assert store.get_nodes() == given
        assert [type(each) for each in store.get_nodes()] == [type(each) for each in given]

    def test_adding_again_replaces(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        changed = NODES[1].model_copy(update={"metadata": {"n": 9}})
        store.add([changed])
        assert store.get_nodes(["node-1"]) == [changed]
        assert len(store.get_nodes()) == len(NODES)

    def test_the_nearest_come_first_with_their_similarity(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        found = store.query(VectorStoreQuery(query_embedding=[2.0, 0.2, 0.0, 0.2], similarity_top_k=2))
        assert found.ids == ["node-0", "node-1"]
        assert [each.node_id for each in found.nodes or []] == found.ids
        assert found.similarities is not None
        assert found.similarities[0] == pytest.approx(0.9950, abs=1e-3)
        assert (found.nodes or [])[0].metadata == NODES[0].metadata
        everything = store.query(VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0, 0.0], similarity_top_k=50))
        assert len(everything.ids or []) == len(NODES)

    def test_operators(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        for key, operator, value, expected in OPERATORS:
            filters = only(key, operator, value)
            assert numbers(store.get_nodes(filters=filters)) == expected, (key, operator, value)
            query = VectorStoreQuery(query_embedding=[1.0] * 4, similarity_top_k=9, filters=filters)
            assert numbers(store.query(query).nodes) == expected, (key, operator, value)
        assert {each[1] for each in OPERATORS} == {each.value for each in FilterOperator}

    def test_conditions_nest(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        english, small = only("lang", "==", "en"), only("n", "<", 2)
        for condition, expected in (("and", [0]), ("or", [0, 2]), ("not", [1, 3])):
            both = MetadataFilters(filters=[english, small], condition=FilterCondition(condition))
            assert numbers(store.get_nodes(filters=both)) == expected
        assert len(store.get_nodes(filters=MetadataFilters(filters=[]))) == len(NODES)

    def test_nodes_and_documents_narrow_a_query(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        asked = VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0, 0.0], similarity_top_k=9, doc_ids=["doc-1"])
        assert numbers(store.query(asked).nodes) == [1, 3]
        asked.node_ids = ["node-3", "node-0"]
        assert store.query(asked).ids == ["node-3"]

    def test_documents_nodes_and_everything_are_deleted(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        store.delete("doc-1")
        assert numbers(store.get_nodes()) == [0, 2]
        store.delete_nodes(["node-0", "node-2"], only("n", ">", 1))
        assert numbers(store.get_nodes()) == [0]
        store.delete_nodes(filters=only("lang", "==", "en"))
        assert store.get_nodes() == []
        store.add(NODES)
        store.delete_nodes([])
        store.delete_nodes()
        assert len(store.get_nodes()) == len(NODES)
        store.clear()
        assert store.get_nodes() == []

    def test_modes(self, store: BasePydanticVectorStore) -> None:
        store.add(NODES)
        for mode in ("text_search", "sparse", "hybrid", "semantic_hybrid", "mmr"):
            found = store.query(
                VectorStoreQuery(
                    query_embedding=[0.0, 0.0, 1.0, 0.1],
                    query_str="barn: text 2?",
                    similarity_top_k=2,
                    mode=VectorStoreQueryMode(mode),
                    filters=only("n", ">", 1),
                )
            )
            assert (found.ids or [""])[0] == "node-2", mode
            assert numbers(found.nodes) == [1, 2]
            assert mode == "mmr" or found.similarities == sorted(found.similarities or [], reverse=True)

    async def test_the_async_methods_do_the_same(self, store: BasePydanticVectorStore) -> None:
        assert await store.async_add(NODES) == [each.node_id for each in NODES]
        asked = VectorStoreQuery(query_embedding=[1.0, 0.0, 0.0, 0.0], similarity_top_k=2)
        assert await store.aquery(asked) == store.query(asked)
        assert await store.aget_nodes(["node-1"]) == [NODES[1]]
        await store.adelete("doc-0")
        await store.adelete_nodes(["node-1"])
        assert numbers(await store.aget_nodes()) == [3]
        await store.aclear()
        assert await store.aget_nodes() == []
