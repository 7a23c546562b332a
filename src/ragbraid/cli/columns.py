"""Text in the columns of the terminal."""

from __future__ import annotations

import shutil
import textwrap

_NARROW = 24


def pair(name: str, text: str, width: int) -> str:
    """A name in `width` columns and what is said of it beside it, or below it where that is narrow."""
    room = shutil.get_terminal_size().columns - width
    head = f"  {name}".ljust(width)
    if room < _NARROW:
        width, head = 4, f"  {name}\n    "
        room = max(shutil.get_terminal_size().columns - width, _NARROW)
    return head + f"\n{'':{width}}".join(textwrap.wrap(text, room, break_on_hyphens=False))


def filled(text: str) -> str:
    """A paragraph."""
    return textwrap.fill(" ".join(text.split()), shutil.get_terminal_size().columns, break_on_hyphens=False)
