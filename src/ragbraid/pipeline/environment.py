"""`${NAME}` and `${NAME:-default}` from the environment; `$$` is a dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ragbraid.pipeline.diagnostics import Problems
from ragbraid.pipeline.parse import resolve
from ragbraid.pipeline.tree import Map, Node, Scalar, scalars

_REFERENCE = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\{[^}]*\}?))")
_SPECIAL = re.compile(r"\$[${]")


def escaped(text: str) -> str:
    """Text as a file writes it, so that nothing in it is looked up."""
    return text.replace("$", "$$") if _SPECIAL.search(text) else text


def is_variable(text: str) -> bool:
    """Whether a file's text is one variable and nothing else."""
    match = _REFERENCE.fullmatch(text)
    return match is not None and match[2] is not None


def without_variables(text: str) -> str:
    """A file's text in which each variable that it names is mere text; what is escaped stays so."""
    return _REFERENCE.sub(lambda match: f"${match[0]}" if match[2] else match[0], text)


def variables_of(text: str) -> list[str]:
    """The variables that a file's text names, each once, in their order."""
    return list(dict.fromkeys(match[2] for match in _REFERENCE.finditer(text) if match[2]))


class Unresolved(str):
    """Text whose variables weren't looked up; it stands for a value of any type."""

    __slots__ = ()


def waits(node: Node) -> bool:
    """Whether a node is a value that the environment gives, and hasn't given."""
    return isinstance(node, Scalar) and isinstance(node.value, Unresolved)


def as_number(scalar: Scalar) -> Any:
    """A scalar's value where a number or boolean is wanted: one variable in quotes is read as without."""
    return resolve(scalar.text) if scalar.alone and scalar.text is not None else scalar.value


def veiled(message: str, node: Node) -> str:
    """A component's own message about a node, without what its variables hold."""
    for each in scalars(node):
        if each.text and each.written is not None:
            message = message.replace(each.text, each.written)
    return message


def substitute(root: Map, variables: Mapping[str, str] | None, problems: Problems) -> None:
    """Replace references in every scalar of a file but those under `x-…` keys and those of overrides.

    With `variables` None nothing is looked up.
    """
    seen: set[int] = set()  # an anchored scalar stands in the tree once for each alias
    for key, section in root.items.items():
        for scalar in () if key.startswith("x-") else scalars(section):
            if id(scalar) not in seen and not scalar.given:
                seen.add(id(scalar))
                if isinstance(scalar.value, str) and "$" in scalar.value:
                    _substitute(scalar, variables, problems)


def _substitute(scalar: Scalar, variables: Mapping[str, str] | None, problems: Problems) -> None:
    unknown = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal unknown
        dollar, name, default, malformed = match.groups()
        if dollar:
            return "$"
        if malformed:
            problems.add(scalar.place, f"${malformed} isn't a variable; write ${{NAME}}, or $$ for a dollar")
            unknown = True
            return ""
        if variables is not None and (value := variables.get(name)) is not None:
            return value
        if default is not None and variables is not None:
            return str(default)
        if variables is not None:
            problems.add(
                scalar.place,
                f"the environment variable {name} isn't set; set it, or write ${{{name}:-default}}",
            )
        unknown = True
        return match.group(0)

    text = _REFERENCE.sub(replaced, scalar.value)
    alone = _REFERENCE.fullmatch(scalar.value)
    scalar.alone = alone is not None and alone[2] is not None
    scalar.written = scalar.value
    if unknown:
        scalar.value = Unresolved(text)
    else:
        scalar.value = resolve(text) if scalar.plain else text
        scalar.text = text
