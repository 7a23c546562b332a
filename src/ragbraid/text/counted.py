"""Numbers of things, in words."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """`1 source`, `2 sources`: a thing whose plural ends in s."""
    return f"{count} {thing}{'s' * (count != 1)}"
