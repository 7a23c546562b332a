"""The converter of files."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from haystack import Document, component, default_to_dict, logging
from haystack.components.converters.utils import normalize_metadata
from haystack.dataclasses import ByteStream
from haystack_integrations.common.ragbraid import as_document

from ragbraid import Document as Read
from ragbraid.bridge.files import read_files
from ragbraid.components import Files
from ragbraid.errors import InputError, LoadError, RagbraidError
from ragbraid.load.formats import reader_for
from ragbraid.load.reading import Limits, Ocr, Settings

logger = logging.getLogger(__name__)


@component
class RagbraidFileToDocument:
    """Reads files of every format that ragbraid's `files` loader reads, and folders of them.

    Text, code, Markdown, HTML, PDF, Office, e-books, mail, notebooks; `settings` are the loader's, such as
    `{"ocr": "off", "max_mb": 20}`. What can't be read is logged with its reason and left out, or, with
    `raise_on_failure`, raised as a `LoadError`.
    """

    def __init__(self, settings: Mapping[str, Any] | None = None, *, raise_on_failure: bool = False) -> None:
        self.settings = dict(settings or {})
        self.raise_on_failure = raise_on_failure
        self._files = Files(**self.settings)

    def to_dict(self) -> dict[str, Any]:
        """The component as a pipeline's file says it."""
        return default_to_dict(self, settings=self.settings, raise_on_failure=self.raise_on_failure)

    @component.output_types(documents=list[Document])
    def run(
        self,
        sources: list[str | Path | ByteStream],
        meta: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> dict[str, list[Document]]:
        """The documents of all sources, in order, with what the files say of themselves in their meta.

        `meta` is put over it: one for all, or one for each source. A byte stream is read by the suffix of its
        `file_path` or `file_name`, or else by its MIME type.
        """
        documents: list[Document] = []
        for source, own in zip(sources, normalize_metadata(meta, len(sources)), strict=True):
            above = {**source.meta, **own} if isinstance(source, ByteStream) else own
            for each in self._read(source):
                if isinstance(each, RagbraidError):
                    if self.raise_on_failure:
                        raise each
                    logger.warning("A source is left out: {reason}", reason=str(each))
                else:
                    documents.append(as_document(replace(each, metadata={**each.metadata, **above})))
        return {"documents": documents}

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        sources: list[str | Path | ByteStream],
        meta: dict[str, Any] | list[dict[str, Any]] | None = None,
    ) -> dict[str, list[Document]]:
        """`run`, in a thread."""
        found: dict[str, list[Document]] = await asyncio.to_thread(self.run, sources, meta)
        return found

    def _read(self, source: str | Path | ByteStream) -> Iterator[Read | RagbraidError]:
        """The documents of a source, and in place of a file that can't be read the reason."""
        try:
            if isinstance(source, ByteStream):
                yield from self._of_stream(source)
                return
            yield from read_files(self._files, source)
        except (LoadError, InputError) as error:
            yield error

    def _of_stream(self, stream: ByteStream) -> Iterable[Read]:
        name = str(stream.meta.get("file_path") or stream.meta.get("file_name") or "a byte stream")
        suffix = Path(name).suffix or mimetypes.guess_extension(stream.mime_type or "") or ""
        reader = reader_for(name if Path(name).suffix else f"stream{suffix}")
        if reader is None:
            raise LoadError(
                f"Nothing tells the format of {name}.",
                "Give the stream a `file_name` in its meta, or a MIME type.",
            )
        files = self._files
        limits = Limits(files.timeout, files.max_memory_mb)
        return reader(name, stream.data, Settings(limits, Ocr(files.ocr, files.ocr_languages)))
