"""Filters that hold together."""

from __future__ import annotations

from ragbraid.types import Filter


def joined(*filters: Filter | None) -> Filter | None:
    """The filter that holds where all of them do; None where there is none that says anything."""
    told = [each for each in filters if each]
    return told[0] if len(told) == 1 else {"$and": told} if told else None
