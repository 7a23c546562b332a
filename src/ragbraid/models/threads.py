"""How many threads an engine computes with where nobody says."""

from __future__ import annotations

import os


def default_threads() -> int:
    """`OMP_NUM_THREADS`, as it is for the other libraries, or the processors that this process may use."""
    told = os.environ.get("OMP_NUM_THREADS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows don't tell
        return os.cpu_count() or 1
