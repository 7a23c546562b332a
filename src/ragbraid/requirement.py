"""What a line of a package's metadata asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_EXTRA = re.compile(r"extra\s*==\s*[\"']([^\"']+)")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package with the extras that are wanted of it; `extra` is the one of our own that asks for it."""

    name: str
    extras: str
    extra: str | None


def parse(line: str) -> Requirement | None:
    """Read a line such as `rich>=13; extra == "local"`; None where it names no package."""
    needed, _, marker = line.partition(";")
    named, extra = _NAME.match(needed), _EXTRA.search(marker)
    return None if named is None else Requirement(named[1], named[2] or "", extra[1] if extra else None)
