"""Writing a user's file so that it is the old one or the new one at every moment."""

from __future__ import annotations

import shutil
from pathlib import Path

from ragbraid.replacing import replacing


def replace(path: Path, text: str) -> None:
    """Write the text in place of the file, which keeps its permissions; a link stays one."""
    target = path.resolve()
    with replacing(target) as beside:
        beside.write_bytes(text.encode())
        if target.exists():
            shutil.copymode(target, beside)
