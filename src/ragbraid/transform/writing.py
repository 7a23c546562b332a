"""What transforms have a generator write: a list of texts, held to a JSON schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ragbraid.context import Context
from ragbraid.errors import InputError
from ragbraid.generate.protocol import Completion, Constraint, Generator, JsonSchema, Request
from ragbraid.text.question import check_question
from ragbraid.types import Message


def generated(
    generator: Generator,
    asked: str,
    max_tokens: int,
    context: Context,
    constraint: Constraint | None = None,
    stop: tuple[str, ...] = (),
) -> Completion:
    """What the generator says when it is asked so; its tokens are noted. Raises whatever it fails with."""
    context.check()
    prompt = (Message("user", asked),)
    (outcome,) = generator.generate([Request(prompt, max_tokens, stop=stop, constraint=constraint)])
    if not isinstance(outcome, Completion):
        raise outcome
    context.note("tokens", outcome.usage.completion_tokens)
    return outcome


def written(generator: Generator, asked: str, most: int, max_tokens: int, context: Context) -> list[str]:
    """At most `most` texts that the generator writes when it is asked so; none where it ran out of tokens.

    Raises whatever the generator fails with.
    """
    schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": most}
    outcome = generated(generator, asked, max_tokens, context, JsonSchema(schema))
    try:
        found = json.loads(outcome.text)
    except ValueError:  # cut off at its last token
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def askable(texts: Iterable[str], question: str, most: int) -> list[str]:
    """Those of the texts that can be asked, each once, at most `most`; the question where there is none."""
    found: dict[str, str] = {}
    for each in texts:
        text = " ".join(each.split())
        try:
            check_question(text)
        except InputError:
            continue
        found.setdefault(text.casefold().rstrip(" ?.!"), text)
    kept: Sequence[str] = list(found.values())[:most]
    return list(kept) or [question]
