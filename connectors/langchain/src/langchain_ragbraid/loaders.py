"""Every format that ragbraid reads, as a document loader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from langchain_ragbraid.documents import to_document
from ragbraid.types import Gone, Skipped


class RagbraidLoader(BaseLoader):
    """Reads files and folders: text, Markdown, HTML, PDF, Office, mail, notebooks, scans, …

    `loader` is a loading component of ragbraid, by default `ragbraid.components.Files()`. Sources are named
    from the folder `base`. What a scan left out, and why, is in `skipped` once it was loaded.
    """

    def __init__(self, *paths: str | Path, base: str | Path = ".", loader: Any = None) -> None:
        self._paths: Sequence[str] = [str(each) for each in paths]
        self._base = Path(base).absolute()
        self._loader = loader
        self.skipped: list[Skipped] = []

    def lazy_load(self) -> Iterator[Document]:
        """Each document as it is read. Raises `LoadError` for one that can't be, with the reason."""
        loader = self._loader
        if loader is None:
            from ragbraid.components import Files

            loader = Files()
        self.skipped = []
        for found in loader.scan(self._paths, self._base):
            if isinstance(found, Skipped):
                self.skipped.append(found)
            elif not isinstance(found, Gone):
                for document in loader.load(found):
                    yield to_document(document)
