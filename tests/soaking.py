"""How often the long tests repeat: a sample by default, in full with RAGBRAID_SOAK=1."""

from __future__ import annotations

import os

FULL = os.environ.get("RAGBRAID_SOAK") == "1"
"""Whether this run of the suite is at full counts."""


def count(sample: int, full: int) -> int:
    """The repetitions for this run of the suite."""
    return full if FULL else sample
