"""What crosses a bridge: text with one mapping of metadata, from which the very value is made again.

Frameworks know a passage as text, an id and metadata. The user's metadata crosses as it is, value by value;
what else a hit or a document has (offsets, page, scores, hash …) goes under one key of its own, `KEY`, with a
digest of the text: a place in a document is that of this text alone. What stands under that key and was never
put there by `crossing` is the user's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from numbers import Real
from typing import Any, TypeAlias

from ragbraid.errors import InputError
from ragbraid.index.metadata import encode
from ragbraid.types import Chunk, Document, Hit, Reading

KEY = "ragbraid"
"""The key of metadata that holds what is ours."""

_NUMBERS = (float, int, Real)
_LISTS = (list, tuple)
_Is: TypeAlias = Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _is_place(value: Any) -> bool:
    return value is None or _is_count(value)


def _list_of(each: _Is) -> _Is:
    return lambda value: isinstance(value, _LISTS) and all(map(each, value))


def _is_scores(value: Any) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value)) and all(map(_is_number, value.values()))


def _is_reading(value: Any) -> bool:
    return isinstance(value, Mapping) and _fits(value, _READING)


_READING: Mapping[str, _Is] = {"reader": _is_text, "encoding": _is_text, "verbatim": _is_flag}
_ALL: Mapping[str, _Is] = {"source": _is_text, "named": _is_flag, "digest": _is_text}
_PASSAGE: Mapping[str, _Is] = {"start": _is_count, "end": _is_count, "id": _is_text}
_KINDS: Mapping[type, Mapping[str, _Is]] = {
    Hit: {
        **_ALL, **_PASSAGE, "score": _is_number, "scores": _is_scores, "page": _is_place,
        "collection": _is_text, "content_hash": _is_text, "line": _is_place,
        "page_breaks": _list_of(_is_count),
    },
    Chunk: {**_ALL, **_PASSAGE, "context": _is_text},
    Document: {
        **_ALL, "pages": _list_of(_is_count), "warnings": _list_of(_is_text), "body": _is_count,
        "media_type": _is_text, "reading": _is_reading,
    },
}  # fmt: skip
"""What stands under `KEY` for each kind of value: all of these, and nothing else."""
_BY_KEYS = {frozenset(each): kind for kind, each in _KINDS.items()}


def demand_storable(metadata: Mapping[str, Any], owner: str) -> None:
    """Raise `InputError`, naming `owner`, for metadata that an index couldn't give back exactly."""
    encode(metadata, owner)


def crossing(value: Hit | Chunk | Document) -> dict[str, Any]:
    """The metadata with which a value's text crosses: the user's, `source` where that is free, and `KEY`.

    Raises `InputError` where the user's metadata has that key, or a key that is no text.
    """
    named = "source" not in value.metadata
    ours: dict[str, Any] = {"named": named, "digest": _digest(value.text)}
    ours |= {name: getattr(value, name) for name in _KINDS[type(value)] if name not in ours}
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
    return {"source": value.source, **value.metadata, KEY: ours}


def kind_of(metadata: Mapping[str, Any]) -> type | None:
    """`Hit`, `Chunk` or `Document`, where `crossing` wrote the metadata of one; None for anything else."""
    ours = metadata.get(KEY)
    if not isinstance(ours, Mapping):
        return None
    kind = _BY_KEYS.get(frozenset(ours))
    return kind if kind is not None and _fits(ours, _KINDS[kind]) else None


def crossed(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], type | None, Mapping[str, Any]]:
    """The user's metadata, of what `kind_of` value it is, and ours, which is empty where there is none."""
    kind = kind_of(metadata)
    if kind is None:
        return dict(metadata), None, {}
    users = dict(metadata)
    ours: Mapping[str, Any] = users.pop(KEY)
    if ours["named"] and users.get("source") == ours["source"]:
        del users["source"]
    return users, kind, ours


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
    users, kind, ours = crossed(metadata)
    if kind is Hit and _is_place_of(text, ours):
        kept = {**_own(ours), "page_breaks": tuple(ours["page_breaks"])}
        return Hit(text=text, metadata=users, **{**kept, "score": ours["score"] if score is None else score})
    hashed = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    named = users.get("source")
    source = named if isinstance(named, str) and named else id or hashed[:16]
    demand_storable(users, source)
    known = id or hashlib.sha256(f"{source}\n{hashed}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Hit(known, source, 0, len(text), text, score or 0.0, metadata=users, content_hash=hashed)


def document_of(text: str, metadata: Mapping[str, Any], id: str | None = None) -> Document:  # noqa: A002
    """The document that a framework's is; the one that crossed, where it did.

    Where its text was changed on the way, it keeps its source, and what is told of places in the old text is
    left out. The source of any other is what its metadata calls so, else its id, else empty.
    """
    users, kind, ours = crossed(metadata)
    if kind is Document:
        if ours["digest"] != _digest(text):
            return Document(ours["source"], text, users, media_type=ours["media_type"])
        kept = {**_own(ours), "pages": tuple(ours["pages"]), "warnings": tuple(ours["warnings"])}
        return Document(text=text, metadata=users, **{**kept, "reading": Reading(**ours["reading"])})
    named = users.get("source")
    source = named if isinstance(named, str) and named else id or ""
    return Document(source, text, users)


def chunk_of(text: str, metadata: Mapping[str, Any]) -> Chunk | None:
    """The chunk that crossed; None where none did, or its text was changed."""
    users, kind, ours = crossed(metadata)
    if kind is Chunk and _is_place_of(text, ours):
        return Chunk(text=text, metadata=users, **_own(ours))
    return None


def _fits(values: Mapping[str, Any], wanted: Mapping[str, _Is]) -> bool:
    return values.keys() == wanted.keys() and all(fits(values[name]) for name, fits in wanted.items())


def _own(ours: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the value among what crossed for it."""
    return {name: each for name, each in ours.items() if name not in ("named", "digest")}


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _is_place_of(text: str, ours: Mapping[str, Any]) -> bool:
    return bool(ours["end"] - ours["start"] == len(text) and ours["digest"] == _digest(text))
