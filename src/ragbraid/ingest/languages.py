"""Whether the embedder was made for the documents' language: said once, since it spoils every search."""

from __future__ import annotations

from collections import Counter

from ragbraid.embed.protocol import Embedder
from ragbraid.text.language import code, guess
from ragbraid.types import Document, Skipped

_TOLERATED = 0.1
"""The share of documents in other languages that isn't worth a word."""


class Languages:
    """Counts the languages of what comes in, where the embedder says which are its own."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._own = tuple(getattr(embedder, "languages", ()))
        self._seen = 0
        self._others: Counter[str] = Counter()
        self._first = ""

    def see(self, document: Document) -> None:
        """Count a document in."""
        if not self._own:
            return
        self._seen += 1
        language = code(document.metadata.get("lang")) or guess(document.text)
        if language is not None and language not in self._own:
            self._others[language] += 1
            self._first = self._first or document.source

    def warning(self) -> Skipped | None:
        """What to say of all of them, at the first that the embedder isn't made for; None if nothing."""
        others = self._others.total()
        if others <= _TOLERATED * self._seen:
            return None
        found = " and ".join(language for language, _ in self._others.most_common(2))
        which = "It" if self._seen == 1 else f"{others} of {self._seen} documents, this one first,"
        seem = "seems" if self._seen == 1 else "seem"
        return Skipped(
            self._first,
            f"{which} {seem} to be in {found}, and the embedder is made for {', '.join(self._own)}: searches "
            "will miss much. Take a multilingual one; `ragbraid models list` names some.",
        )
