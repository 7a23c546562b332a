"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str], least: float) -> str | None:
    """The known name that is most like it, by a ratio from 0 to 1 of at least `least`; None where none is."""
    from difflib import get_close_matches  # what holds no mistake needs none of it

    return next(iter(get_close_matches(name, list(known), 1, least)), None)
