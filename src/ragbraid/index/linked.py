"""A folder that can't be written to, seen through links in one that can."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory


class LinkedFolder:
    """Links to all files of a folder, in a temporary one that is removed with this object."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._place = TemporaryDirectory(prefix="ragbraid-", ignore_cleanup_errors=True)

    def refresh(self) -> Path:
        """Link what has come since; returns the folder of links."""
        place = Path(self._place.name)
        there = {each.name for each in place.iterdir()}
        for name in sorted(set(os.listdir(self._folder)) - there):
            if not name.endswith(".lock"):
                _link(self._folder / name, place / name)
        return place

    def close(self) -> None:
        """Remove the links."""
        self._place.cleanup()


def _link(source: Path, target: Path) -> None:
    try:
        os.symlink(source, target)
    except OSError:  # Windows lets few users make links
        shutil.copyfile(source, target)
