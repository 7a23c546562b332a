"""The reference, made of signatures and docstrings; run as a script, it writes the pages into reference/.

Run it from the repository's root: .venv/bin/python tests/docs/reference.py
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ragbraid
from ragbraid import errors, registry
from ragbraid.cli.components import _KINDS as KINDS
from ragbraid.cli.components import _input as input_of
from ragbraid.cli.components import _option as option_of
from ragbraid.pipeline.describe import Description, describe

FOLDER = Path(__file__).resolve().parents[2] / "reference"
_MADE = "Made of the docstrings by `tests/docs/reference.py`, which `make test` compares with this page."
_WIDTH = 100


def components() -> str:
    """The page of all types of component that ragbraid brings."""
    known = [describe(name) for name in registry.BUILTIN if not name.startswith("testing/")]
    parts = ["# Components", f"What a pipeline file may name as a `type`. {_MADE}"]
    for kind, title in KINDS.items():
        members = [each for each in known if each.kind == kind]
        if members:
            parts.append(f"## {title}")
            parts += [part for each in members for part in _component(each)]
    return "\n\n".join(parts) + "\n"


def _component(each: Description) -> Iterator[str]:
    yield f"### {each.name}"
    yield each.doc
    if each.settings:
        yield _table("setting", [(option.name, option_of(option)) for option in each.settings])
    if each.inputs:
        yield _table("input of the step", [(taken.name, input_of(taken)) for taken in each.inputs])
    ends = [f"Gives `{each.gives}`."] if each.gives else []
    yield " ".join([*ends, f"In a file: `{each.example}`" if each.example else ""]).strip()


def _table(head: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| {head} | |", "| --- | --- |"]
    for name, text in rows:
        lines.append(f"| `{name}` | {text.replace('|', chr(92) + '|')} |")
    return "\n".join(lines)


def python() -> str:
    """The page of what `import ragbraid` offers."""
    parts = ["# In Python", f"What `import ragbraid` offers. {_MADE}"]
    for name in ragbraid.__all__:
        found = getattr(ragbraid, name)
        if not (inspect.isclass(found) and issubclass(found, Exception)):
            parts += _class(name, found) if inspect.isclass(found) else _function(name, found, "##")
    parts.append("## Errors")
    parts.append("All are in `ragbraid.errors`, and each is one of what it is indented below.")
    parts.append("\n".join(_errors(errors.RagbraidError)))
    return "\n\n".join(parts) + "\n"


def _class(name: str, found: type) -> list[str]:
    parts = [f"## {name}", inspect.getdoc(found) or ""]
    if dataclasses.is_dataclass(found):
        rows = [(each.name, f"`{each.type}`") for each in dataclasses.fields(found)]
        parts.append(_table("field", rows))
    for method, value in _methods(found):
        parts += _function(method, value, "###")
    return parts


def _methods(found: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties, in the order of the code, those of its bases last."""
    seen: set[str] = set()
    for base in found.__mro__:
        if base.__module__.startswith("ragbraid"):
            for name, value in vars(base).items():
                if not name.startswith("_") and name not in seen and _is_method(value):
                    seen.add(name)
                    yield name, value


def _is_method(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, classmethod | property)


def _function(name: str, value: Any, level: str) -> list[str]:
    function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
    head = _signature(name, function, is_property=isinstance(value, property))
    return [f"{level} {name}", f"```python\n{head}\n```", inspect.getdoc(function) or ""]


def _signature(name: str, function: Any, *, is_property: bool) -> str:
    signature = inspect.signature(function)
    if is_property:
        return f"{name}: {signature.return_annotation}"
    told, star = [], False
    for each in signature.parameters.values():
        if each.name in ("self", "cls"):
            continue
        if each.kind is each.KEYWORD_ONLY and not star:
            star = True
            told.append("*")
        marks = {each.VAR_KEYWORD: "**", each.VAR_POSITIONAL: "*"}.get(each.kind, "")
        default = "" if each.default is each.empty else f" = {each.default!r}"
        told.append(f"{marks}{each.name}: {each.annotation}{default}")
    line = f"{name}({', '.join(told)}) -> {signature.return_annotation}"
    if len(line) <= _WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {each},\n" for each in told) + f") -> {signature.return_annotation}"


def _errors(root: type, indent: str = "") -> Iterator[str]:
    first = (inspect.getdoc(root) or "").split("\n\n")[0]
    yield f"{indent}- `{root.__name__}`: {' '.join(first.split())}"
    for each in root.__subclasses__():
        if each.__module__ == errors.__name__:
            yield from _errors(each, f"{indent}  ")


PAGES = {"components.md": components, "python.md": python}


def main() -> None:
    """Write every page."""
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
