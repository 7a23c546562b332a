"""What a component gets in place of another: the same protocol, with scope, deadline, lock and trace."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ragbraid.context import Cancellation, Context
from ragbraid.errors import IndexStoreError
from ragbraid.types import Scope, Span

if TYPE_CHECKING:
    from ragbraid.pipeline.engine import Opened

_MEMO = 256
"""How many texts' vectors a run keeps, so that its steps don't embed one twice."""


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
        self.memo: dict[tuple[int, str, str], Any] = {}
        self.lock = threading.Lock()

    def record(self, step: str, began: float, notes: dict[str, Any]) -> Span:
        """Write a step into the trace, from `began` (a `perf_counter` time) until now."""
        now = perf_counter()
        span = Span(step, (began - self.began) * 1000, (now - began) * 1000, notes)
        self.spans.append(span)
        return span

    def finished(self, step: str, began: float, context: Context | None) -> Span:
        """Write a whole step into the trace, and tell whoever listens."""
        span = self.record(step, began, context.notes if context is not None else {})
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
            self.record(step, began, context.notes if context is not None else {})

    def remember(self, key: tuple[int, str, str], value: Any) -> None:
        """Keep a value for the rest of the run, the oldest making room."""
        with self.lock:
            if len(self.memo) >= _MEMO:
                del self.memo[next(iter(self.memo))]
            self.memo[key] = value


class MethodTable:
    """What a runtime's methods want injected, read off their signatures once per class."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._wants: dict[str, frozenset[str]] = {}

    @staticmethod
    @lru_cache(maxsize=256)
    def of(runtime: Any) -> MethodTable:
        """The table of a runtime class."""
        return MethodTable(runtime)

    def wants(self, name: str) -> frozenset[str] | None:
        """Which of `scope` and `context` a method takes; None for what isn't a method."""
        if name not in self._wants:
            function = getattr(self._runtime, name, None)
            if not callable(function) or isinstance(function, property):
                return None
            keywords = {
                each.name
                for each in inspect.signature(function).parameters.values()
                if each.kind is inspect.Parameter.KEYWORD_ONLY
            }
            self._wants[name] = frozenset(keywords & {"scope", "context"})
        return self._wants[name]


class Handle:
    """A reference to an opened component, for one run; without a run, for another runtime.

    Only public names pass. In a run the scope is always the run's own, whatever the caller says.
    """

    __slots__ = ("_opened", "_run", "_step", "_target")

    def __init__(self, opened: Opened, run: Run | None, step: str = "", target: Any = None) -> None:
        self._opened = opened
        self._run = run
        self._step = step
        self._target = target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        target = self._opened.runtime if self._target is None else self._target
        wants = self._opened.table.wants(name)
        if wants is None:
            value = getattr(target, name)
            return Handle(value._opened, self._run, self._step) if isinstance(value, Handle) else value
        if name in ("embed", "token_vectors") and self._run is not None:
            return self._memoised(name, self._wrapped(name, getattr(target, name), wants))
        return self._wrapped(name, getattr(target, name), wants)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        target = self._opened.runtime if self._target is None else self._target
        wants = self._opened.table.wants("__call__") or frozenset()
        return self._wrapped("call", target.__call__, wants)(*arguments, **keywords)

    def __repr__(self) -> str:
        return f"<handle of {self._opened.component!r}>"

    def _wrapped(self, name: str, method: Callable[..., Any], wants: frozenset[str]) -> Callable[..., Any]:
        run, lock = self._run, self._opened.lock

        def call(*arguments: Any, **keywords: Any) -> Any:
            if run is None:
                if "scope" in wants and "scope" not in keywords:
                    raise IndexStoreError(f"{name} of an index was called outside any run, without a scope.")
                with lock or nullcontext():
                    return method(*arguments, **keywords)
            run.cancellation.check()
            context = None
            if "scope" in wants:
                keywords["scope"] = run.scope
            if "context" in wants:
                context = keywords["context"] = Context(run.cancellation, self._step)
            began = perf_counter()
            try:
                if lock is None:
                    return method(*arguments, **keywords)
                with lock:
                    return method(*arguments, **keywords)
            finally:
                run.record(f"{self._step}/{name}", began, context.notes if context else {})

        return call

    def _memoised(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        run = self._run
        assert run is not None

        def call(texts: Sequence[str], *arguments: Any, **keywords: Any) -> Any:
            if len(texts) > _MEMO // 4:
                return method(texts, *arguments, **keywords)
            purpose = f"{name} {arguments} {sorted(keywords.items())}"
            keys = [(id(self._opened), purpose, text) for text in texts]
            missing = [
                text for key, text in dict(zip(keys, texts, strict=True)).items() if key not in run.memo
            ]
            found = {key: run.memo[key] for key in keys if key in run.memo}
            if missing or not texts:
                rows = method(missing, *arguments, **keywords)
                for text, row in zip(missing, rows, strict=True):
                    key = (id(self._opened), purpose, text)
                    found[key] = row
                    run.remember(key, row)
                if len(missing) == len(texts):
                    return rows
            ordered = [found[key] for key in keys]
            if name == "embed":
                import numpy as np

                return np.stack(ordered)
            return ordered

        return call
