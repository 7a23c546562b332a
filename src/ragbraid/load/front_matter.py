"""The YAML block at the top of a Markdown file, read as data under strict limits."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BLOCK = re.compile(
    r"---[ \t]*(?:\r\n|\r|\n)(?P<yaml>.*?)(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)", re.DOTALL
)
_RULE = re.compile(r"---[ \t]*(?:\r\n|\r|\n)(?P<first>[^\r\n]*)")
_KEY = re.compile(r"(?:#.*|[\"']?[\w][\w .\-/]{0,80}[\"']?[ \t]*:(?:[ \t].*)?)$")
MOST_CHARACTERS = 64 * 1024
_MAX_DEPTH = 16
_NESTED = re.compile(r"^[ \t\-?]", re.MULTILINE)
"""The begin of a line that may open a level."""

RESERVED = frozenset({"source", "collection", "page"})
"""Names that the index itself answers for; a front matter can't set them."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the block says, and what was wrong with it.

    `end` is where the block ends, and `body` where the text begins: 0 where the block is broken, so that
    its words can be found at least.
    """

    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: int = 0
    end: int = 0
    warning: str | None = None


def read(text: str) -> FrontMatter:
    """Read the front matter of a text. What isn't one, or is broken, stays part of the body.

    A file that opens with `---` as a plain rule has none. Values become JSON's: dates and times are
    written in ISO 8601. Aliases, more than 64 KB and deep nesting are refused with a warning.
    """
    rule = _RULE.match(text)
    if rule is None or not (_KEY.match(rule["first"]) or rule["first"].strip() == "---"):
        return FrontMatter()
    block = _BLOCK.match(text, 0, MOST_CHARACTERS)
    if block is None:
        return FrontMatter(warning="line 1: the front matter is never closed, or is longer than 64 KB")
    try:
        value = parse(block["yaml"], 2)
    except BrokenError as error:
        warning = f"line {error.line}: the front matter isn't valid YAML ({error})"
        return FrontMatter(end=block.end(), warning=warning)
    dropped = sorted(each for each in value if reserved(each))
    metadata = {key: each for key, each in value.items() if key not in dropped}
    refused = f"line 1: the front matter can't set {', '.join(dropped)}" if dropped else None
    return FrontMatter(metadata, block.end(), block.end(), refused)


def reserved(name: str) -> bool:
    """Whether a name of metadata can't be set."""
    return name in RESERVED or name.startswith("$")


class BrokenError(Exception):
    """What is wrong with a YAML text, and in which line."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str, first: int = 1) -> dict[str, Any]:
    """A YAML mapping as JSON can hold it, under strict limits; its lines are counted from `first`.

    Raises `BrokenError`.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if not _is_flat(text):
            _demand_limits(text, loader, first)
        value = yaml.load(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise BrokenError(error.problem or "it can't be parsed", (mark.line if mark else 0) + first) from None
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise BrokenError(str(error).splitlines()[0] if str(error) else "it can't be parsed", first) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BrokenError("it isn't a mapping", first)
    return {_text(str(key)): _plain(each) for key, each in value.items()}


def _is_flat(text: str) -> bool:
    """Whether it can have no alias and no deep nesting, as most can't: it is parsed once then, not twice."""
    flows = text.count("[") + text.count("{")
    return "*" not in text and flows < _MAX_DEPTH and _NESTED.search(text) is None


def _demand_limits(text: str, loader: Any, first: int) -> None:
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        line = event.start_mark.line + first if event.start_mark else first
        if isinstance(event, yaml.AliasEvent):
            raise BrokenError("aliases aren't allowed here", line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise BrokenError("it is nested too deeply", line)


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dict):
        return {_text(str(key)).lstrip("$"): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each) for each in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value if value is None or isinstance(value, (bool, int)) else _text(str(value))


def _text(text: str) -> str:
    """Text without the halves of surrogate pairs that YAML's escapes can make, and nothing can store."""
    return text.encode("utf-8", "replace").decode("utf-8")
