"""A setting that is code of the user's own, not data: an object, or what makes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Code:
    """An object that a pipeline is given, under the name that tells it from others.

    In a file a setting of this type is `module:attribute`, `./file.py:attribute` or the name of an entry
    point, and is used only where whoever runs the file has allowed it; see `ragbraid.pipeline.lookup`.
    """

    name: str
    value: Any = field(metadata={"digest": False})

    def make(self) -> Any:
        """The object itself: what a class or a function gives when it is called, else the value."""
        return self.value() if is_maker(self.value) else self.value


def is_maker(value: Any) -> bool:
    """Whether a value is a class or a function, and so makes the object when it is called."""
    import functools
    import types

    makers = (type, types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)
    return isinstance(value, makers) or hasattr(value, "cache_info")
