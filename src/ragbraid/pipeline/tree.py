"""The tree of a parsed file: every key and value with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ragbraid.pipeline.diagnostics import Place

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
NAME_RULE = "a word of letters, digits, - and _"


@dataclass(slots=True)
class Scalar:
    """A single value. `plain` tells an unquoted one, whose type may still be read off its text."""

    place: Place
    value: Any
    plain: bool = False
    given: bool = False
    """It came with the call (an override): taken as it is, its paths count from the current folder."""
    written: str | None = None
    """What the file says, where `value` came from the environment: messages show this, not the value."""
    text: str | None = None
    """The text that came from the environment, for a setting that is text whatever it looks like."""
    alone: bool = False
    """It is one variable and nothing else, so that even in quotes it may stand for a number."""


@dataclass(slots=True)
class List:
    """A sequence of nodes."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Map:
    """A mapping with string keys, in file order; `keys` has each key's own place."""

    place: Place
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)

    def put(self, key: str, node: Node, place: Place) -> None:
        """Set or replace an entry."""
        self.items[key] = node
        self.keys[key] = place

    def where(self, key: str) -> Place:
        """The place of a key."""
        return self.keys.get(key, self.place)


Node: TypeAlias = Scalar | List | Map


def describe(node: Node) -> str:
    """What a node is, for a message."""
    match node:
        case Map():
            return "a mapping"
        case List():
            return "a list"
        case Scalar(written=str() as written):
            return repr(written)
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool(value)):
            return "true" if value else "false"
        case Scalar(value=value):
            return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:56]}…'"


def child(node: Node, key: int | str) -> Node | None:
    """What a mapping has under a key, or a list at a place."""
    if isinstance(node, Map):
        return node.items.get(key) if isinstance(key, str) else None
    if isinstance(node, List) and isinstance(key, int) and key < len(node.items):
        return node.items[key]
    return None


def scalars(node: Node) -> Iterator[Scalar]:
    """Every scalar below a node, in file order."""
    match node:
        case Scalar():
            yield node
        case List(items=items):
            for each in items:
                yield from scalars(each)
        case Map(items=entries):
            for each in entries.values():
                yield from scalars(each)


def overridden(node: Node) -> Iterator[Place]:
    """The places of the overrides in a node: an override has no line."""
    match node:
        case Map(items=entries):
            for key, each in entries.items():
                if node.where(key).line:
                    yield from overridden(each)
                else:
                    yield node.where(key)
        case List(items=items):
            for each in items:
                yield from overridden(each)


def from_value(value: Any, place: Place) -> Node:
    """A tree of Python values, as an override gives them."""
    if isinstance(value, dict):
        node = Map(place)
        for key, each in value.items():
            node.put(str(key), from_value(each, place), place)
        return node
    if isinstance(value, list | tuple):
        return List(place, [from_value(each, place) for each in value])
    return Scalar(place, value, given=True)
