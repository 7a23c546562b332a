"""The words that say what a chunk is about: the document's title, and the headings that it stands under."""

from __future__ import annotations

from ragbraid.split.fitting import Fitter
from ragbraid.split.headings import JOINER
from ragbraid.types import Document


class Naming:
    """Makes the contexts of one document's chunks; without `on`, they hold no title and no path.

    What has no title is called `otherwise`.
    """

    def __init__(self, fitter: Fitter, document: Document, on: bool, otherwise: str = "") -> None:
        self._fitter = fitter
        self._on = on
        title = document.metadata.get("title") or otherwise
        above = document.metadata.get("headings")  # where the document is itself a part of one
        said = [each.strip() for each in (title, above) if on and isinstance(each, str)]
        self._above = [each for each in dict.fromkeys(said) if each]
        self._made: dict[tuple[str, ...], str] = {}
        self._lengths = {"": 0}

    def context(self, path: tuple[str, ...] = ()) -> str:
        """Title and path, within a third of the limit: what is too long loses its outermost parts."""
        if not self._on:
            return ""
        if path not in self._made:
            self._made[path] = self._fitting(path)
        return self._made[path]

    def below(self, context: str, header: str) -> str:
        """A context with a table's header below it, within half the limit."""
        clipped, _ = self._fitter.clipped(header, self._fitter.limit // 2 - self.length(context))
        return "\n".join(each for each in (context, clipped) if each)

    def length(self, context: str) -> int:
        """The tokens of a context."""
        if context not in self._lengths:
            self._lengths[context] = self._fitter.length(context)
        return self._lengths[context]

    def _fitting(self, path: tuple[str, ...]) -> str:
        parts = [*(each for each in self._above if each not in path[:1]), *path]
        most = self._fitter.limit // 3
        lengths = [self._fitter.length(each) + 1 for each in parts]
        while len(parts) > 1 and sum(lengths) - 1 > most:
            del parts[0], lengths[0]
        return self._fitter.clipped(JOINER.join(parts), most)[0]
