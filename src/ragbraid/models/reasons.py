"""What others' failures say, on one line and without their secrets."""

from __future__ import annotations

import os
import re


def reason(said: object) -> str:
    """The first line of an error's text, or its type; tokens and passwords in addresses are left out."""
    lines = str(said).strip().splitlines()
    return masked(lines[0] if lines else type(said).__name__).rstrip(".")


def masked(text: str) -> str:
    """The text without the hub's token and without passwords in addresses."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if token := os.environ.get(name, "").strip():
            text = text.replace(token, "***")
    return re.sub(r"//[^/@\s]+@", "//", text)
