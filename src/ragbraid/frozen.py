"""Frozen values made in a quarter of the time, for the few that every question makes by the dozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar

T = TypeVar("T")


def maker(frozen: type[T]) -> Callable[..., T]:
    """A function from all values of a frozen, slotted dataclass, in order and without defaults, to one.

    A frozen dataclass writes each field through `object.__setattr__`; a twin of it that isn't frozen writes
    them as plain attributes, and then becomes one of the class, which has the same slots. `__post_init__`
    isn't called.
    """
    twin: Any = make_dataclass(frozen.__name__, [each.name for each in fields(frozen)], slots=True)  # type: ignore[arg-type]

    def make(*values: Any) -> T:
        value = twin(*values)
        value.__class__ = frozen
        made: T = value
        return made

    return make
