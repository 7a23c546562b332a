"""What a component asks for and gives, read off its own signature."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any, get_args, get_origin, get_type_hints

from ragbraid.context import Context
from ragbraid.pipeline.typecheck import alternatives, is_protocol, plain, unbatched
from ragbraid.types import Batch

MISSING = inspect.Parameter.empty


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """A configuration parameter. `protocol` is set where it refers to another component."""

    name: str
    annotation: Any
    default: Any
    protocol: type | None = None
    many: bool = False

    @property
    def required(self) -> bool:
        """Whether a file must give it."""
        return self.default is MISSING


@dataclasses.dataclass(frozen=True, slots=True)
class Input:
    """A parameter of the call, wired by the checker."""

    name: str
    annotation: Any
    default: Any
    batch: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """A component type as the checker and the planner see it.

    `runtime` is the class whose methods do the work: the opened one for a heavy component, otherwise the
    component itself. `inputs` is None where it can't be a step. `context` is the position of the
    `Context` parameter in the call, or None.
    """

    target: Any
    runtime: Any
    settings: tuple[Setting, ...]
    inputs: tuple[Input, ...] | None
    output: Any
    context: int | None
    summary: str

    @property
    def heavy(self) -> bool:
        """Whether the engine opens a runtime for it."""
        return self.runtime is not self.target

    @property
    def function(self) -> bool:
        """Whether it is a plain function."""
        return not isinstance(self.target, type)

    @property
    def batch(self) -> bool:
        """Whether it takes all questions at once."""
        return any(each.batch for each in self.inputs or ())

    def flag(self, name: str, default: bool) -> bool:
        """A class-level flag such as `blocking`."""
        return bool(getattr(self.target, name, default))

    def setting(self, name: str) -> Setting | None:
        """The setting of that name."""
        return next((each for each in self.settings if each.name == name), None)


class SignatureError(Exception):
    """A component isn't written as one; the message says what is wrong with it."""


def signature_of(target: Any) -> Signature:
    """Read a component's signature. Raises `SignatureError`."""
    if not callable(target):
        raise SignatureError(f"{target!r} is neither a class nor a function")
    return _signature_of(target)


@lru_cache(maxsize=512)
def _signature_of(target: Callable[..., Any]) -> Signature:
    return _of_class(target) if isinstance(target, type) else _of_function(target)


def _of_class(target: type) -> Signature:
    if not dataclasses.is_dataclass(target):
        raise SignatureError(f"{target.__name__} isn't a dataclass")
    if not target.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # typeshed leaves it out
        raise SignatureError(f"{target.__name__} isn't frozen")
    hints = _hints(target)
    settings = tuple(
        _setting(each.name, hints[each.name], _default(target, each))
        for each in dataclasses.fields(target)
        if each.init
    )
    opener = getattr(target, "open", None)
    runtime = _hints(opener).get("return") if callable(opener) else target
    if not isinstance(runtime, type):
        raise SignatureError(f"{target.__name__}.open doesn't say which class it returns")
    call = vars(runtime).get("__call__") or getattr(runtime, "__call__", None)  # noqa: B004
    inputs, output, context = _call(call) if inspect.isfunction(call) else (None, None, None)
    _keep_apart(target.__name__, settings, inputs)
    return Signature(target, runtime, settings, inputs, output, context, _summary(target))


def _of_function(target: Callable[..., Any]) -> Signature:
    hints = _hints(target)
    settings = tuple(
        _setting(each.name, _annotation(target, hints, each.name), each.default)
        for each in _parameters(target)
        if each.kind is inspect.Parameter.KEYWORD_ONLY
    )
    inputs, output, context = _call(target, method=False)
    return Signature(target, target, settings, inputs, output, context, _summary(target))


def _hints(target: Any) -> dict[str, Any]:
    try:
        return get_type_hints(target, include_extras=True)
    except Exception as error:  # an annotation is an expression, and may raise anything
        name = getattr(target, "__qualname__", target)
        raise SignatureError(f"the annotations of {name} can't be read: {error}") from error


def _annotation(call: Any, hints: dict[str, Any], name: str) -> Any:
    """What a parameter says of its type; what says nothing can't be checked, unlike an `Any` on purpose."""
    if name not in hints:
        said = f"the parameter {name!r} of {call.__qualname__} has no annotation"
        raise SignatureError(f"{said}, so nobody can tell what it takes")
    return hints[name]


def _parameters(call: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(call).parameters.values())
    except ValueError as error:  # some functions written in C have none
        raise SignatureError(f"{call.__qualname__} doesn't say which parameters it takes") from error


def _call(call: Any, *, method: bool = True) -> tuple[tuple[Input, ...], Any, int | None]:
    hints = _hints(call)
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        said = f"{call.__qualname__} is an async function, and a step's call is a plain one"
        raise SignatureError(f"{said}; a class may have `acall` besides")
    inputs: list[Input] = []
    context = None
    parameters = _parameters(call)[1 if method else 0 :]
    if method:
        _demand_positional(call, parameters)
    for position, each in enumerate(
        each for each in parameters if each.kind is not inspect.Parameter.KEYWORD_ONLY
    ):
        if each.kind is inspect.Parameter.VAR_POSITIONAL or each.kind is inspect.Parameter.VAR_KEYWORD:
            raise SignatureError(f"{call.__qualname__} takes *{each.name}, whose inputs nobody can wire")
        annotation = _annotation(call, hints, each.name)
        if any(arm is Context for arm in alternatives(annotation)):
            context = position
            continue
        batch = get_origin(annotation) is Batch
        inputs.append(Input(each.name, unbatched(annotation), each.default, batch))
    if "return" not in hints:
        name = call.__qualname__
        raise SignatureError(f"{name} has no return annotation, so nobody can tell what it gives")
    return tuple(inputs), unbatched(hints["return"]), context


def _demand_positional(call: Any, parameters: list[inspect.Parameter]) -> None:
    """A class's settings are its fields, so nothing would ever give a keyword-only parameter of its call."""
    for each in parameters:
        if each.kind is inspect.Parameter.KEYWORD_ONLY and each.default is MISSING:
            said = f"{call.__qualname__} wants {each.name!r} by keyword alone, and inputs come by position"
            raise SignatureError(f"{said}: move it before the *, or give it a default")


def _setting(name: str, annotation: Any, default: Any) -> Setting:
    for arm in alternatives(plain(annotation)):
        if is_protocol(arm):
            return Setting(name, annotation, default, arm)
        if get_origin(arm) in (tuple, list) and is_protocol(element := get_args(arm)[0]):
            return Setting(name, annotation, default, element, many=True)
    return Setting(name, annotation, default)


def _default(target: type, field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is dataclasses.MISSING:
        return MISSING
    try:
        return field.default_factory()
    except Exception as error:  # whatever a component's own code raises
        said = f"the default of {field.name!r} of {target.__name__} can't be made"
        raise SignatureError(f"{said}: {type(error).__name__}: {error}") from error


def _keep_apart(name: str, settings: tuple[Setting, ...], inputs: tuple[Input, ...] | None) -> None:
    both = {each.name for each in settings} & {each.name for each in inputs or ()}
    if both:
        raise SignatureError(f"{name} uses {sorted(both)[0]!r} both as a setting and as an input")


def _summary(target: Any) -> str:
    text = inspect.getdoc(target) or ""
    if text.startswith(f"{getattr(target, '__name__', '')}("):
        return ""  # the docstring that dataclasses make up
    return " ".join(text.split("\n\n")[0].split())
