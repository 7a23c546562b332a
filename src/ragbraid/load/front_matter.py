"""The YAML block at the top of a Markdown file, read as data under strict limits."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BLOCK = re.compile(r"---[ \t]*(?:\r\n|\r|\n)(?P<yaml>.*?)(?:(?<=[\r\n]))(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)", re.DOTALL)
_RULE = re.compile(r"---[ \t]*(?:\r\n|\r|\n)(?P<first>[^\r\n]*)")
_KEY = re.compile(r"(?:#.*|[\"']?[\w][\w .\-/]{0,80}[\"']?[ \t]*:(?:[ \t].*)?)$")
_MAX_CHARACTERS = 64 * 1024
_MAX_DEPTH = 16

RESERVED = frozenset({"source", "collection", "page"})
"""Names that the index itself answers for; a front matter can't set them."""


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What the block says, where the text behind it begins, and what was wrong with it."""

    metadata: Mapping[str, Any] = field(default_factory=dict)
    body: int = 0
    warning: str | None = None


def read(text: str) -> FrontMatter:
    """Read the front matter of a text. What isn't one, or is broken, stays part of the body.

    A file that opens with `---` as a plain rule has none. Values become JSON's: dates and times are
    written in ISO 8601. Aliases, more than 64 KB and deep nesting are refused with a warning.
    """
    rule = _RULE.match(text)
    if rule is None or not (_KEY.match(rule["first"]) or rule["first"].strip() == "---"):
        return FrontMatter()
    block = _BLOCK.match(text, 0, _MAX_CHARACTERS)
    if block is None:
        return FrontMatter(warning="line 1: the front matter is never closed, or is longer than 64 KB")
    try:
        value = _parse(block["yaml"])
    except _Broken as error:
        return FrontMatter(warning=f"line {error.line}: the front matter isn't valid YAML ({error})")
    dropped = sorted(RESERVED & value.keys())
    metadata = {key: each for key, each in value.items() if key not in RESERVED}
    warning = f"line 1: the front matter can't set {', '.join(dropped)}" if dropped else None
    return FrontMatter(metadata, block.end(), warning)


class _Broken(Exception):
    def __init__(self, message: str, line: int = 2) -> None:
        super().__init__(message)
        self.line = line


def _parse(text: str) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise _Broken("aliases aren't allowed here", event.start_mark.line + 2)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                raise _Broken("it is nested too deeply", event.start_mark.line + 2)
        value = yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Broken(error.problem or "it can't be parsed", (mark.line if mark else 0) + 2) from None
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, AttributeError) as error:
        raise _Broken(str(error).splitlines()[0] if str(error) else "it can't be parsed") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _Broken("it isn't a mapping")
    return {str(key): _plain(each) for key, each in value.items()}


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each) for each in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
