"""What holds for the whole suite."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# A job that a shell starts in the background ignores Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


# What tests convert and prove stays out of the user's cache, and is there for the next run.
os.environ.setdefault("RAGBRAID_CONVERTED", str(Path(__file__).parents[1] / ".pytest_cache" / "converted"))


@pytest.fixture(autouse=True)
def _ctrl_c() -> Iterator[None]:
    """A command that runs in this process changes what Ctrl-C does: not for the tests after it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of collected tests stay until the end: no collection of garbage need walk them again."""
    gc.collect()
    gc.freeze()
