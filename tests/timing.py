"""How long work takes, told apart from what else the machine and the interpreter do meanwhile."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def least_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Processor seconds of the quickest round, with no garbage collected in it.

    A collection walks all that the tests before have left and can take longer than the work itself.
    """
    seconds = []
    gc.disable()
    try:
        for _ in range(rounds):
            begun = time.process_time()
            work()
            seconds.append(time.process_time() - begun)
    finally:
        gc.enable()
    return min(seconds)
