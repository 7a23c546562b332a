"""Which errors end an ingest, and which leave out one source."""

from __future__ import annotations

from ragbraid.errors import (
    IndexStoreError,
    MissingDependency,
    ModelError,
    RagbraidError,
    ServerError,
    Stopped,
)

ABOUT_ALL = (IndexStoreError, MissingDependency, ModelError, ServerError, Stopped)
"""Errors that would meet every other source, too, and end the run."""
UNFIT = (RagbraidError, ValueError, TypeError)
"""What an index raises for a change that it can't store; anything else is about the index itself."""
