"""What an ingest left out, as a table on standard error: by reason, with the first few names."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from ragbraid.cli import output

if TYPE_CHECKING:
    from ragbraid.ingest.report import IngestReport, Reason, Remark

_NAMED = 3
"""How many sources of one reason are named; `--json` names all."""
_REASONS = 20
"""How many reasons are told of each kind."""


def say(report: IngestReport, *, quiet: bool) -> None:
    """Say what didn't come in, or came in with a warning; when quiet, only what failed."""
    kinds: tuple[Remark, ...] = ("failed",) if quiet else ("warning", "skipped", "failed")
    for kind in kinds:
        reasons = report.reasons(kind)
        for each in reasons[:_REASONS]:
            _say_reason(kind, each)
        if more := reasons[_REASONS:]:
            sources = sum(len(each.sources) for each in more)
            output.say(f"{kind:8} {sources:>5}  for {len(more)} more reasons, which --json tells")


def _say_reason(kind: str, reason: Reason) -> None:
    count = len(reason.sources)
    named = ", ".join(output.one_line(each) for each in reason.sources[:_NAMED])
    more = f" and {count - _NAMED} more" * (count > _NAMED)
    head = f"{kind:8} {count:>5}  "
    for number, text in enumerate((output.one_line(reason.text), named + more)):
        for at, line in enumerate(_wrapped(text, len(head))):
            output.say(f"{head if number == at == 0 else ' ' * len(head)}{line}")


def _wrapped(text: str, indent: int) -> list[str]:
    """The text in lines that fit a terminal; elsewhere one line, which is easier to search."""
    if not sys.stderr.isatty():
        return [text]
    width = max(20, shutil.get_terminal_size().columns - indent)
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
