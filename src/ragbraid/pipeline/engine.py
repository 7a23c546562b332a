"""Opens what is heavy: one runtime for each equal configuration, shared, closed after its last user."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Hashable
from typing import Any

from ragbraid.errors import InputError
from ragbraid.models.memory import Memory
from ragbraid.pipeline.function import FunctionComponent, target_of
from ragbraid.pipeline.handles import handle_type
from ragbraid.pipeline.signature import Signature, signature_of


def signature_for(component: Any) -> Signature:
    """The signature of a component value."""
    return signature_of(target_of(component))


class Opened:
    """A component in use: its runtime, made at first need, and the lock it is called under, if any."""

    runtime: Any
    """Opened when it is first read; an attribute from then on, since each question reads it many times."""

    def __init__(self, component: Any, key: Hashable, engine: Engine) -> None:
        self.component = component
        self.signature = signature_for(component)
        self.lock = None if self.signature.flag("thread_safe", True) else threading.RLock()
        self.key = key
        self.users = 0
        self._engine = engine
        self._opening = threading.RLock()
        self._held: list[Opened] = []
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether the runtime is there, so that reading it costs nothing."""
        return "runtime" in self.__dict__

    def __getattr__(self, name: str) -> Any:
        if name != "runtime":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        with self._opening:
            if not self.is_open:
                runtime = self._open()
                if self.signature.heavy and (take_from := getattr(runtime, "take_from", None)) is not None:
                    take_from(self._engine.memory)
                self.runtime = runtime
            return self.runtime

    def _open(self) -> Any:
        component = self.component
        if self._closed:  # a step that went on after the end must not open it again
            raise InputError("This pipeline is closed.", "Load it again.")
        if isinstance(component, FunctionComponent):
            return component.bound()
        if not self.signature.heavy:
            return component
        references = {
            each.name: self._handles(getattr(component, each.name), each.protocol)
            for each in self.signature.settings
            if each.protocol is not None
        }
        return with_fields(component, references).open() if references else component.open()

    def _handles(self, reference: Any, protocol: type) -> Any:
        # A runtime outlives any one question, so what it holds are handles that belong to no run.
        if reference is None:
            return None
        if isinstance(reference, tuple):
            return tuple(self._handles(each, protocol) for each in reference)
        opened = self._engine.acquire(reference)
        self._held.append(opened)
        return handle_type(opened.signature.runtime, protocol)(opened, "", None)

    def release(self) -> None:
        """Give this component back to its engine."""
        self._engine.release(self)

    def close(self) -> None:
        """Close the runtime, and let go of what it held."""
        with self._opening:
            self._closed = True
            runtime = self.__dict__.pop("runtime", None)
            held, self._held = self._held, []
        if runtime is not None and self.signature.heavy and hasattr(runtime, "close"):
            runtime.close()
        for each in held:
            self._engine.release(each)


class Engine:
    """Keeps opened components by configuration. Pipelines of one engine share weights and indexes.

    They share its `memory` as well: a runtime with a method `take_from` asks there before it loads.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self._opened: dict[Hashable, Opened] = {}
        self._lock = threading.RLock()

    def acquire(self, component: Any) -> Opened:
        """The one opened component of this configuration; `release` it when done."""
        key = identity(component)
        with self._lock:
            opened = self._opened.get(key)
            if opened is None:
                opened = self._opened[key] = Opened(component, key, self)
            opened.users += 1
            return opened

    def release(self, opened: Opened) -> None:
        """Give back what `acquire` gave; the last user's release closes it."""
        with self._lock:
            opened.users -= 1
            if opened.users > 0:
                return
            self._opened.pop(opened.key, None)
        opened.close()

    def __len__(self) -> int:
        return len(self._opened)


SHARED = Engine()
"""The engine that pipelines use unless they are given another."""


def identity(value: Any) -> Hashable:
    """A key that is equal for equal configurations, whatever their fields hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = tuple(identity(getattr(value, each.name)) for each in dataclasses.fields(value))
        return (type(value), fields)
    if isinstance(value, dict):
        return ("dict", tuple(sorted((str(key), identity(each)) for key, each in value.items())))
    if isinstance(value, list | tuple):
        return (type(value), tuple(identity(each) for each in value))
    if isinstance(value, bool | int | float):
        return (type(value), value)  # 1, 1.0 and True are equal, and three configurations
    try:
        hash(value)
    except TypeError:
        return ("object", id(value))
    return value  # type: ignore[no-any-return]


def with_fields(component: Any, changes: dict[str, Any]) -> Any:
    """A copy of a frozen dataclass with fields replaced, unchecked: a handle stands for its component."""
    copy = object.__new__(type(component))
    for each in dataclasses.fields(component):
        value = changes[each.name] if each.name in changes else getattr(component, each.name)
        object.__setattr__(copy, each.name, value)
    return copy
