"""A model's own chat template, with the contents of messages kept apart from it as data."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from ragbraid.errors import GenerationError
from ragbraid.types import Message


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt: the template's own, where control tokens count, or a text, where none does."""

    text: str
    control: bool


def render(template: str, messages: Sequence[Message], *, bos: str, eos: str) -> list[Piece]:
    """The prompt up to where the assistant speaks.

    Contents don't pass through the template: it sees a random placeholder for each. Raises
    `GenerationError` where the template refuses the messages or leaves one out.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    mark = secrets.token_hex(12)
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"raise_exception": _refuse, "strftime_now": _now}
    values: dict[str, Any] = {
        "messages": [
            {"role": message.role, "content": f"{mark}:{at}:" if message.content else ""}
            for at, message in enumerate(messages)
        ],
        "add_generation_prompt": True,
        "bos_token": bos,
        "eos_token": eos,
    }
    try:
        text = environment.from_string(template).render(values)
    except TemplateError as error:
        roles = ", ".join(message.role for message in messages)
        raise GenerationError(
            f"The model's chat template refuses these messages ({roles}): {error}.",
            "Change their roles or order, or send the prompt as plain text.",
        ) from error
    parts = re.split(rf"{mark}:(\d+):", text)
    missing = {at for at, message in enumerate(messages) if message.content} - {int(at) for at in parts[1::2]}
    if missing:
        role = messages[min(missing)].role
        raise GenerationError(f"The model's chat template leaves out the {role} message.", "Use other roles.")
    pieces = [
        Piece(messages[int(part)].content, False) if at % 2 else Piece(part, True)
        for at, part in enumerate(parts)
    ]
    return [piece for piece in pieces if piece.text]


def _refuse(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)


def _now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)
