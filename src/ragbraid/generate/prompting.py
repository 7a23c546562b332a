"""A prompt as token ids, whichever engine makes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from ragbraid.errors import GenerationError
from ragbraid.generate.chat_template import Piece, render
from ragbraid.types import Message

Prompts: TypeAlias = Literal["chat", "completion"]
"""How messages become a prompt: by the model's own chat template, or as a text to be continued."""

COMPLETION = (
    "{% for message in messages %}"
    "{{ ('Answer: ' if message['role'] == 'assistant' else '') + message['content'] + '\\n\\n' }}"
    "{% endfor %}Answer:"
)
"""The template for a base model, which knows no turns: what was asked, and the beginning of an answer."""


def prompt_tokens(
    prompt: tuple[Message, ...] | str,
    encode: Callable[[Piece], Sequence[int]],
    *,
    template: str | None,
    bos: str,
    eos: str,
    begin: list[int],
    model: str,
) -> list[int]:
    """The ids of a prompt, chat template included, after those that `begin` every text.

    Raises `GenerationError` for messages where the model has no template, or one that refuses them.
    """
    if isinstance(prompt, str):
        pieces = [Piece(prompt, False)]
    elif not template:
        raise GenerationError(
            f"{model} has no chat template.",
            "Set `prompts: completion` for a base model, or take one that was made for chat.",
        )
    else:
        pieces = render(template, prompt, bos=bos, eos=eos)
    ids = [token for piece in pieces for token in encode(piece)]
    return ids if ids[: len(begin)] == begin else begin + ids


def demand_room(window: int, prompt: int, answer: int) -> None:
    """Raise `GenerationError` where tokens of prompt and answer are more than the context window."""
    if prompt + answer > window:
        raise GenerationError(
            f"The prompt has {prompt} tokens and the answer may have {answer}, and the context window is "
            f"{window}.",
            "Send less, allow fewer tokens, or raise context_tokens.",
        )
