"""A file of routes, in YAML or JSON: their names, each with its utterances or with all that it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ragbraid.errors import InputError
from ragbraid.route.routes import Route, Spot, Table, faults

_FIELDS = ("utterances", "patterns", "where", "collections", "by", "threshold")
_MOST = 20_000_000
"""Bytes of a file."""


def read_routes(path: Path) -> Table:
    """The routes of a file, for which nothing is said to be wrong. Raises `InputError`, all faults in one."""
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"The routes in {path} can't be read: {error.strerror}.") from error
    return _read(path, stat.st_mtime_ns, stat.st_size)


def read_examples(path: Path) -> dict[str, tuple[str, ...]]:
    """Questions by the route that is right for them, `otherwise` among them; a file of the same form.

    Raises `InputError`.
    """
    node = _tree(path)
    found = {}
    for name, each in _entries(node, path):
        if each.id != "sequence":
            raise _wrong(path, each, f"{name!r} wants a list of questions")
        found[name] = tuple(_text(text, path) for text in each.value)
    if not any(found.values()):
        raise InputError(f"{path} has no questions.")
    return found


@lru_cache(maxsize=32)
def _read(path: Path, changed: int, size: int) -> Table:  # noqa: ARG001 - another state, another table
    node = _tree(path)
    lines: dict[Spot, int] = {(): 1}
    given: dict[str, tuple[str, ...] | Route] = {}
    for name, each in _entries(node, path):
        lines[name,] = each.start_mark.line + 1
        if name in given:
            raise _wrong(path, each, f"the route {name!r} stands twice in it")
        given[name] = _route(name, each, path, lines)
    said = []
    for spot, what, other in faults(given):
        at = f" (also line {_line(lines, other)})" if other is not None else ""
        said.append(f"{path}:{_line(lines, spot)}: {what}{at}")
    if said:
        raise InputError("\n".join(said))
    return Table.of(given)


def _route(name: str, node: Any, path: Path, lines: dict[Spot, int]) -> tuple[str, ...] | Route:
    if node.id == "sequence":
        return _texts(node, path, (name,), lines)
    if node.id != "mapping":
        raise _wrong(path, node, f"{name!r} wants a list of utterances, or a mapping of {', '.join(_FIELDS)}")
    values: dict[str, Any] = {}
    for key, value in _entries(node, path):
        if key not in _FIELDS:
            raise _wrong(path, value, f"a route has no {key!r}; it has {', '.join(_FIELDS)}")
        lines[name, key] = value.start_mark.line + 1
        if key in ("utterances", "patterns", "collections"):
            if value.id != "sequence":
                raise _wrong(path, value, f"{key} of {name!r} wants a list")
            values[key] = _texts(value, path, (name, key), lines)
        else:
            values[key] = _plain(value)
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Route).validate_python(values, strict=False)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        at = ".".join(map(str, found["loc"]))
        raise _wrong(path, node, f"{at} of {name!r}: {found['msg'].lower()}") from error


def _texts(node: Any, path: Path, spot: Spot, lines: dict[Spot, int]) -> tuple[str, ...]:
    for place, each in enumerate(node.value):
        lines[*spot, place] = each.start_mark.line + 1
    return tuple(_text(each, path) for each in node.value)


def _tree(path: Path) -> Any:
    import yaml

    node: Any

    try:
        if path.stat().st_size > _MOST:
            raise InputError(f"{path} is larger than {_MOST // 1_000_000} MB.")
        text = path.read_text("utf-8-sig")
        node = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} isn't UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(f"{path}{line}: {problem}.", "Put a text with a colon in quotes.") from error
    if node is None or node.id != "mapping":
        raise InputError(f"{path} wants a mapping of routes' names to lists of utterances.")
    return node


def _entries(node: Any, path: Path) -> Iterator[tuple[str, Any]]:
    for key, value in node.value:
        yield _text(key, path), value


def _text(node: Any, path: Path) -> str:
    # `no` and `42` are words that people say.
    if node.id != "scalar":
        raise _wrong(path, node, "here wants to be a text")
    return str(node.value)


def _plain(node: Any) -> Any:
    import yaml

    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _wrong(path: Path, node: Any, said: str) -> InputError:
    return InputError(f"{path}:{node.start_mark.line + 1}: {said}.")


def _line(lines: Mapping[Spot, int], spot: Spot) -> int:
    while spot not in lines:
        spot = spot[:-1]
    return lines[spot]
