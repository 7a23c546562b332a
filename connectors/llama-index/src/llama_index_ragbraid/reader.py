"""The reader of files."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.readers.base import BasePydanticReader
from llama_index.core.schema import Document

from llama_index_ragbraid.values import as_document
from ragbraid.bridge.files import read_files
from ragbraid.components import Files
from ragbraid.errors import LoadError

_LOGGER = logging.getLogger(__name__)


class RagbraidReader(BasePydanticReader):
    """Reads files of every format that ragbraid's `files` loader reads, and folders of them.

    Text, code, Markdown, HTML, PDF, Office, e-books, mail, notebooks; `settings` are the loader's, such as
    `{"ocr": "off", "max_mb": 20}`. What can't be read is logged with its reason and left out, or, with
    `raise_on_failure`, raised as a `LoadError`. It fits `SimpleDirectoryReader(file_extractor=…)`, too.
    """

    settings: dict[str, Any] = Field(default_factory=dict, description="Settings of the loader.")
    raise_on_failure: bool = Field(default=False, description="Whether one unreadable file ends it.")
    _files: Files = PrivateAttr()

    def __init__(
        self, settings: Mapping[str, Any] | None = None, *, raise_on_failure: bool = False, **given: Any
    ) -> None:
        super().__init__(settings=dict(settings or {}), raise_on_failure=raise_on_failure, **given)
        self._files = Files(**self.settings)

    @classmethod
    def class_name(cls) -> str:
        """The name that it is serialised by."""
        return "RagbraidReader"

    def lazy_load_data(
        self,
        file: str | Path | Sequence[str | Path],
        extra_info: Mapping[str, Any] | None = None,
        fs: Any = None,
    ) -> Iterable[Document]:
        """The documents of one or more files and folders, in order; `extra_info` is put over theirs.

        `fs` is there for `SimpleDirectoryReader`, and must be none but this machine's.
        """
        if fs is not None and type(fs).__name__ != "LocalFileSystem":
            raise LoadError("Files are read from this machine, or by their URL.", "Leave `fs` out.")
        for path in [file] if isinstance(file, str | Path) else file:
            for each in read_files(self._files, path):
                if not isinstance(each, LoadError):
                    yield as_document(replace(each, metadata={**each.metadata, **(extra_info or {})}))
                elif self.raise_on_failure:
                    raise each
                else:
                    _LOGGER.warning("A source is left out: %s", each)
