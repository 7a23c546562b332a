"""Frozen values made in a quarter of the time, for the few that every question makes by the dozen."""

from __future__ import annotations

from dataclasses import fields, make_dataclass
from typing import Any


def draft_of(frozen: type) -> Any:
    """A twin of a frozen, slotted dataclass: of the same slots, not frozen, without defaults.

    A frozen dataclass writes each field through `object.__setattr__`, its twin as a plain attribute. What the
    twin makes becomes one of the class by `value.__class__ = frozen`; `__post_init__` isn't called.
    """
    return make_dataclass(frozen.__name__, [(each.name, Any) for each in fields(frozen)], slots=True)
