"""Stores that other frameworks saved: LangChain's FAISS folder, LlamaIndex's persisted one, Haystack's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ragbraid.errors import InputError
from ragbraid.exchange.importing import flat_faiss, pickled
from ragbraid.exchange.importing.passages import Held, Passage, plain, store
from ragbraid.types import Scope

if TYPE_CHECKING:
    from ragbraid.index.protocol import Index
    from ragbraid.pipeline.pipeline import Pipeline


_RELATED = {"1": "source", "2": "previous", "3": "next", "4": "parent", "5": "children"}
"""LlamaIndex's numbers of relationships."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was imported: of which kind of store, how many documents, and whether their vectors were kept.

    `textless` counts those that have no text, and were left out.
    """

    kind: str
    documents: int
    vectors_kept: bool
    textless: int = 0


def move(path: Path, pipeline: Pipeline, collection: str, *, same: bool) -> Moved:
    """Put a saved store into a pipeline's index. Raises what `held` and `passages.store` raise."""
    found = held(path)
    index = cast("Index", pipeline.upkeep())
    kept = store(index, found, Scope(collection), same=same)
    return Moved(found.kind, len(found.passages), kept, found.textless)


def held(path: Path) -> Held:
    """What a saved store holds. Nothing of it is unpickled, or run.

    Raises `InputError` for what is no such store, a damaged one, and metadata that couldn't come back.
    """
    if (path / "index.pkl").is_file():
        return _langchain(path)
    if (path / "docstore.json").is_file():
        return _llama_index(path)
    if path.is_file():
        told = _json(path)
        if isinstance(told, dict) and isinstance(told.get("documents"), list):
            return _haystack(path, told["documents"])
    if not path.exists():
        raise InputError(f"There is no {path}.", "Name what your framework saved.")
    raise InputError(
        f"{path} is no store that can be imported.",
        "There are LangChain's FAISS.save_local, LlamaIndex's persist and Haystack's save_to_disk; "
        "`ragbraid index import` reads what ragbraid exported.",
    )


def _langchain(folder: Path) -> Held:
    kind = "LangChain's FAISS store"
    name = str(folder / "index.pkl")
    told = pickled.read((folder / "index.pkl").read_bytes(), name)
    try:
        docstore, places = told
        documents: Mapping[str, Any] = docstore.fields["_dict"]
        ids = [places[number] for number in range(len(places))]
        if not all(isinstance(each, str) for each in ids):
            raise TypeError("an id is no text")
        passages = [_langchain_passage(each, documents[each]) for each in ids]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{name} isn't of the layout that FAISS.save_local writes.", "Save it anew."
        ) from error
    file = folder / "index.faiss"
    read = flat_faiss.vectors(file.read_bytes()) if file.is_file() else "index.faiss isn't there"
    if isinstance(read, str):
        return Held(kind, passages, None, read)
    if len(read) != len(passages):
        return Held(kind, passages, None, f"there are {len(read)} of them for {len(passages)} documents")
    return Held(kind, passages, read)


def _langchain_passage(name: str, document: Any) -> Passage:
    fields = document.fields
    return Passage(name, _text(fields["page_content"], name), plain(fields.get("metadata") or {}, repr(name)))


def _llama_index(folder: Path) -> Held:
    vectors = _llama_index_vectors(folder)
    nodes = _mapping(_mapping(_json(folder / "docstore.json")).get("docstore/data"))
    if not nodes:
        raise InputError(f"{folder / 'docstore.json'} has no nodes.", "Persist a storage context anew.")
    passages, textless = [], 0
    for name, each in nodes.items():
        if vectors and name not in vectors:
            continue  # a document that nodes were made of
        data = _data(each)
        text = data.get("text") or _mapping(data.get("text_resource")).get("text")
        if not text:
            textless += 1
            continue
        metadata = {**_relationships(data), **_mapping(data.get("metadata"))}
        passages.append(Passage(name, _text(text, name), plain(metadata, repr(name))))
    rows = [vectors.get(each.id) for each in passages]
    return _with_rows("LlamaIndex's storage", passages, rows, textless)


def _relationships(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a node is related to, as metadata: under `relationships` the ids of its source, next node ….

    Metadata of that name is the user's, and stays.
    """
    found: dict[str, Any] = {}
    for number, related in _mapping(data.get("relationships")).items():
        if kind := _RELATED.get(number):
            ids = [
                _mapping(each).get("node_id")
                for each in (related if isinstance(related, list) else [related])
            ]
            told = [each for each in ids if isinstance(each, str)]
            if told:
                found[kind] = told if isinstance(related, list) else told[0]
    return {"relationships": found} if found else {}


def _llama_index_vectors(folder: Path) -> dict[str, Any]:
    """The vectors by node, of the simple store, or of FAISS by the order that the index store has."""
    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*vector_store.json")):
        data = file.read_bytes()
        if not data.startswith(b"Ix"):
            found |= _mapping(_mapping(_json(file)).get("embedding_dict"))
            continue
        rows = flat_faiss.vectors(data)
        if isinstance(rows, str) or not (folder / "index_store.json").is_file():
            continue
        for each in _mapping(_mapping(_json(folder / "index_store.json")).get("index_store/data")).values():
            for place, name in _mapping(_data(each).get("nodes_dict")).items():
                if place.isdigit() and int(place) < len(rows) and isinstance(name, str):
                    found[name] = rows[int(place)]
    return found


def _data(entry: Any) -> Mapping[str, Any]:
    """What an entry of LlamaIndex's stores holds, which is JSON inside JSON in some of its versions."""
    data = _mapping(entry).get("__data__")
    try:
        return _mapping(json.loads(data) if isinstance(data, str) else data)
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _haystack(path: Path, documents: list[Any]) -> Held:
    passages, rows, textless = [], [], 0
    for each in documents:
        if not isinstance(each, dict) or not isinstance(each.get("id"), str):
            raise InputError(f"{path} has a document without an id.", "Save the store anew.")
        if not each.get("content"):
            textless += 1
            continue
        name = each["id"]
        passages.append(
            Passage(name, _text(each["content"], name), plain(each.get("meta") or {}, repr(name)))
        )
        rows.append(each.get("embedding"))
    return _with_rows("Haystack's in-memory store", passages, rows, textless)


def _with_rows(kind: str, passages: list[Passage], rows: list[Any], textless: int) -> Held:
    import numpy as np

    missing = sum(each is None for each in rows)
    if missing or not rows:
        why = (
            f"{missing} of {len(rows)} documents have none" if missing < len(rows) else "it holds no vectors"
        )
        return Held(kind, passages, None, why, textless)
    try:
        matrix = np.asarray(rows, np.float32).reshape(len(rows), -1)
    except (ValueError, TypeError):
        return Held(kind, passages, None, "they aren't of one length", textless)
    return Held(kind, passages, matrix, textless=textless)


def _text(value: Any, owner: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"The text of {owner!r} is no text.", "Import what its framework wrote.")
    return value


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON that can be read.", "Save the store anew.") from error
