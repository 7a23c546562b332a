"""What a cache knows of a question: the step before the steps that it may save."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from ragbraid.answer.cache import Cache, Known
from ragbraid.context import Context
from ragbraid.embed.protocol import Embedder
from ragbraid.index.protocol import Sequenced
from ragbraid.types import Answer, Hit, Message

_VALUES = (Answer, Hit, Message)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found, if anything, and what keeps the answer that is given otherwise, if it can be kept."""

    known: Known | None
    keep: Callable[[Answer], None] | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks a question up in a cache.

    An answer is found only where all that it depends on is the same: the steps that made it, by `identity`,
    the collection and filter of the run, which say whose it is, how often each of the `indexes` was changed,
    and every other value that the steps read.
    """

    cache: Cache
    indexes: tuple[Sequenced, ...]
    embedder: Embedder | None
    identity: str

    blocking: ClassVar[bool] = True

    def __call__(self, question: str, read: list[Any], context: Context) -> Looked:
        """What is known; `read` are the values that the steps read besides."""
        try:
            values = [_plain(each) for each in read]
        except TypeError as error:
            context.note("uncached", str(error))
            return Looked(None, None)
        scope = context.scope
        told = [self.identity, scope.collection, scope.filter, [each.sequence() for each in self.indexes]]
        group = sha256(json.dumps([*told, values], sort_keys=True, default=repr).encode()).hexdigest()
        known, vector = self.cache.find(group, question, None), None
        if known is None and self.embedder is not None:  # the same words need no vector
            vector = self.embedder.embed([question], "query")[0]
            known = self.cache.find(group, question, vector)
        return Looked(known, partial(self.cache.keep, group, question, vector))


def _plain(value: Any) -> Any:
    """A value as JSON that is equal for equal values alone. Raises `TypeError` for one of an unknown type."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {json.dumps(_plain(key)): _plain(each) for key, each in value.items()}
    if is_dataclass(value) and type(value) in _VALUES:
        return [
            type(value).__name__,
            *(_plain(getattr(value, each.name)) for each in fields(value) if each.compare),
        ]
    raise TypeError(f"a {type(value).__name__} can't be told from another")
