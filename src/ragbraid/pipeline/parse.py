"""Text → tree. Reads YAML's events one by one, so that no file can make it recurse or swell.

Scalars follow YAML 1.2's core schema (`no` and `on` are strings, `0o17` is a number), since a country
code must not become a boolean.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from ragbraid.pipeline.diagnostics import Place, Problems, meant
from ragbraid.pipeline.syntax import MAX_DEPTH, explain
from ragbraid.pipeline.tree import List, Map, Node, Scalar, describe

MAX_CHARACTERS = 1_000_000
MAX_NODES = 20_000

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_INT = re.compile(r"[-+]?[0-9]+")
_PREFIXED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def parse(text: str, file: str, problems: Problems) -> Map | None:
    """The tree of a pipeline file; None where it can't be read as a mapping, with the problem noted."""
    if len(text) > MAX_CHARACTERS:
        problems.add(Place(file, 1, 1), f"the file is over {MAX_CHARACTERS:,} characters long")
        return None
    root = parse_value(text, file, problems)
    if root is None:
        return None
    if not isinstance(root, Map):
        problems.add(root.place, "a pipeline file is a mapping that begins with `ragbraid: 1`")
        return None
    return root


def parse_value(text: str, file: str, problems: Problems) -> Node | None:
    """The tree of any YAML text; None where it can't be read, with the problem noted."""
    if found := _UNREADABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        said = f"the character U+{ord(found[0]):04X} can't stand in a file; remove it"
        problems.add(Place(file, line, column), said)
        return None
    try:
        return _Composer(file, problems).compose(text)
    except yaml.MarkedYAMLError as error:
        problems.add(*explain(error, text, file))
    except _TooMuchError as error:
        problems.add(error.place, str(error))
    return None


def resolve(text: str) -> Any:
    """The value of a plain scalar by YAML 1.2's core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) < 400 else text
    if _PREFIXED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


class _TooMuchError(Exception):
    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


class _Composer:
    """Builds the tree from events. Open collections stand on a stack of our own."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.anchors: dict[str, tuple[Node, int] | None] = {}
        self.stack: list[tuple[List | Map, str | None, int]] = []
        self.pending: list[tuple[str | None, Place] | None] = []
        self.nodes = 0
        self.root: Node | None = None

    def compose(self, text: str) -> Node | None:
        documents = 0
        for event in yaml.parse(text, Loader=_Loader):
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise _TooMuchError(
                            self.place(event), "a file holds one YAML document, and here begins another"
                        )
                case yaml.ScalarEvent():
                    self.close_value(self.scalar(event), event)
                case yaml.AliasEvent():
                    self.alias(event)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self.open(event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self.end()
        if self.root is None and not self.problems:
            self.problems.add(
                Place(self.file, 1, 1), "the file is empty; a pipeline begins with `ragbraid: 1`"
            )
        return self.root

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def scalar(self, event: Any) -> Scalar:
        place = self.place(event)
        self.refuse_tag(event, place)
        plain = event.style in (None, "") and event.implicit[0]
        return Scalar(place, resolve(event.value) if plain else event.value, plain)

    def refuse_tag(self, event: Any, place: Place) -> None:
        if event.tag not in (None, "!"):
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.problems.add(place, f"tags such as {tag} aren't used in pipeline files")

    def open(self, event: Any) -> None:
        place = self.place(event)
        self.refuse_tag(event, place)
        if len(self.stack) >= MAX_DEPTH:
            raise _TooMuchError(place, f"the file is nested more than {MAX_DEPTH} levels deep")
        node: List | Map = List(place) if isinstance(event, yaml.SequenceStartEvent) else Map(place)
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append((node, event.anchor, self.nodes))
        self.pending.append(None)

    def end(self) -> None:
        node, anchor, before = self.stack.pop()
        self.pending.pop()
        if anchor:
            self.anchors[anchor] = (node, self.nodes - before)
        self.attach(node)

    def close_value(self, node: Scalar, event: Any) -> None:
        if event.anchor:
            self.anchors[event.anchor] = (node, 1)
        self.attach(node)

    def alias(self, event: Any) -> None:
        place = self.place(event)
        if event.anchor not in self.anchors:
            near = meant(event.anchor, self.anchors)
            raise _TooMuchError(place, f"there is no anchor &{event.anchor} above{near}")
        held = self.anchors[event.anchor]
        if held is None:
            raise _TooMuchError(place, f"*{event.anchor} stands inside itself")
        node, size = held
        self.count(size, place)
        self.attach(node)

    def count(self, nodes: int, place: Place) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _TooMuchError(
                place, f"the file comes to over {MAX_NODES:,} values with its anchors written out"
            )

    def attach(self, node: Node) -> None:
        self.count(1, node.place)
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1][0]
        if isinstance(parent, List):
            parent.items.append(node)
        elif self.pending[-1] is None:
            self.pending[-1] = self.key(node, parent)
        else:
            name, place = self.pending[-1]
            self.pending[-1] = None
            if name is not None and name not in parent.items:
                parent.put(name, node, place)

    def key(self, node: Node, parent: Map) -> tuple[str | None, Place]:
        """The name and place of a key; a bad one is noted, and has no name, so its value is left out."""
        if not isinstance(node, Scalar):
            self.problems.add(node.place, f"a key is text, not {describe(node)}")
            return None, node.place
        if not isinstance(node.value, str):
            self.problems.add(node.place, f"a key is text, not {describe(node)}; put it in quotes")
            return None, node.place
        if node.value == "<<" and node.plain:
            self.problems.add(
                node.place, "merge keys (<<) aren't supported; name a component and refer to it"
            )
            return None, node.place
        if node.value in parent.items:
            first = parent.where(node.value)
            self.problems.add(
                node.place, f"the key {node.value!r} stands here twice, first in line {first.line}"
            )
        return node.value, node.place
