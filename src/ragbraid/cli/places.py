"""How a place in a document is written for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ragbraid.cli.output import one_line

if TYPE_CHECKING:
    from ragbraid.pipeline.recording.hits import HitChange
    from ragbraid.types import Citation, Hit


def place(span: Citation | Hit | HitChange) -> str:
    """The source, page where there is one, and characters: `a.pdf, page 3, characters 120–180`."""
    page = "" if span.page is None else f", page {span.page}"
    return f"{one_line(span.source)}{page}, characters {span.start}–{span.end}"


def from_home(text: str) -> str:
    """The text with each path that begins with the home folder beginning with `~`, as shells write it."""
    home = os.path.join(os.path.expanduser("~"), "")
    return text if home in ("~/", os.sep) else text.replace(home, f"~{os.sep}")
