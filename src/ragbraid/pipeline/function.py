"""A function as a component: its keyword-only parameters are fixed, its positional ones are inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ragbraid.pipeline.signature import Signature


@dataclass(frozen=True, slots=True)
class FunctionComponent:
    """A function with its settings; equal settings make equal components."""

    function: Callable[..., Any]
    settings: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, signature: Signature, values: Mapping[str, Any]) -> FunctionComponent:
        """The component of a function's signature with these settings."""
        return cls(signature.target, tuple(sorted(values.items())))

    def bound(self) -> Callable[..., Any]:
        """The function with its settings in place."""
        return partial(self.function, **dict(self.settings)) if self.settings else self.function


def target_of(component: Any) -> Any:
    """The class or function that a component is of."""
    return component.function if isinstance(component, FunctionComponent) else type(component)


def setting_of(component: Any, name: str, default: Any = None) -> Any:
    """The value of a component's setting; the default where it holds none of that name."""
    if isinstance(component, FunctionComponent):
        return dict(component.settings).get(name, default)
    return getattr(component, name, default)
