"""How a place in a document is written for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ragbraid.cli.output import one_line
from ragbraid.place import place as located

if TYPE_CHECKING:
    from ragbraid.pipeline.recording.hits import HitChange
    from ragbraid.types import Citation, Hit


def place(span: Citation | Hit | HitChange) -> str:
    """The source, its page or lines where it has any, and characters: `a.md:12, characters 120–180`."""
    last_line = getattr(span, "last_line", None)
    found = located(one_line(span.source), span.page, span.line, last_line)
    return f"{found}, characters {span.start}–{span.end}"


def from_home(text: str) -> str:
    """The text with each path that begins with the home folder beginning with `~`, as shells write it."""
    home = os.path.join(os.path.expanduser("~"), "")
    return text if home in ("~/", os.sep) else text.replace(home, f"~{os.sep}")
