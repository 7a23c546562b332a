"""What a component gets in place of another: the same protocol, with scope, deadline, lock and trace."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ragbraid.context import Cancellation, Context
from ragbraid.errors import IndexStoreError
from ragbraid.types import Scope, Span

if TYPE_CHECKING:
    from ragbraid.pipeline.engine import Opened

_MEMO = 256
"""How many texts' vectors a run keeps, so that its steps don't embed one twice."""

_NO_NOTES: Mapping[str, Any] = {}
MemoKey = tuple[int, str, tuple[Any, ...], str]


class Run:
    """What belongs to one run: its scope, its cancellation, its trace."""

    __slots__ = ("began", "cancellation", "listener", "lock", "memo", "scope", "spans")

    def __init__(
        self, scope: Scope, cancellation: Cancellation, listener: Callable[[Span], None] | None = None
    ) -> None:
        self.listener = listener
        self.scope = scope
        self.cancellation = cancellation
        self.began = perf_counter()
        self.spans: list[Span] = []
        self.memo: dict[MemoKey, Any] = {}
        self.lock = threading.Lock()

    def record(self, step: str, began: float, notes: Mapping[str, Any] = _NO_NOTES) -> Span:
        """Write a step into the trace, from `began` (a `perf_counter` time) until now."""
        span = Span(step, (began - self.began) * 1000, (perf_counter() - began) * 1000, notes)
        self.spans.append(span)
        return span

    def finished(self, step: str, began: float, context: Context | None) -> Span:
        """Write a whole step into the trace, and tell whoever listens."""
        span = self.record(step, began, _NO_NOTES if context is None else context.notes)
        if self.listener is not None:
            self.listener(span)
        return span

    @contextmanager
    def timed(self, step: str, context: Context | None) -> Iterator[None]:
        """Record what happens inside as a step."""
        began = perf_counter()
        try:
            yield
        finally:
            self.record(step, began, _NO_NOTES if context is None else context.notes)

    def remember(self, key: MemoKey, value: Any) -> None:
        """Keep a value for the rest of the run, the oldest making room."""
        with self.lock:
            if len(self.memo) >= _MEMO:
                del self.memo[next(iter(self.memo))]
            self.memo[key] = value


Invoker = Callable[..., Any]
"""Calls one method of a handle's component: `invoker(handle, *arguments, **keywords)`."""


class Handle:
    """A reference to an opened component, for one run; without a run, for another runtime.

    Only public names pass. In a run the scope is always the run's own, whatever the caller says.
    """

    __slots__ = ("_opened", "_run", "_step", "_target")

    def __init__(self, opened: Opened, run: Run | None, step: str = "", target: Any = None) -> None:
        self._opened = opened
        self._run = run
        self._step = step
        self._target = opened.runtime if target is None else target

    def __getattr__(self, name: str) -> Any:
        invoker = invoker_of(self._opened.signature.runtime, name)
        if invoker is not None:
            return partial(invoker, self)
        if name.startswith("_"):
            raise AttributeError(name)
        value = getattr(self._target, name)
        return Handle(value._opened, self._run, self._step) if isinstance(value, Handle) else value

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call a component whose protocol is a call."""
        invoker = invoker_of(self._opened.signature.runtime, "__call__")
        if invoker is None:
            raise TypeError(f"{self!r} can't be called")
        return invoker(self, *arguments, **keywords)

    def __repr__(self) -> str:
        return f"<handle of {self._opened.component!r}>"


@lru_cache(maxsize=4096)
def invoker_of(runtime: Any, name: str) -> Invoker | None:
    """How a method of a runtime class is called through a handle; None for what isn't a public method."""
    function = getattr(runtime, name, None)
    if not callable(function) or isinstance(function, property):
        return None
    if name.startswith("_") and name != "__call__":
        return None
    keywords = {
        each.name
        for each in inspect.signature(function).parameters.values()
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    }
    invoker = _invoker(name, scoped="scope" in keywords, timed="context" in keywords)
    return _memoised(name, invoker) if name in ("embed", "token_vectors") else invoker


def _invoker(name: str, *, scoped: bool, timed: bool) -> Invoker:
    spoken = name.strip("_")

    def invoke(handle: Handle, *arguments: Any, **keywords: Any) -> Any:
        method, run, lock = getattr(handle._target, name), handle._run, handle._opened.lock
        if run is None:
            if scoped and "scope" not in keywords:
                raise IndexStoreError(f"{name} of an index was called outside any run, without a scope.")
            with lock or nullcontext():
                return method(*arguments, **keywords)
        run.cancellation.check()
        notes = _NO_NOTES
        if scoped:
            keywords["scope"] = run.scope
        if timed:
            context = keywords["context"] = Context(run.cancellation, handle._step)
            notes = context.notes
        began = perf_counter()
        try:
            if lock is None:
                return method(*arguments, **keywords)
            with lock:
                return method(*arguments, **keywords)
        finally:
            run.record(f"{handle._step}/{spoken}", began, notes)

    return invoke


def _memoised(name: str, invoker: Invoker) -> Invoker:
    """An embedder's method that asks for no text's vectors twice in a run."""

    def invoke(handle: Handle, texts: Sequence[str], *arguments: Any, **keywords: Any) -> Any:
        run = handle._run
        if run is None or keywords or not 0 < len(texts) <= _MEMO // 4:
            return invoker(handle, texts, *arguments, **keywords)
        keys = [(id(handle._opened), name, arguments, text) for text in texts]
        found = {key: run.memo[key] for key in keys if key in run.memo}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            rows = invoker(handle, [key[-1] for key in missing], *arguments)
            for key, row in zip(missing, rows, strict=True):
                found[key] = row
                run.remember(key, row)
            if len(missing) == len(keys):
                return rows
        ordered = [found[key] for key in keys]
        return _stacked(ordered) if name == "embed" else ordered

    return invoke


def _stacked(rows: Sequence[Any]) -> Any:
    import numpy as np

    return np.stack(rows)
