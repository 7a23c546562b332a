"""Stores that LangChain, LlamaIndex and Haystack saved go into an index with ids, metadata and vectors."""

from __future__ import annotations

import contextlib
import json
import pickle
import struct
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid import Pipeline
from ragbraid.errors import IndexMismatch, InputError
from ragbraid.exchange.importing import pickled
from ragbraid.exchange.importing.stores import held, move
from soaking import count

EMBEDDER = {"type": "testing/hash-embedder"}
TEXTS = {"one": "The barn burned down in 1912.", "two": "Trains are late.", "three": "Größe, 漢字, 🎈"}
META: dict[str, dict[str, Any]] = {
    "one": {"source": "a.md", "page": 3, "tags": ["x", {"y": [1, None, 2.5, True]}]},
    "two": {"": "empty", "n": -(2**63)},
    "three": {},
}


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    index = {"type": "faiss", "path": "index", "embedder": EMBEDDER}
    with Pipeline.build(
        base=tmp_path, components={"index": index}, search=[{"type": "dense", "index": "index"}]
    ) as opened:
        yield opened


def rows(width: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(7).standard_normal((len(TEXTS), width)).astype(np.float32)


@pytest.fixture
def langchain_classes(monkeypatch: pytest.MonkeyPatch) -> tuple[type, type]:
    """Classes that pickle as LangChain's do."""
    made = []
    for module, name in (
        ("langchain_core.documents.base", "Document"),
        ("langchain_community.docstore", "InMemoryDocstore"),
    ):
        parts = module.split(".")
        for end in range(1, len(parts)):
            monkeypatch.setitem(sys.modules, ".".join(parts[:end]), types.ModuleType(parts[end - 1]))
        home = types.ModuleType(module)
        cls = type(name, (), {"__module__": module})
        setattr(home, name, cls)
        monkeypatch.setitem(sys.modules, module, home)
        made.append(cls)
    return made[0], made[1]


def save_langchain(folder: Path, classes: tuple[type, type], matrix: Any, protocol: int = 4) -> Path:
    document, docstore = classes
    store, places = docstore(), {}
    store._dict = {}
    for number, (name, text) in enumerate(TEXTS.items()):
        each = document()
        each.__dict__.update(  # as Pydantic's objects do
            __dict__={"id": None, "metadata": META[name], "page_content": text, "type": "Document"},
            __pydantic_fields_set__={"page_content"},
        )
        store._dict[name] = each
        places[number] = name
    folder.mkdir(parents=True)
    (folder / "index.pkl").write_bytes(pickle.dumps((store, places), protocol))
    head = struct.pack("<4siqqqBi", b"IxF2", matrix.shape[1], len(matrix), 1 << 20, 1 << 20, 1, 1)
    (folder / "index.faiss").write_bytes(head + struct.pack("<Q", matrix.size) + matrix.tobytes())
    return folder


def save_llama_index(folder: Path, matrix: Any) -> Path:
    nodes = {
        name: {"__data__": {"id_": name, "text": text, "metadata": META[name]}, "__type__": "1"}
        for name, text in TEXTS.items()
    }
    nodes["whole"] = {"__data__": {"id_": "whole", "text": "a document"}, "__type__": "4"}
    folder.mkdir(parents=True)
    (folder / "docstore.json").write_text(json.dumps({"docstore/data": nodes}))
    found = dict(zip(TEXTS, matrix.tolist(), strict=True))
    (folder / "default__vector_store.json").write_text(json.dumps({"embedding_dict": found}))
    return folder


def save_haystack(file: Path, matrix: Any) -> Path:
    documents = [
        {"id": name, "content": text, "meta": META[name], "embedding": row}
        for (name, text), row in zip(TEXTS.items(), matrix.tolist(), strict=True)
    ]
    documents.append({"id": "picture", "content": None, "blob": {}, "meta": {}})
    file.write_text(json.dumps({"type": "InMemoryDocumentStore", "documents": documents}))
    return file


@pytest.fixture(params=["langchain", "llama-index", "haystack"])
def save(request: pytest.FixtureRequest, tmp_path: Path, langchain_classes: tuple[type, type]) -> Any:
    match request.param:
        case "langchain":
            return lambda matrix: save_langchain(tmp_path / "saved", langchain_classes, matrix)
        case "llama-index":
            return lambda matrix: save_llama_index(tmp_path / "saved", matrix)
    return lambda matrix: save_haystack(tmp_path / "saved.json", matrix)


def test_vectors_are_kept_where_the_embedder_is_the_same(save: Any, pipeline: Pipeline) -> None:
    width = pipeline.part("embedder").dimensions
    matrix = rows(width)
    saved = save(matrix)
    moved = move(saved, pipeline, "default", same=True)
    assert (moved.documents, moved.vectors_kept) == (3, True)
    index: Any = pipeline.upkeep()
    stored = index.vectors(list(TEXTS))
    assert np.allclose(stored, matrix / np.linalg.norm(matrix, axis=1, keepdims=True), atol=1e-6)
    for hit in index.get(list(TEXTS)):
        assert (hit.text, hit.metadata, hit.source) == (TEXTS[hit.id], META[hit.id], hit.id)
    move(saved, pipeline, "default", same=True)
    assert index.count() == 3  # once more changes nothing


def test_else_texts_are_embedded_anew(save: Any, pipeline: Pipeline) -> None:
    moved = move(save(rows(5)), pipeline, "notes", same=False)
    assert (moved.documents, moved.vectors_kept) == (3, False)
    assert pipeline.search(TEXTS["two"], k=1, collection="notes")[0].id == "two"


def test_vectors_of_another_length_arent_kept(save: Any, pipeline: Pipeline) -> None:
    with pytest.raises(IndexMismatch, match="have 5 dimensions; hash"):
        move(save(rows(5)), pipeline, "default", same=True)


def test_textless_documents_are_counted(tmp_path: Path, pipeline: Pipeline) -> None:
    assert move(save_haystack(tmp_path / "s.json", rows(5)), pipeline, "default", same=False).textless == 1


def test_metadata_that_couldnt_come_back_is_refused_before_anything_is_stored(
    tmp_path: Path, pipeline: Pipeline
) -> None:
    file = tmp_path / "s.json"
    documents = [{"id": "a", "content": "a"}, {"id": "b", "content": "b", "meta": {"n": [{"x": 2**64}]}}]
    file.write_text(json.dumps({"documents": documents}))
    with pytest.raises(InputError, match=r"The metadata of 'b' at 'n\[0\].x' holds .* beyond 64 bits"):
        move(file, pipeline, "default", same=False)
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_docstore_of_the_protocols_that_langchain_writes_is_read(
    protocol: int, tmp_path: Path, langchain_classes: tuple[type, type]
) -> None:
    folder = save_langchain(tmp_path / "s", langchain_classes, rows(4), protocol)
    if protocol < 4:
        with pytest.raises(InputError, match="which no docstore needs"):
            held(folder)
        return
    assert {each.id: each.text for each in held(folder).passages} == TEXTS


class _Calls:
    """What a hostile pickle does: call something when it is loaded."""

    def __init__(self, what: Any, *arguments: Any) -> None:
        self._what, self._arguments = what, arguments

    def __reduce__(self) -> Any:
        return self._what, self._arguments


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("what", ["open", "exec", "system", "nested"])
def test_a_hostile_pickle_is_refused_and_runs_nothing(protocol: int, what: str, tmp_path: Path) -> None:
    import os

    proof = tmp_path / "proof"
    calls = {
        "open": _Calls(open, str(proof), "w"),
        "exec": _Calls(exec, f"open({str(proof)!r}, 'w')"),
        "system": _Calls(os.system, f"touch {proof}"),
        "nested": ({"a": [_Calls(open, str(proof), "w")]}, {}),
    }
    (tmp_path / "index.pkl").write_bytes(pickle.dumps(calls[what], protocol))
    with pytest.raises(
        InputError, match=r"(only LangChain's documents are|no docstore needs).* Nothing of it was run"
    ):
        held(tmp_path)
    assert not proof.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x04\x8c\x17langchain_community.evil\x8c\x06system\x93.",  # another name of a known home
        b"clangchain_core.load\nloads\n(S'x'\ntR.",
        b"\x80\x04\x8c\x04evil\x8c\x08Document\x93.",  # a known name of another home
        b"\x80\x04\x8c\x17langchain_core_evil.base\x8c\x08Document\x93.",
        b"\x80\x02\x82\x01.",  # from the registry of extensions
        b"\x80\x04Pid\n.",  # a persistent id
        b"\x80\x04}]K\x01s.",
        b"\x80\x04N}b.",
        b"e.",
        b"h\x05.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"",
        b"\x80\x04",
    ],
)
def test_no_instruction_that_isnt_needed_is_followed(data: bytes) -> None:
    with pytest.raises(InputError, match="isn't read"):
        pickled.read(data, "index.pkl")


def test_a_small_file_that_stands_for_much_is_refused(tmp_path: Path, langchain_classes: Any) -> None:
    document, docstore = langchain_classes
    bomb: list[Any] = []
    for _ in range(25):
        bomb = [bomb] * 10
    round_: list[Any] = []
    round_.append(round_)
    for metadata in ({"a": bomb}, {"a": round_}):
        each, store = document(), docstore()
        each.__dict__.update(__dict__={"metadata": metadata, "page_content": "x"})
        store._dict = {"a": each}
        (tmp_path / "index.pkl").write_bytes(pickle.dumps((store, {0: "a"})))
        with pytest.raises(InputError, match="more than 100,000 values, or is nested more than 32"):
            held(tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\x8f(", b"\x90"),  # a member of a set
        (b"}", b"Ns"),  # a key
        (b"}(", b"Nu"),
        (b"", b"\x8c\x08Document\x93"),  # a class's home
    ],
)
def test_no_nested_tuple_is_hashed_or_shown(before: bytes, after: bytes) -> None:
    nested = b")\x94" + b"".join(b"h%c\x86\x94" % number for number in range(60))
    with pytest.raises(InputError, match="isn't read"):
        pickled.read(b"\x80\x04" + before + nested + after + b".", "index.pkl")


def test_an_id_that_is_a_nested_tuple_is_refused(tmp_path: Path, langchain_classes: Any) -> None:
    store, nested = langchain_classes[1](), ()
    for _ in range(60):
        nested = (nested, nested)  # type: ignore[assignment]
    store._dict = {}
    (tmp_path / "index.pkl").write_bytes(pickle.dumps((store, {0: nested}), 4))
    with pytest.raises(InputError, match="isn't of the layout"):
        held(tmp_path)


@settings(max_examples=count(60, 2000), deadline=None)
@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from("})](]Nhquaes0\x94\x81b.\x8f\x90K1tlc"), max_size=30).map(
        lambda each: "".join(each).encode("latin-1")
    )
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(InputError):
        pickled.read(data, "index.pkl")


def test_a_flat_index_is_read_as_faiss_wrote_it(tmp_path: Path, langchain_classes: Any) -> None:
    import faiss

    matrix = rows(8)
    for index in (faiss.IndexFlatL2(8), faiss.IndexFlatIP(8)):
        index.add(matrix)
        folder = save_langchain(tmp_path / type(index).__name__, langchain_classes, matrix)
        faiss.write_index(index, str(folder / "index.faiss"))
        assert np.array_equal(held(folder).vectors, matrix)
    lists = faiss.IndexHNSWFlat(8, 4)
    lists.add(matrix)
    faiss.write_index(lists, str(folder / "index.faiss"))
    assert held(folder).vectors is None
    assert "no flat one" in held(folder).without


def test_llama_indexs_faiss_store_keeps_its_order(tmp_path: Path) -> None:
    matrix = rows(8)
    folder = save_llama_index(tmp_path / "s", matrix)
    head = struct.pack("<4siqqqBi", b"IxF2", 8, 3, 1 << 20, 1 << 20, 1, 1)
    file = folder / "default__vector_store.json"
    file.write_bytes(head + struct.pack("<Q", matrix.size) + matrix.tobytes())
    order = {"0": "two", "1": "one", "2": "three"}
    data = {"i": {"__type__": "vector_store", "__data__": json.dumps({"nodes_dict": order})}}
    (folder / "index_store.json").write_text(json.dumps({"index_store/data": data}))
    found = held(folder)
    assert np.array_equal(found.vectors, matrix[[1, 0, 2]])  # as the docstore has them: one, two, three


def test_relationships_of_nodes_are_metadata(tmp_path: Path, pipeline: Pipeline) -> None:
    folder = save_llama_index(tmp_path / "s", rows(5))
    told = json.loads((folder / "docstore.json").read_text())
    first, second, *_ = told["docstore/data"].values()
    first["__data__"]["relationships"] = {
        "1": {"node_id": "doc", "node_type": "4", "metadata": {}, "hash": "ff"},
        "3": {"node_id": "two"},
        "5": [{"node_id": "x"}, {"node_id": "y"}],
        "9": {"node_id": "z"},
        "2": 7,
    }
    second["__data__"]["relationships"] = {"1": {"node_id": "other"}}
    second["__data__"]["metadata"]["relationships"] = "mine"
    (folder / "docstore.json").write_text(json.dumps(told))
    one, two, *rest = held(folder).passages
    related = {"source": "doc", "next": "two", "children": ["x", "y"]}
    assert one.metadata["relationships"] == related
    assert two.metadata["relationships"] == "mine"
    assert not any("relationships" in each.metadata for each in rest)
    move(folder, pipeline, "default", same=False)
    index: Any = pipeline.upkeep()
    (found,) = index.get([one.id])
    assert found.metadata == {**META[one.id], "relationships": related}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s.json", "{", "no JSON"),
        ("s.json", "[]", "no store that can be imported"),
        ("s.json", '{"documents": [3]}', "without an id"),
        ("s.json", '{"documents": [{"id": "a", "content": 5}]}', "is no text"),
        ("docstore.json", "[]", "has no nodes"),
        ("docstore.json", '{"docstore/data": {"a": 1}}', None),
        ("other.txt", "x", "no store that can be imported"),
    ],
)
def test_what_is_no_store_is_refused(name: str, text: str, said: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    path = tmp_path if name == "docstore.json" else tmp_path / name
    if name == "other.txt":
        path = tmp_path
    if said is None:
        assert held(path).textless == 1
        return
    with pytest.raises(InputError, match=said):
        held(path)
    with pytest.raises(InputError, match="There is no"):
        held(tmp_path / "nowhere")
