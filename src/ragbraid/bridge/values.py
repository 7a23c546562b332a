"""What crosses a bridge: text with one mapping of metadata, from which the very value is made again.

Frameworks know a passage as text, an id and metadata. The user's metadata crosses as it is, value by value;
what else a hit or a document has (offsets, page, scores, hash …) goes under one key of its own, `KEY`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ragbraid.errors import InputError
from ragbraid.index.metadata import encode
from ragbraid.types import Chunk, Document, Hit, Reading

KEY = "ragbraid"
"""The key of metadata that holds what is ours."""

_HIT = tuple(each.name for each in fields(Hit) if each.name not in ("text", "metadata"))
_CHUNK = tuple(each.name for each in fields(Chunk) if each.name not in ("text", "metadata"))
_DOCUMENT = tuple(each.name for each in fields(Document) if each.name not in ("text", "metadata", "reading"))


def demand_storable(metadata: Mapping[str, Any], owner: str) -> None:
    """Raise `InputError`, naming `owner`, for metadata that an index couldn't give back exactly."""
    encode(metadata, owner)


def crossing(value: Hit | Chunk | Document) -> dict[str, Any]:
    """The metadata with which a value's text crosses: the user's, `source` where that is free, and `KEY`.

    Raises `InputError` where the user's metadata has that key, or a key that is no text.
    """
    names = _HIT if isinstance(value, Hit) else _CHUNK if isinstance(value, Chunk) else _DOCUMENT
    ours: dict[str, Any] = {name: getattr(value, name) for name in names}
    if isinstance(value, Hit):
        ours |= {"scores": dict(value.scores), "page_breaks": list(value.page_breaks)}
    elif isinstance(value, Document):
        ours |= {"pages": list(value.pages), "warnings": list(value.warnings)}
        ours["reading"] = {each.name: getattr(value.reading, each.name) for each in fields(Reading)}
    for key in value.metadata:
        if key == KEY or not isinstance(key, str):
            raise InputError(
                f"The metadata of {value.source} has the key {key!r}, which can't go to another framework.",
                "Rename it." if key == KEY else "Keys are text.",
            )
    return {"source": value.source, **value.metadata, KEY: {**ours, "named": "source" not in value.metadata}}


def crossed(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The user's metadata and ours, as `crossing` joined them; ours is empty where there is none."""
    users = dict(metadata)
    ours = users.pop(KEY, None)
    if not isinstance(ours, Mapping):
        return dict(metadata), {}
    if ours.get("named") and users.get("source") == ours.get("source"):
        del users["source"]
    return users, {key: each for key, each in ours.items() if key != "named"}


def hit_of(
    text: str,
    metadata: Mapping[str, Any],
    id: str | None = None,  # noqa: A002 - the field's usual name
    score: float | None = None,
) -> Hit:
    """The hit that a passage of a framework is; the one that crossed, where it did and its text is as it was.

    Any other is a document of its own: its source is what its metadata calls so, else its id, and its content
    hash that of its text. Raises `InputError` for metadata that an index couldn't hold.
    """
    users, ours = crossed(metadata)
    if ours.keys() >= set(_HIT) and ours["end"] - ours["start"] == len(text):
        kept = {**ours, "page_breaks": tuple(ours["page_breaks"])}
        return Hit(text=text, metadata=users, **{**kept, "score": ours["score"] if score is None else score})
    hashed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    named = users.get("source")
    source = named if isinstance(named, str) and named else id or hashed[:16]
    demand_storable(users, source)
    known = id or hashlib.sha256(f"{source}\n{hashed}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Hit(known, source, 0, len(text), text, score or 0.0, metadata=users, content_hash=hashed)


def document_of(text: str, metadata: Mapping[str, Any], id: str | None = None) -> Document:  # noqa: A002
    """The document that a framework's is; the one that crossed, where it did.

    Its source is what its metadata calls so, else its id, else empty.
    """
    users, ours = crossed(metadata)
    if ours.keys() >= set(_DOCUMENT):
        kept = {**ours, "pages": tuple(ours["pages"]), "warnings": tuple(ours["warnings"])}
        return Document(text=text, metadata=users, **{**kept, "reading": Reading(**ours["reading"])})
    named = users.get("source")
    source = named if isinstance(named, str) and named else id or ""
    return Document(source, text, users)


def chunk_of(text: str, metadata: Mapping[str, Any]) -> Chunk | None:
    """The chunk that crossed; None where none did, or its text was changed."""
    users, ours = crossed(metadata)
    if ours.keys() >= set(_CHUNK) and ours["end"] - ours["start"] == len(text):
        return Chunk(text=text, metadata=users, **{name: ours[name] for name in _CHUNK})
    return None
