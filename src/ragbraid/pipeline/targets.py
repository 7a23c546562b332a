"""How a step's callable is made for a run: the component with handles in place of its references."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.function import FunctionComponent
from ragbraid.pipeline.handles import Handle, Run, handle_type


class Target:
    """A component as a step (or as a reference of one), bound anew for each run.

    Heavy components and those without references are the same for every run; a light one that refers to
    others is copied, its references replaced by handles that belong to the run.
    """

    __slots__ = ("_fixed", "_handle", "_plain", "_references", "_type", "handle", "opened", "step")

    handle: Callable[[Run], Handle]
    """Makes a handle of this component for the step that refers to it."""

    def __init__(self, engine: Engine, component: Any, step: str, protocol: type | None = None) -> None:
        self.step = step
        self.opened = engine.acquire(component)
        signature = self.opened.signature
        self._type = type(component)
        self._handle = handle_type(signature.runtime, protocol)
        self.handle = partial(self._handle, self.opened, step)
        self._fixed: Any = None
        self._plain: tuple[tuple[str, Any], ...] = ()
        self._references: tuple[tuple[str, Any], ...] = ()
        if isinstance(component, FunctionComponent):
            self._fixed = self.opened.runtime
            return
        if signature.heavy:
            return
        references = {
            each.name: _targets(engine, value, step, each.protocol)
            for each in signature.settings
            if each.protocol is not None and (value := getattr(component, each.name)) is not None
        }
        if not references:
            self._fixed = component
            return
        self._references = tuple(references.items())
        self.handle = self._handle_of_copy
        self._plain = tuple(
            (each.name, getattr(component, each.name))
            for each in dataclasses.fields(component)
            if each.name not in references
        )

    def bind(self, run: Run) -> Any:
        """The component to call in this run."""
        if self._fixed is not None:
            return self._fixed
        if not self._references:
            return self.opened.runtime
        copy = object.__new__(self._type)
        write = object.__setattr__
        for name, value in self._plain:
            write(copy, name, value)
        for name, target in self._references:
            write(
                copy,
                name,
                tuple(each.handle(run) for each in target) if type(target) is tuple else target.handle(run),
            )
        return copy

    def _handle_of_copy(self, run: Run) -> Handle:
        return self._handle(self.opened, self.step, run, self.bind(run))

    def warm_up(self) -> None:
        """Open the runtime and load its weights now, and those of what it refers to."""
        for each in self._referred():
            each.warm_up()
        if self.opened.signature.heavy and (warm := method_of(self.opened.runtime, "warm_up")) is not None:
            warm()

    def release(self) -> None:
        """Let go of what it keeps open."""
        for each in self._referred():
            each.release()
        self.opened.release()

    def _referred(self) -> list[Target]:
        every = (target for _, target in self._references)
        return [each for target in every for each in (target if isinstance(target, tuple) else (target,))]


def _targets(engine: Engine, value: Any, step: str, protocol: type) -> Any:
    if isinstance(value, tuple):
        return tuple(Target(engine, each, step, protocol) for each in value)
    return Target(engine, value, step, protocol)


def method_of(target: Any, name: str) -> Callable[..., Any] | None:
    """An optional ability of a component, found by its name."""
    found = getattr(target, name, None)
    return found if callable(found) else None
