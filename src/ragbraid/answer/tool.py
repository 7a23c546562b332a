"""Answers by a function of one's own: a model fills in its arguments, held to their types."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Protocol, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le

from ragbraid.context import Context
from ragbraid.errors import FOREIGN, GenerationError, RagbraidError, StepError, told
from ragbraid.generate.protocol import Generator, JsonSchema, Request
from ragbraid.text.question import check_question
from ragbraid.text.stands_in import stands_in
from ragbraid.types import Answer, Message, Usage
from ragbraid.unstoppable import Apart

_SIMPLE = (str, int, float, bool)


class Called(Protocol):
    """A function that a question may call."""

    def __call__(self, **arguments: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument of the function: its JSON Schema, and whether its value must stand in the question."""

    name: str
    schema: Mapping[str, Any]
    required: bool
    quoted: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Tool:
    """Answers with what a function of your own gives for the question, such as the state of an order.

    `call` is the function as a component, `{type: ./orders.py:status}`, which runs only where it is allowed.
    Its positional parameters are the arguments, each of a type that JSON has: `str`, `int`, `float`, `bool`,
    a `Literal` of texts, or one of these or None. Where it takes any, the `generator` fills them in, held to
    their types. A text or number must stand in the question as it is: where the model made one up, or a
    wanted one is missing, the answer asks for it instead of calling (`made_up: true` lets such pass). What
    the function gives is the answer: an `Answer` as it is, text, or anything else as JSON. The model has
    `max_tokens` for the arguments, and the function `deadline` seconds; one that takes longer is left behind,
    and not called again while 32 such calls go on. Raises `StepError` where the function fails or takes
    longer, and whatever the generator fails with.
    """

    call: Called
    generator: Generator | None = None
    made_up: bool = False
    max_tokens: Annotated[int, Ge(1)] = 200
    deadline: Annotated[float, Gt(0), Le(86_400)] = 60.0
    parameters: tuple[Parameter, ...] = field(init=False, repr=False, default=())
    name: str = field(init=False, repr=False, default="")
    purpose: str = field(init=False, repr=False, default="")
    _apart: Apart = field(
        init=False, repr=False, compare=False, default_factory=Apart, metadata={"digest": False}
    )

    blocking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        function: Any = getattr(self.call, "function", self.call)
        parameters = _parameters(function)
        if parameters and self.generator is None:
            raise ValueError(
                f"{function.__name__} takes {parameters[0].name!r}: a `generator` is to fill it in"
            )
        object.__setattr__(self, "parameters", parameters)
        object.__setattr__(self, "name", getattr(function, "__name__", "tool"))
        object.__setattr__(self, "purpose", (inspect.getdoc(function) or "").split("\n\n")[0])

    def __call__(self, question: str, context: Context) -> Answer:
        """What the function gives, as an answer."""
        check_question(question)
        arguments, usage = self._filled(question, context) if self.parameters else ({}, Usage())
        missing = [each.name for each in self.parameters if each.required and each.name not in arguments]
        context.note("arguments", arguments)
        if missing:
            named = " and ".join(each.replace("_", " ") for each in missing)
            return Answer(f"To answer that I need to know: {named}.", abstained=True, usage=usage)
        given = self._called(arguments, context)
        if isinstance(given, Answer):
            return given
        text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, default=str)
        return Answer(text, confidence=1.0, usage=usage)

    def _called(self, arguments: Mapping[str, Any], context: Context) -> Any:
        every = {each.name: arguments.get(each.name, each.default) for each in self.parameters}
        call = partial(self.call, **every)
        try:
            called = self._apart.within(self.deadline, context.cancellation, call)
        except TimeoutError as error:
            hint = "Raise its `deadline`, or give the function a bound of its own."
            raise StepError(f"The tool {self.name!r} {error}.", hint) from None
        try:
            return called.result()
        except RagbraidError:
            raise
        except FOREIGN as error:
            raise StepError(f"The tool {self.name!r} failed with {told(error)}") from error

    def _filled(self, question: str, context: Context) -> tuple[dict[str, Any], Usage]:
        assert self.generator is not None
        schema = {
            "type": "object",
            "properties": {each.name: dict(each.schema) for each in self.parameters},
            "required": [each.name for each in self.parameters if each.required],
            "additionalProperties": False,
        }
        told_ = f"Fill in the arguments of the function {self.name} from the user's words, as JSON."
        purpose = f"\n{self.purpose}" if self.purpose else ""
        prompt = (
            Message("system", f"{told_}{purpose}\nIts arguments: {json.dumps(schema['properties'])}"),
            Message("user", question),
        )
        request = Request(prompt, max_tokens=self.max_tokens, constraint=JsonSchema(schema))
        (completion,) = self.generator.generate([request], context=context)
        if isinstance(completion, Exception):
            raise completion
        try:
            values = json.loads(completion.text)
        except ValueError as error:
            said = f"The arguments of {self.name!r} weren't filled in within {self.max_tokens} tokens."
            raise GenerationError(said, "Raise `max_tokens`.") from error
        return {
            each.name: values[each.name]
            for each in self.parameters
            if values.get(each.name) is not None
            and (self.made_up or not each.quoted or stands_in(values[each.name], question))
        }, completion.usage


def _parameters(function: Any) -> tuple[Parameter, ...]:
    """What a function takes. Raises `ValueError` for what no JSON can hold."""
    hints = get_type_hints(function)
    found = []
    for each in inspect.signature(function).parameters.values():
        if each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD, each.VAR_POSITIONAL):
            continue
        annotation = hints.get(each.name, Any)
        optional = type(None) in get_args(annotation)
        bare = (
            next((arm for arm in get_args(annotation) if arm is not type(None)), Any)
            if optional
            else annotation
        )
        schema = _schema(bare)
        if schema is None:
            raise ValueError(
                f"the argument {each.name!r} of {function.__name__} is no str, int, float, bool "
                "or Literal of texts"
            )
        quoted = "enum" not in schema and bare is not bool
        if optional:
            schema = {"anyOf": [schema, {"type": "null"}]}
        default = None if each.default is each.empty else each.default
        required = each.default is each.empty and not optional
        found.append(Parameter(each.name, schema, required, quoted, default))
    return tuple(found)


def _schema(annotation: Any) -> dict[str, Any] | None:
    if get_origin(annotation) is Literal and all(isinstance(each, str) for each in get_args(annotation)):
        return {"enum": list(get_args(annotation))}
    names = dict(zip(_SIMPLE, ("string", "integer", "number", "boolean"), strict=True))
    return {"type": names[annotation]} if annotation in _SIMPLE else None
