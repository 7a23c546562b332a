"""What is embedded of a chunk: its text, with the words before it that say what it is about."""

from __future__ import annotations

from ragbraid.types import Chunk


def embedded(chunk: Chunk) -> str:
    """The text that an embedder is given for a chunk: its context, a line end, and its text."""
    return in_context(chunk.context, chunk.text)


def in_context(context: str, text: str) -> str:
    """A text below its context, if it has one."""
    return f"{context}\n{text}" if context else text
