"""Errors of others' code, which name the part that raised them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ragbraid.code import Code
from ragbraid.errors import FOREIGN, RagbraidError, told


@contextmanager
def naming(part: Code, kind: type[RagbraidError]) -> Iterator[None]:
    """What a part raises becomes an error of this kind, that says which part; the cause is kept."""
    try:
        yield
    except RagbraidError:
        raise
    except FOREIGN as error:
        raise kind(f"{part.name} failed with {told(error)}") from error
