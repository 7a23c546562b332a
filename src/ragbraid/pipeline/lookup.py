"""A type's name in a file → the class or function; runs a file's own code only where it was allowed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from ragbraid import registry
from ragbraid.errors import FOREIGN, InputError, told
from ragbraid.pipeline.diagnostics import LIKENESS, meant
from ragbraid.text.near import nearest


def demand_allowed(allow: Sequence[str]) -> None:
    """Raise `InputError` for a file that is allowed and isn't there: a slip would go unnoticed."""
    for each in allow:
        path = Path(each).expanduser()
        if each.endswith(".py") and not path.is_file():
            beside = [str(path.with_name(other.name)) for other in path.parent.glob("*.py")]
            raise InputError(
                f"There is no file {each} to be allowed{meant(str(path), beside) or '.'}",
                "Paths with --allow count from the current folder.",
            )


class UnknownTypeError(Exception):
    """There is no such component type, or it may not be used; the message says which.

    `near` is the type that was perhaps meant.
    """

    def __init__(self, message: str, near: str = "") -> None:
        super().__init__(message)
        self.near = near


def find_type(name: str, base: Path, allow: Sequence[str]) -> Any:
    """The component type of that name. Raises `UnknownTypeError` with a message for the user.

    `name` is a registered type, or `./file.py:attribute` or `package.module:attribute`, where `allow`
    has that file, or that module or a package above it.
    """
    if ":" in name:
        return _own_code(name, base, allow)
    try:
        return registry.find(name)
    except FOREIGN as error:  # whatever a plug-in raises while it is imported
        if isinstance(error, KeyError) and name not in (known := registry.names()):
            near = nearest(name, known, LIKENESS) or ""
            raise UnknownTypeError(f"there is no component type {name!r}{meant(name, known)}", near) from None
        why = error if isinstance(error, ImportError | InputError) else told(error)
        raise UnknownTypeError(f"the component type {name!r} can't be imported: {why}") from error


def _own_code(name: str, base: Path, allow: Sequence[str]) -> Any:
    module_name, _, attribute = name.partition(":")
    if module_name.endswith(".py"):
        path = (base / Path(module_name).expanduser()).resolve()
        if path not in {Path(each).expanduser().resolve() for each in allow if each.endswith(".py")}:
            near = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else path
            raise UnknownTypeError(f"{name!r} is code of its own; to let it run, add --allow {near}")
        load = partial(_module_of, path)
    else:
        if not any(module_name == each or module_name.startswith(f"{each}.") for each in allow):
            package = module_name.partition(".")[0]
            raise UnknownTypeError(f"{name!r} is code of its own; to let it run, add --allow {package}")
        load = partial(importlib.import_module, module_name)
    try:
        module = load()
    except FileNotFoundError:
        raise UnknownTypeError(f"there is no file {module_name}") from None
    except FOREIGN as error:  # whatever the user's module raises while it is imported
        raise UnknownTypeError(f"{module_name} can't be imported: {told(error)}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        near = meant(attribute, (each for each in vars(module) if not each.startswith("_")))
        raise UnknownTypeError(f"{module_name} has no {attribute!r}{near}") from None


def _module_of(path: Path) -> Any:
    source = path.read_bytes()
    name = f"ragbraid_local_{path.stem}_{sha256(str(path).encode() + source).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError("it isn't a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up while it is being executed
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
