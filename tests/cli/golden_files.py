"""Outputs kept word for word; set RAGBRAID_GOLDEN=1 to write them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def same(name: str, text: str) -> None:
    """Assert that the text is the one that is kept."""
    if os.environ.get("RAGBRAID_GOLDEN"):
        (FOLDER / name).write_text(text, "utf-8")
    assert text == kept(name)


def kept(name: str) -> str:
    """The text that is kept."""
    return (FOLDER / name).read_text("utf-8")
