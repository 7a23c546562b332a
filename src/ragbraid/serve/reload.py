"""Takes up changed pipeline files and keys while the server goes on."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ragbraid.errors import RagbraidError
from ragbraid.pipeline.pipeline import Pipeline
from ragbraid.serve.keys import Keys
from ragbraid.serve.shelf import Served, Shelf

LOG = logging.getLogger("ragbraid.serve")
EVERY = 0.5
"""Seconds between two looks."""


@dataclass(slots=True)
class Watched:
    """A pipeline's file, and how it is loaded. `seen` is the file as it was last looked at."""

    path: Path
    load: Callable[[], Pipeline]
    seen: str = field(default="")

    def __post_init__(self) -> None:
        self.seen = self.now()

    def now(self) -> str:
        """What tells the file from another one; empty where it can't be read at this moment."""
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError:
            return ""


async def watch(shelf: Shelf, files: dict[str, Watched], keys: Keys, changed: Callable[[], None]) -> None:
    """Look again and again. A file that is wrong is told in the log, and the version before goes on."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            keys.reload()
        except RagbraidError as error:
            LOG.warning("%s What was read before holds on.", error)
        try:
            for name, each in files.items():
                if await asyncio.to_thread(_look, shelf.all[name], each):
                    await asyncio.to_thread(changed)
        except Exception:  # whatever it is, a key that is taken out later must still lose its rights
            LOG.exception("A changed pipeline can't be looked at. What was served before goes on.")


def _look(served: Served, watched: Watched) -> bool:
    """Whether another version is served now."""
    now = watched.now()
    if now in ("", watched.seen):
        return False
    watched.seen = now
    try:
        pipeline = watched.load()
        if pipeline.name != served.name:
            raise RagbraidError(
                f"Its name is another now: {pipeline.name!r}.", "Start the server anew for that."
            )
        pipeline.open()
    except RagbraidError as error:
        LOG.warning("%s changed and isn't taken: %s", watched.path, error)
        return False
    served.replace(pipeline)
    LOG.info("%s changed and is taken.", watched.path)
    return True
