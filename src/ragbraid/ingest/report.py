"""What an ingest did: the line that acknowledges a source, and the sum of all."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from ragbraid.types import Skipped

_DIGITS = re.compile(r"\d+")

Remark: TypeAlias = Literal["warning", "skipped", "failed"]
Kind: TypeAlias = Literal["new", "changed", "renamed", "unchanged", "removed", "gone", "skipped", "failed"]
"""What became of a source. `gone`: its file isn't there any more, what is stored of it is kept."""


@dataclass(frozen=True, slots=True)
class Progress:
    """One source is dealt with; where anything was to be stored or removed, that is on disk by now.

    `done` of the `total` sources that the scan found are behind; `reason` says why one was skipped or
    failed, and holds a renamed source's former name.
    """

    source: str
    kind: Kind
    chunks: int
    done: int
    total: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why sources were left out, with what mends it, and which."""

    text: str
    sources: tuple[str, ...]


@dataclass(slots=True)
class IngestReport:
    """How many sources an ingest found new, changed, …, and which it left out.

    `chunks` counts the chunks committed by this run, `embedded` the texts that had to be embedded for
    them. `gone` sources have no file any more but are kept. `warnings` are about sources that came in.
    """

    new: int = 0
    changed: int = 0
    renamed: int = 0
    unchanged: int = 0
    removed: int = 0
    gone: int = 0
    chunks: int = 0
    embedded: int = 0
    seconds: float = 0.0
    skipped: list[Skipped] = field(default_factory=list)
    failed: list[Skipped] = field(default_factory=list)
    warnings: list[Skipped] = field(default_factory=list)

    def reasons(self, kind: Remark) -> list[Reason]:
        """What was said of sources, each reason once with all that it holds for, the commonest first.

        Reasons that differ in numbers alone, as of a page or a line, count as one and are told as the first.
        """
        entries = {"warning": self.warnings, "skipped": self.skipped, "failed": self.failed}[kind]
        groups: dict[str, tuple[str, list[str]]] = {}
        for each in entries:
            _, sources = groups.setdefault(_DIGITS.sub("0", each.reason), (each.reason, []))
            sources.append(each.source)
        found = [Reason(text, tuple(sources)) for text, sources in groups.values()]
        return sorted(found, key=lambda each: -len(each.sources))

    def to_json(self) -> dict[str, Any]:
        """The report as `ragbraid ingest --json` prints it."""
        return asdict(self)
