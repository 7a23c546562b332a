"""LlamaIndex's nodes as records of an index, and back."""

from __future__ import annotations

import json
from typing import Any

from llama_index.core.schema import BaseNode, Document, ImageDocument, ImageNode, IndexNode, Node, TextNode

from llama_index_ragbraid.values import text_node, text_of
from ragbraid.bridge.values import crossing
from ragbraid.index.records import Record

_CLASSES: dict[str, type[BaseNode]] = {
    each.__name__: each for each in (TextNode, ImageNode, IndexNode, Document, ImageDocument, Node)
}
_APART = ("embedding", "metadata", "class_name")
"""What of a node is kept elsewhere in its record."""


def record_of(node: BaseNode) -> Record:
    """A node as a record: text, metadata and embedding as such, all else beside. A class of others' counts as
    the one of LlamaIndex's that it is made of."""
    told = node.model_dump(mode="json", exclude={*_APART})
    text = text_of(node)
    told.pop("text", None)
    resource = told.get("text_resource")
    if isinstance(resource, dict) and resource.get("text") == text:
        told["text_resource"] = {**resource, "text": None}
    name = next(each.__name__ for each in type(node).__mro__ if each.__name__ in _CLASSES)
    beside = {"id": node.node_id, "ref": node.ref_doc_id, "class": name, "node": json.dumps(told)}
    return Record(node.node_id, text, node.metadata, node.embedding, beside)


def node_of(record: Record) -> BaseNode:
    """The node of a record; a chunk that `ragbraid ingest` stored is a text node that has its place."""
    embedding = None if record.vector is None else list(record.vector)
    if record.hit is not None:
        hit = record.hit
        return text_node(hit, hit.source, crossing(hit), id_=hit.id, embedding=embedding)
    metadata = dict(record.metadata)
    if "node" not in record.beside:
        return TextNode(id_=record.id, text=record.text, metadata=metadata, embedding=embedding)
    told: dict[str, Any] = json.loads(record.beside["node"])
    cls = _CLASSES[record.beside["class"]]
    if issubclass(cls, Node):
        if isinstance(told.get("text_resource"), dict):
            told["text_resource"]["text"] = record.text
    else:
        told["text"] = record.text
    return cls.model_validate({**told, "metadata": metadata, "embedding": embedding})
