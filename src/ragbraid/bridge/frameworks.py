"""The frameworks that there are connectors for: found by name, and by the classes of their objects."""

from __future__ import annotations

import typing
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ragbraid.code import is_maker
from ragbraid.errors import FOREIGN, MissingDependency, told

if TYPE_CHECKING:
    from ragbraid.bridge.protocol import Bridge

GROUP = "ragbraid.bridges"


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework: its name in a file, the package that its classes come from, and our connector to it.

    `others` is the package of what others have written for it, where it has one.
    """

    name: str
    package: str
    connector: str
    others: str = ""


FRAMEWORKS: Mapping[str, Framework] = {
    each.name: each
    for each in (
        Framework("langchain", "langchain_core", "langchain-ragbraid"),
        Framework("llama-index", "llama_index", "llama-index-ragbraid"),
        Framework("haystack", "haystack", "ragbraid-haystack", "haystack_integrations"),
    )
}


def framework_of(cls: type) -> Framework | None:
    """The framework that a class is of: its own, that of a base, or that of its metaclass."""
    meta: type = type(cls)
    classes = (*cls.__mro__, *meta.__mro__)
    packages = {str(each.__module__).partition(".")[0] for each in classes}
    return next((each for each in FRAMEWORKS.values() if {each.package, each.others} & packages), None)


def class_of(target: Any) -> type | None:
    """The class of the object that a value is, or makes; None for a function that doesn't say."""
    if isinstance(target, type):
        return target
    if not is_maker(target):
        return type(target)
    function = getattr(target, "func", getattr(target, "__wrapped__", target))
    try:
        given = typing.get_type_hints(function).get("return")
    except FOREIGN:  # an annotation is an expression, and may raise anything
        return None
    given = typing.get_origin(given) or given
    return given if isinstance(given, type) else None


def bridge_to(framework: Framework) -> Bridge:
    """The connector's bridge. Raises `MissingDependency` with what to install, and why it can't be used."""
    from importlib.metadata import entry_points

    found = list(entry_points(group=GROUP, name=framework.name))
    if not found:
        raise MissingDependency(
            f"Parts of {framework.name} need the package {framework.connector}, which isn't installed.",
            f"Run `pip install {framework.connector}`.",
        )
    try:
        bridge: Bridge = found[0].load()
    except FOREIGN as error:
        raise MissingDependency(
            f"The package {framework.connector} can't be imported: {told(error)}",
            f"Run `pip install --upgrade {framework.connector}`.",
        ) from error
    return bridge


def warn_untested(connector: str, package: str, tested: tuple[str, str]) -> None:
    """Warn of a framework's version that a connector wasn't tested with; called once, as it is imported.

    `tested` are the first version that was, and the first after it that wasn't.
    """
    from importlib.metadata import version

    found, (first, beyond) = version(package), tested
    if not _release(first) <= _release(found) < _release(beyond):
        said = f"{connector} was tested with {package} from {first} up to, not including, {beyond}"
        warnings.warn(f"{said}; this is {found}.", UserWarning, stacklevel=2)


def _release(version: str) -> tuple[int, ...]:
    numbers = []
    for part in version.split("+")[0].split("."):
        digits = part[: next((at for at, sign in enumerate(part) if not sign.isdigit()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)
