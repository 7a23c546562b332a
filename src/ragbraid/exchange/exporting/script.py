"""What the scripts for LangChain and for LlamaIndex have in common."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ragbraid.exchange.exporting.chain import Chain

_WIDTH = 88


class Code(str):
    """Python that stands in a script as it is."""

    __slots__ = ()


def call(name: str, /, *given: Any, **settings: Any) -> Code:
    """A call as Python writes it, on one line where there is room; settings of None are left out."""
    parts = [literal(each) for each in given]
    parts += [f"{key}={literal(value)}" for key, value in settings.items() if value is not None]
    return Code(_bracketed(f"{name}(", parts, ")"))


def listed(values: Iterable[Any]) -> str:
    """A list as Python writes it."""
    return _bracketed("[", [literal(each) for each in values], "]")


def literal(value: Any) -> str:
    """A value as Python writes it, on one line where there is room."""
    if isinstance(value, Code):
        return value
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # of what a file can hold, a literal of Python's too
    if isinstance(value, Mapping):
        pairs = [f"{literal(key)}: {literal(each)}" for key, each in value.items()]
        return _bracketed("{", pairs, "}")
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'  # `inf` alone is a name
    return listed(value) if isinstance(value, list | tuple) else repr(value)


def _bracketed(begin: str, parts: list[str], end: str) -> str:
    line = f"{begin}{', '.join(parts)}{end}"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    inner = "".join(f"    {each},\n" for part in parts for each in [part.replace("\n", "\n    ")])
    return f"{begin}\n{inner}{end}"


def pipeline_of(chain: Chain) -> tuple[list[str], Any]:
    """What opens the chain's pipeline file, and what a part is given for it."""
    file = None if chain.file is None else chain.file.as_posix()
    if not chain.allow:
        return [], file
    return [f"pipeline = {call('Pipeline.load', file, allow=list(chain.allow))}"], Code("pipeline")


def script(chain: Chain, framework: str, package: str, imports: Iterable[str], body: Iterable[str]) -> str:
    """A script of these lines, which asks what it is given on its command line."""
    notes = "".join(f"\n{each}" for each in chain.notes)
    name = chain.name.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        [
            f'"""The ragbraid pipeline {name} in {framework}, made by `ragbraid export`.',
            "",
            f'It needs the package {package}. To ask it: `python THIS_FILE "What is …?"`.',
            *([notes] if notes else []),
            '"""',
            "",
            "import sys",
            "",
            *imports,
            "",
            *body,
            "",
        ]
    )
