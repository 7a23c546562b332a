"""The token vectors of one index: made for what is stored, read for what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING

from ragbraid.index import reading
from ragbraid.index.tokens import store
from ragbraid.index.tokens.packing import Packed, Unpacked, packed
from ragbraid.index.vector_sets import VectorSet

if TYPE_CHECKING:
    from ragbraid.embed.protocol import TokenEmbedder

_AT_ONCE = 64
"""Texts: their vectors in full take some 15 MB, and a byte a number from then on."""


def missing(connection: Connection, held: VectorSet, texts: Mapping[bytes, str]) -> dict[bytes, str]:
    """Those of the texts, by the hash of what was embedded of them, that the index has no tokens of."""
    lacking = store.without(connection, held, [*texts])
    return {each: text for each, text in texts.items() if each in lacking}


def made(embedder: TokenEmbedder, texts: Mapping[bytes, str]) -> dict[bytes, Packed]:
    """The tokens of each text under its hash, as they are stored."""
    found: dict[bytes, Packed] = {}
    pairs = list(texts.items())
    for first in range(0, len(pairs), _AT_ONCE):
        some = pairs[first : first + _AT_ONCE]
        tokens = embedder.token_vectors([text for _, text in some])
        found.update((key, packed(text, each)) for (key, text), each in zip(some, tokens, strict=True))
    return found


def keep(connection: Connection, folder: Path, held: VectorSet, fresh: Mapping[bytes, Packed]) -> None:
    """Store tokens by the hash of what was embedded, in the caller's transaction."""
    slots = reading.known_slots(connection, [*fresh])
    found = {slots[each]: tokens for each, tokens in fresh.items() if each in slots}
    store.add(connection, folder, held, found)


def read(
    connection: Connection, folder: Path, held: VectorSet, rows: Mapping[str, int], wanted: Iterable[str]
) -> dict[str, Unpacked]:
    """The tokens of the chunks of these names, for those that have a row and tokens."""
    names: Sequence[str] = [each for each in wanted if each in rows]
    found = store.read(connection, folder, held, [rows[each] for each in names])
    return {each: found[rows[each]] for each in names if rows[each] in found}
