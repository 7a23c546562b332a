"""What a step is called, and which keys it may have."""

from __future__ import annotations

from ragbraid.pipeline.diagnostics import Problems, meant
from ragbraid.pipeline.environment import waits
from ragbraid.pipeline.scope import RESERVED, Environment
from ragbraid.pipeline.tree import NAME, NAME_RULE, Map, Scalar, describe


def last_word(name: str) -> str:
    """The last word of a type's name, which is a step's id where it says none."""
    return name.rpartition(":")[2].rpartition("/")[2]


class Naming:
    """Reads ids and `as`, and notes names that can't be."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def identity(self, node: Map, name: str, environment: Environment) -> str:
        """The id of a step: what it says, or the last word of `name`, its type."""
        given = node.items.get("id")
        place = (
            given.place
            if given is not None
            else node.items["type"].place
            if "type" in node.items
            else node.place
        )
        if given is not None and waits(given):
            return "?"
        if given is None:
            identity = environment.only or last_word(name)
        elif isinstance(given, Scalar) and isinstance(given.value, str) and NAME.fullmatch(given.value):
            identity = given.value
        else:
            self._problems.add(place, f"an id is {NAME_RULE}, not {describe(given)}")
            return "?"
        if identity in RESERVED:
            self._problems.add(place, f"{identity!r} is the name of a role; give the step another id")
        elif identity in environment.ids:
            self._problems.add(place, f"two steps have the id {identity!r}; give this one an `id` of its own")
            if (first := environment.find(identity)) is not None:
                first.read = True  # who reads it can't be told from who reads this one
        environment.ids.setdefault(identity, place)
        return identity

    def role(self, node: Map, environment: Environment) -> str | None:
        """The name that `as` gives, or None."""
        given = node.items.get("as")
        if given is None:
            return None
        if waits(given):
            environment.unknown = True
            return None
        if isinstance(given, Scalar) and isinstance(given.value, str) and NAME.fullmatch(given.value):
            return given.value
        self._problems.add(given.place, f"`as` wants a name: {NAME_RULE}, not {describe(given)}")
        return None

    def options(self, node: Map, inputs: list[str], name: str) -> None:
        """Note the keys of a call that are none of its inputs."""
        for key in node.items:
            if key not in {"use", "id", "as", *inputs}:
                near = meant(key, inputs)
                self._problems.add(node.where(key), f"{name!r} has no input {key!r}{near}")

    def keys(self, node: Map, known: tuple[str, ...], form: str) -> None:
        """Note the keys that a form of step doesn't have."""
        for key in node.items:
            if key not in known:
                self._problems.add(node.where(key), f"{form} has no {key!r}{meant(key, known)}")
