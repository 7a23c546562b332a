"""A file's text → a checked pipeline, or every problem that it has, at once.

Reads no weights, uses no network and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbraid.pipeline.book import Book
from ragbraid.pipeline.components import Components
from ragbraid.pipeline.diagnostics import Diagnostic, Place, Problems, meant
from ragbraid.pipeline.environment import substitute, waits
from ragbraid.pipeline.find import PipelineSource
from ragbraid.pipeline.lookup import demand_allowed
from ragbraid.pipeline.model import CheckedPipeline
from ragbraid.pipeline.overrides import override
from ragbraid.pipeline.parse import parse
from ragbraid.pipeline.serving import SECTION, given_settings
from ragbraid.pipeline.settings import as_python
from ragbraid.pipeline.tree import Map, Scalar, describe

VERSION = 1
SECTIONS = (
    "ragbraid",
    "name",
    "description",
    "components",
    "fields",
    "ingest",
    "search",
    "ask",
    "chat",
    "flows",
    "serve",
    "eval",
)
FIELD_TYPES = ("str", "int", "float", "bool", "date", "list[str]", "list[int]", "list[float]")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: `pipeline` is None where there are problems or the environment wasn't looked up."""

    diagnostics: tuple[Diagnostic, ...]
    pipeline: CheckedPipeline | None


def check(
    source: PipelineSource,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002 - the name that callers know from the command line
    allow: Sequence[str] = (),
    env: bool = True,
) -> Checked:
    """Check a pipeline's text with its overrides.

    Where it is right, an allowed file that isn't there is an `InputError`.

    With `env` false, variables aren't looked up and the settings that hold one aren't judged.
    """
    problems = Problems()
    root = parse(source.text, source.name, problems)
    pipeline = None
    if root is not None:
        override(root, set or {}, problems)  # first: a variable that an override replaces isn't needed
        substitute(root, os.environ if env else None, problems)
        if version_fits(root, problems):
            pipeline = _checked(root, source.base, source.default_name, allow, problems)
    if not problems:
        demand_allowed(allow)  # else they say what should be allowed
    return Checked(tuple(problems.sorted()), None if problems or not env else pipeline)


def check_tree(
    root: Map,
    base: Path,
    allow: Sequence[str],
    problems: Problems,
    variables: Mapping[str, str] = os.environ,
) -> Checked:
    """Check a pipeline that no file holds: the same, without overrides. `variables` is its environment."""
    substitute(root, variables, problems)
    pipeline = _checked(root, base, "pipeline", allow, problems)
    return Checked(tuple(problems.sorted()), None if problems else pipeline)


def check_file(
    path: str | Path | None = None,
    *,
    set: Mapping[str, Any] | None = None,  # noqa: A002
    allow: Sequence[str] = (),
    env: bool = True,
) -> list[Diagnostic]:
    """Every problem of a file, in file order; none where it is right. Raises `InputError` without a file."""
    from ragbraid.pipeline.find import find

    return list(check(find(path), set=set, allow=allow, env=env).diagnostics)


def version_fits(root: Map, problems: Problems, known: int = VERSION) -> bool:
    """Whether a file is of a version that can be read on; what is wrong with it is noted."""
    version = root.items.get("ragbraid")
    if version is None:
        problems.add(root.place, "`ragbraid: 1` is missing; it says which version of the language this is")
        return True
    value = version.value if isinstance(version, Scalar) else None
    if type(value) is int and value > known:
        problems.add(
            version.place,
            f"this file is written in version {value} of the language, and this ragbraid knows {known}; "
            "install a newer ragbraid",
        )
        return False
    if type(value) is not int or value < 1:
        problems.add(
            version.place, f"`ragbraid` wants the version of the language, {known}, not {describe(version)}"
        )
    return True


def _checked(
    root: Map, base: Path, default_name: str, allow: Sequence[str], problems: Problems
) -> CheckedPipeline:
    _sections(root, problems)
    components = Components(_mapping(root, "components", problems), base, allow, problems)
    fields = _fields(_mapping(root, "fields", problems), problems)
    book = Book(root, components, problems, fields)
    values = {name: built.value for name in components.names if (built := components.get(name)) is not None}
    flows = book.all()
    ingest = book.ingest()
    if not book.names and not {"ingest", "flows"} & root.items.keys() and not problems:
        problems.add(root.place, "there is no flow: `ingest`, `search`, `ask`, `chat` or `flows` is wanted")
    sections: dict[str, Any] = {
        name: as_python(root.items[name]) for name in ("description", "eval") if name in root.items
    }
    sections[SECTION] = given_settings(_mapping(root, SECTION, problems), base, flows, problems)
    name = root.items.get("name")
    return CheckedPipeline(
        str(name.value) if isinstance(name, Scalar) else default_name,
        base,
        values,
        flows,
        ingest,
        fields,
        sections,
        (root, components),
    )


def _sections(root: Map, problems: Problems) -> None:
    for key in root.items:
        if key not in SECTIONS and not key.startswith("x-"):
            near = meant(key, SECTIONS) or f"; the sections are {', '.join(SECTIONS)}, and x-… for your own"
            problems.add(root.where(key), f"there is no section {key!r}{near}")
    for key in ("name", "description"):
        node = root.items.get(key)
        if node is not None and not (isinstance(node, Scalar) and isinstance(node.value, str)):
            problems.add(node.place, f"`{key}` wants text, not {describe(node)}")
    _evaluation(_mapping(root, "eval", problems), problems)


def _evaluation(node: Map | None, problems: Problems) -> None:
    if node is None:
        return
    for key, value in node.items.items():
        if key != "questions":
            said = (
                f"`eval` has no setting {key!r}{meant(key, ['questions']) or '; `questions` is the only one'}"
            )
            problems.add(node.where(key), said)
        elif not (isinstance(value, Scalar) and isinstance(value.value, str)):
            problems.add(value.place, f"`questions` wants the path of a file, not {describe(value)}")


def _mapping(root: Map, key: str, problems: Problems) -> Map | None:
    node = root.items.get(key)
    if node is None or isinstance(node, Map):
        return node
    problems.add(node.place, f"`{key}` wants a mapping, not {describe(node)}")
    return None


def _fields(node: Map | None, problems: Problems) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, each in (node or Map(Place(""))).items.items():
        value = each.value if isinstance(each, Scalar) else None
        if value in FIELD_TYPES:
            fields[name] = str(value)
        elif not waits(each):
            near = meant(str(value), FIELD_TYPES)
            problems.add(
                each.place,
                f"field {name!r} wants one of {', '.join(FIELD_TYPES)}, not {describe(each)}{near}",
            )
    return fields
