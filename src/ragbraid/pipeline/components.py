"""Component definitions of a file → component values, with every reference in its place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.code import Code
from ragbraid.errors import FOREIGN, RagbraidError, SettingError, told
from ragbraid.pipeline.diagnostics import Place, Problems, listed, meant
from ragbraid.pipeline.environment import veiled, waits
from ragbraid.pipeline.foreign import find_target
from ragbraid.pipeline.function import FunctionComponent
from ragbraid.pipeline.lookup import UnknownTypeError
from ragbraid.pipeline.settings import as_python, node_at, validate
from ragbraid.pipeline.signature import Setting, Signature, SignatureError, signature_of
from ragbraid.pipeline.syntax import MAX_DEPTH
from ragbraid.pipeline.tree import NAME, NAME_RULE, List, Map, Node, Scalar, describe, overridden
from ragbraid.pipeline.typecheck import gives_like, implements, lacking, type_name


@dataclass(frozen=True, slots=True)
class Built:
    """What came of a definition. `signature` is None where the type isn't known, and `near` the one that was
    perhaps meant; `value` is None where the component can't be made (its problems are noted) or waits for the
    environment."""

    type: str
    signature: Signature | None = None
    value: Any = None
    near: str = ""


class Components:
    """The named components of a file, each made when it is first asked for."""

    def __init__(self, node: Map | None, base: Path, allow: Sequence[str], problems: Problems) -> None:
        self._node = node or Map(Place(""))
        self._base = base
        self._allow = allow
        self._problems = problems
        self.types: dict[Any, str] = {}
        """The classes and functions found so far, and their names in the file."""
        self._built: dict[str, Built] = {}
        for name in self.names:
            if not NAME.fullmatch(name):
                problems.add(self.where(name), f"a component's name is {NAME_RULE}, not {name!r}")
        self._made: dict[tuple[int, bool], tuple[Map, Built]] = {}
        self._open: list[str] = []
        self._depth = 0

    @property
    def names(self) -> list[str]:
        """The ids under `components`, in file order."""
        return list(self._node.items)

    def where(self, name: str) -> Place:
        """The place of a component's id."""
        return self._node.where(name)

    def get(self, name: str) -> Built | None:
        """The component of that id; None where there is none."""
        if name in self._built or name not in self._node.items:
            return self._built.get(name)
        node = self._node.items[name]
        if not isinstance(node, Map):
            self._problems.add(node.place, f"{name} wants a mapping with a `type`, not {describe(node)}")
            self._built[name] = Built(name)
            return self._built[name]
        self._open.append(name)
        built = self.build(node)
        self._open.pop()
        self._built[name] = built
        return built

    def build(self, node: Map, besides: Iterable[str] = ()) -> Built:
        """Make the component of a mapping; keys in `besides` (and a step's inputs there) aren't settings.

        Asking again for the same mapping costs nothing.
        """
        key = id(node), bool(besides)
        if key not in self._made:
            self._made[key] = node, self._build(node, besides)
        return self._made[key][1]

    def made(self, node: Map) -> Built | None:
        """What `build` made of a mapping; None where it wasn't asked to."""
        found = self._made.get((id(node), True)) or self._made.get((id(node), False))
        return found[1] if found else None

    def definition(self, value: Any) -> tuple[Map, Built]:
        """The mapping that a component was made of, and what it is; that of an equal one will do."""
        every = list(self._made.values())
        same = [each for each in every if each[1].value is value]
        return (same or [each for each in every if each[1].value == value])[0]

    def _build(self, node: Map, besides: Iterable[str]) -> Built:
        kind = node.items.get("type")
        if kind is None:
            said = misspelt(node, "a component", ["type"]) or "a component wants a `type`"
            self._problems.add(node.place, said)
            return Built("")
        if waits(kind):
            return Built("")
        if not isinstance(kind, Scalar) or not isinstance(kind.value, str):
            self._problems.add(kind.place, f"`type` wants a name, not {describe(kind)}")
            return Built("")
        try:
            target, code = find_target(kind.value, node, self._base, self._allow)
            signature = signature_of(target)
        except UnknownTypeError as error:
            self._problems.add(kind.place, str(error))
            return Built(kind.value, near=error.near)
        except SignatureError as error:
            self._problems.add(kind.place, f"{kind.value!r} isn't a component: {error}")
            return Built(kind.value)
        if self._depth >= MAX_DEPTH:
            self._problems.add(node.place, f"components refer to each other more than {MAX_DEPTH} deep")
            return Built(kind.value, signature)
        self._depth += 1
        self.types[signature.target] = kind.value
        value = self._value(node, kind.value, signature, tuple(besides), code)
        self._depth -= 1
        return Built(kind.value, signature, value)

    def refer(self, node: Node, setting: Setting, owner: str) -> Built | None:
        """The component that a reference names or defines in place; None where it is wrong."""
        assert setting.protocol is not None
        if waits(node):
            return None
        if isinstance(node, Map):
            built = self.build(node)
        elif isinstance(node, Scalar) and isinstance(node.value, str):
            found = self._named(node.value, node.place, setting.name)
            if found is None:
                return None
            built = found
        else:
            self._problems.add(node.place, f"{setting.name} wants a component, not {describe(node)}")
            return None
        signature = built.signature
        if signature and not (
            implements(signature.runtime, setting.protocol) and gives_like(signature.output, setting.protocol)
        ):
            self._misfit(node, setting, built, owner)
            return None
        return built

    def _named(self, name: str, place: Place, setting: str) -> Built | None:
        if name in self._open:
            circle = " → ".join([*self._open[self._open.index(name) :], name])
            self._problems.add(place, f"components refer to each other in a circle: {circle}")
            return None
        built = self.get(name)
        if built is None:
            self._problems.add(place, f"{setting}: there is no component {name!r}{meant(name, self.names)}")
        return built

    def _misfit(self, node: Node, setting: Setting, built: Built, owner: str) -> None:
        assert setting.protocol is not None
        assert built.signature is not None
        lacks = lacking(built.signature.runtime, setting.protocol)
        why = f"has no {listed(lacks[:3])}" if lacks else f"gives {type_name(built.signature.output)}"
        self._problems.add(
            node.place,
            f"{setting.name} of {owner!r} wants a component of kind {setting.protocol.__name__}, and "
            f"{built.type!r} isn't one: it {why}",
        )

    def _value(
        self, node: Map, kind: str, signature: Signature, besides: tuple[str, ...], code: Code | None
    ) -> Any:
        fine = self._known_keys(node, kind, signature, besides)
        references: dict[str, Any] = {}
        for setting in signature.settings:
            if code is not None and setting.annotation is Code:
                references[setting.name] = code
                continue
            given = node.items.get(setting.name)
            if given is None:
                if setting.required:
                    fine = False
                    said = f"{kind!r} wants the setting `{setting.name}`"
                    self._problems.add(_culprit(node, signature), said)
            elif setting.protocol is not None:
                fine &= self._reference(given, setting, kind, references)
        settings = [
            each for each in signature.settings if each.protocol is None and each.name not in references
        ]
        values = validate(settings, node.items, self._base, self._problems)
        if values is None or not fine:
            return None
        try:
            if signature.function:
                return FunctionComponent.of(signature, values)
            return signature.target(**values, **references)
        except SettingError as error:
            for where, said, other in error.faults:
                also = "" if other is None else f", and at {node_at(node, other).place}"
                self._problems.add(node_at(node, where).place, veiled(f"{said}{also}", node))
            return None
        except FOREIGN as error:  # whatever a component's own code raises
            meant_for_users = isinstance(error, ValueError | RagbraidError) and str(error)
            said = str(error) if meant_for_users else told(error)
            self._problems.add(_culprit(node, signature), f"{kind!r}: {veiled(said, node)}")
            return None

    def _known_keys(self, node: Map, kind: str, signature: Signature, besides: tuple[str, ...]) -> bool:
        settings = [each.name for each in signature.settings]
        inputs = [each.name for each in signature.inputs or ()] if besides else []
        what = "setting or input" if inputs else "setting"
        fine = True
        missing = [each.name for each in signature.settings if each.required and each.name not in node.items]
        replaced = not node.where("type").line  # by an override, which the file's settings needn't fit
        for key in node.items:
            if key not in {"type", *besides, *settings, *inputs}:
                fine = False
                near = meant(key, missing) or meant(key, [*settings, *inputs, *besides])
                place = node.where("type" if replaced and node.where(key).line else key)
                self._problems.add(place, f"{kind!r} has no {what} {key!r}{near}")
        return fine

    def _reference(self, node: Node, setting: Setting, kind: str, into: dict[str, Any]) -> bool:
        if (
            isinstance(node, Scalar)
            and node.value is None
            and not setting.required
            and setting.default is None
        ):
            into[setting.name] = None
            return True
        if not setting.many:
            built = self.refer(node, setting, kind)
            into[setting.name] = built.value if built else None
            return built is not None and built.value is not None
        if not isinstance(node, List):
            self._problems.add(node.place, f"{setting.name} wants a list of components, not {describe(node)}")
            return False
        every = [self.refer(each, setting, kind) for each in node.items]
        into[setting.name] = tuple(each.value if each else None for each in every)
        return all(each is not None and each.value is not None for each in every)


def _culprit(node: Map, signature: Signature) -> Place:
    """Where to look when a component can't be made: at its overrides, if it has any, else at itself."""
    names = {"type", *(each.name for each in signature.settings)}
    entries = {key: each for key, each in node.items.items() if key in names}
    found = {str(place): place for place in overridden(Map(node.place, entries, node.keys))}
    return Place(listed(found)) if found else node.place


def misspelt(node: Map, form: str, wanted: Iterable[str]) -> str:
    """What to say of the first key that is nearly one of those that are wanted; empty where none is."""
    near = {key: meant(key, wanted) for key in node.items}
    return next((f"{form} has no {key!r}{said}" for key, said in near.items() if said), "")


def literal(node: Node) -> tuple[bool, Any]:
    """Whether a node is `{value: …}`, and the value."""
    if isinstance(node, Map) and list(node.items) == ["value"]:
        return True, as_python(node.items["value"])
    return False, None
