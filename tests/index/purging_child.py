"""Purges a source, and dies by SIGKILL before or after the step that it is told."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from ragbraid.index import rewriting
from ragbraid.index.derived import Derived
from ragbraid.index.faiss import Faiss
from ragbraid.index.store import Store
from ragbraid.testing.index import EMBEDDER


def main(folder: str, step: str) -> None:
    name, _, moment = step.partition(":")
    owner: Any = {"repack": rewriting, "tidy": rewriting, "shrink": Store}.get(name, Derived)
    if name:
        setattr(owner, name, _dying(getattr(owner, name), moment))
    Faiss(Path(folder), EMBEDDER, tokens=EMBEDDER).open().purge(["secret"])


def _dying(function: Any, moment: str) -> Any:
    def call(*arguments: Any, **keywords: Any) -> Any:
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        function(*arguments, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)

    return call


if __name__ == "__main__":
    main(*sys.argv[1:])
