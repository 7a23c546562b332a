"""What a component gets in place of another: the same protocol, with scope, deadline, lock and trace."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from ragbraid.context import Cancellation, Context
from ragbraid.errors import IndexStoreError
from ragbraid.pipeline.joining import joined
from ragbraid.pipeline.typecheck import members
from ragbraid.types import Filter, Scope, Span

if TYPE_CHECKING:
    from ragbraid.pipeline.engine import Opened
    from ragbraid.pipeline.operations import Call
    from ragbraid.pipeline.state import State
    from ragbraid.pipeline.wishes import Wishes

_WRITING = ("generate", "stream")
"""The methods of a generator, whose requests a run's wishes change."""
_MEMOISED = ("embed", "embed_sparse", "token_vectors")
_MEMO = 256
"""How many texts' rows a run keeps, so that its steps don't embed one twice."""

_new_span: Callable[[type[Span], tuple[str, float, float, dict[str, Any]]], Span] = tuple.__new__
"""A span as a call in C: every question makes one for each step, and for each use of a component."""


class Run:
    """What belongs to one run: its scope, its cancellation, its trace."""

    __slots__ = (
        "_kept_back", "began", "cancellation", "listener", "memo", "scope", "spans", "step", "wishes"
    )  # fmt: skip

    def __init__(
        self, scope: Scope, cancellation: Cancellation, listener: Callable[[Span], None] | None = None
    ) -> None:
        self.listener = listener
        self.scope = scope
        self.step = ""
        """Where the run's own thread is, for whoever has to name what can't be stopped."""
        self.cancellation = cancellation
        self.began = perf_counter()
        self.spans: list[Span] = []
        self.memo: dict[Hashable, Any] = {}
        """Rows of texts, by embedder, method and text; what is in it is never changed."""
        self._kept_back: list[tuple[Span, Call, State]] | None = None
        self.wishes: Wishes | None = None

    def part(self, seconds: float) -> Self:
        """A run of a part of this one, with less time. What it tells is kept back until `take` takes it."""
        cancellation = Cancellation(seconds, self.cancellation.questions, whole=self.cancellation)
        part = type(self)(self.scope, cancellation)
        part.began, part.memo, part._kept_back, part.wishes = self.began, self.memo, [], self.wishes
        return part

    def take(self, part: Self) -> None:
        """Have what a part did in the trace of the whole, and tell it to whoever listens."""
        self.spans += part.spans
        for span, call, state in part._kept_back or ():
            self.announce(span, call, state)

    def narrowed(self, written: Filter) -> Run:
        """The same run where it sees only what this filter holds for, too."""
        inner = copy(self)
        inner.scope = Scope(self.scope.collection, joined(self.scope.filter, written))
        return inner

    def record(
        self,
        step: str,
        began: float,
        context: Context | None,
        asked: Iterable[Any] = (),  # noqa: ARG002 - for a run that keeps more than times
        given: Any = None,  # noqa: ARG002
    ) -> Span:
        """Write a step into the trace, from `began` (a `perf_counter` time) until now.

        Of a component's call `asked` are the arguments, and `given` what came of it.
        """
        taken = perf_counter() - began
        notes = {} if context is None else context.notes
        span = _new_span(Span, (step, (began - self.began) * 1000, taken * 1000, notes))
        self.spans.append(span)
        return span

    def finished(self, call: Call, began: float, context: Context | None, state: State) -> None:
        """Write a whole call into the trace, and tell whoever listens; `state` holds what it gave."""
        span = self.record(call.step, began, context)
        if self._kept_back is not None:
            self._kept_back.append((span, call, state))
        else:
            self.announce(span, call, state)

    def announce(self, span: Span, call: Call, state: State) -> None:  # noqa: ARG002
        """Tell of a call to whoever listens."""
        if self.listener is not None:
            self.listener(span)

    def tell(self, step: str, began: float, notes: dict[str, Any]) -> None:
        """Write into the trace what a step did that is no call: a loop, say."""
        context = Context(self.cancellation, step)
        context.notes.update(notes)
        self.record(step, began, context)

    @contextmanager
    def timed(self, step: str, context: Context | None) -> Iterator[None]:
        """Record what happens inside as a step."""
        began = perf_counter()
        try:
            yield
        finally:
            self.record(step, began, context)


class Handle:
    """A reference to an opened component, for one run; without a run, for another runtime.

    It has what the protocol has that it stands for, and no more. In a run the scope is always the run's own,
    whatever the caller says. The methods stand in a subclass that `handle_type` makes once, since each
    question makes its handles anew; what isn't a method is looked up here.
    """

    __slots__ = ("_opened", "_run", "_step", "_target")
    _attributes: frozenset[str] | None = None

    def __init__(self, opened: Opened, step: str, run: Run | None, target: Any = None) -> None:
        self._opened = opened
        self._step = step
        self._run = run
        self._target = target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or (self._attributes is not None and name not in self._attributes):
            raise AttributeError(f"A reference to {type(self._opened.component).__name__} has no {name!r}.")
        return _attribute(name).__get__(self)

    def __repr__(self) -> str:
        return f"<handle of {self._opened.component!r}>"


@lru_cache(maxsize=256)
def handle_type(runtime: Any, protocol: Any = None) -> type[Handle]:
    """The class of handles for a runtime class: what its methods want injected is read off it once.

    A protocol whose methods take a scope gives a handle those alone: nothing may pass by the scope.
    """
    if protocol is None:
        names = {each for each in dir(runtime) if each == "__call__" or not each.startswith("_")}
        attributes = None
        scoped: set[str] = set()
    else:
        names = members(protocol)
        attributes = frozenset(each for each in dir(protocol) if not each.startswith("_")) - names
        scoped = {each for each in names if "scope" in _parameters(getattr(protocol, each))}
    methods = {
        name: _method(name, function, name in scoped)
        for name in scoped or names
        if callable(function := getattr(runtime, name, None))
    }
    properties = {name: _attribute(name) for name in attributes or ()}
    return type("Handle", (Handle,), {"__slots__": (), "_attributes": attributes, **properties, **methods})


def _attribute(name: str) -> property:
    """What a protocol has beside its methods, as its handle has it."""

    def read(handle: Handle) -> Any:
        value = getattr(handle._opened.runtime if handle._target is None else handle._target, name)
        if isinstance(value, Handle):  # what a runtime keeps belongs to no run, and this one does
            return type(value)(value._opened, handle._step, handle._run)
        return value

    return property(read)


def _method(name: str, function: Callable[..., Any], scoped: bool) -> Callable[..., Any]:
    """A runtime's method as its handle has it."""
    takes = _parameters(function)
    bounded, contextual = "scope" in takes, "context" in takes
    scoped = scoped or bounded
    label = name.strip("_")
    writes = name in _WRITING

    def outside(handle: Handle, *arguments: Any, **keywords: Any) -> Any:
        if scoped:
            raise IndexStoreError(f"{name} of an index was called outside any run, without a scope.")
        with handle._opened.lock or nullcontext():
            return getattr(handle._opened.runtime, name)(*arguments, **keywords)

    def call(handle: Handle, *arguments: Any, **keywords: Any) -> Any:
        run, opened = handle._run, handle._opened
        if run is None:
            return outside(handle, *arguments, **keywords)
        method = getattr(opened.runtime if handle._target is None else handle._target, name)
        if run.cancellation.may_stop:
            run.cancellation.check()
        if writes and run.wishes is not None:
            arguments = (run.wishes.asked(arguments[0]), *arguments[1:])
        context = None
        if bounded:
            keywords["scope"] = run.scope
        elif scoped:
            keywords.pop("scope", None)
            _demand_no_scope(handle, run.scope)
        if contextual:
            context = keywords["context"] = Context(run.cancellation, handle._step, run.scope)
        began = perf_counter()
        given = None
        try:
            if opened.lock is None:
                given = method(*arguments, **keywords)
            else:
                with opened.lock:
                    given = method(*arguments, **keywords)
            return given
        finally:
            run.record(f"{handle._step}/{label}", began, context, arguments or keywords.values(), given)

    def pieces(handle: Handle, *arguments: Any, **keywords: Any) -> Iterator[Any]:
        run, opened = handle._run, handle._opened
        if run is None:
            yield from outside(handle, *arguments, **keywords)
            return
        context = Context(run.cancellation, handle._step, run.scope)
        if writes and run.wishes is not None:
            arguments = (run.wishes.asked(arguments[0]), *arguments[1:])
        if contextual:
            keywords["context"] = context
        began = perf_counter()
        given = None
        try:
            with opened.lock or nullcontext():
                method = getattr(opened.runtime if handle._target is None else handle._target, name)
                for given in method(*arguments, **keywords):
                    run.cancellation.check()
                    yield given
        finally:
            run.record(f"{handle._step}/{label}", began, context, arguments or keywords.values(), given)

    if name in _MEMOISED:
        return _memoised(name, call)
    return pieces if inspect.isgeneratorfunction(function) and not scoped else call


def _demand_no_scope(handle: Handle, scope: Scope) -> None:
    if scope.filter or scope.collection != Scope().collection:
        raise IndexStoreError(
            f"{type(handle._opened.component).__name__} can't keep to a filter or a collection.",
            "Ask without them, or use another index.",
        )


def _parameters(function: Callable[..., Any]) -> set[str]:
    """The names that a function can be given by keyword."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a method written in C doesn't say
        return set()
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return {each.name for each in parameters if each.kind in kinds}


def _memoised(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """A method from texts to rows that asks for no text's row twice in a run."""

    def kept(rows: Any) -> Any:
        # The caller may write into what it gets, and the memo must not notice.
        return rows.copy() if name == "embed" else rows

    def rows_of(handle: Handle, texts: Sequence[str], *arguments: Any, **keywords: Any) -> Any:
        run = handle._run
        if run is None or len(texts) > _MEMO // 4:
            return call(handle, texts, *arguments, **keywords)
        memo, kind = run.memo, (handle._opened, name, arguments, *keywords.items())
        if len(texts) == 1 and (kind, texts[0]) not in memo:  # a question, as a rule
            rows = call(handle, texts, *arguments, **keywords)
            memo[kind, texts[0]] = kept(rows[0])
            return rows
        known = {text: row for text in texts if (row := memo.get((kind, text))) is not None}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing or not texts:
            rows = call(handle, missing, *arguments, **keywords)
            if len(memo) < _MEMO:
                memo.update(((kind, text), row) for text, row in zip(missing, kept(rows), strict=True))
            if len(missing) == len(texts):
                return rows
            known.update(zip(missing, rows, strict=True))
        ordered = [known[text] for text in texts]
        if name == "embed":
            import numpy as np

            return np.stack(ordered)
        return ordered

    return rows_of
