"""What a pipeline's index holds: its sources and their documents, how it stands, and taking sources out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ragbraid.errors import InputError, RagbraidError, SourceMissing
from ragbraid.index.protocol import Index
from ragbraid.index.upkeep import Upkeep
from ragbraid.pipeline.diagnostics import listed, meant
from ragbraid.text.context import embedded
from ragbraid.text.lines import lines_at
from ragbraid.types import Chunk, Document, Filter, Reading

if TYPE_CHECKING:
    from ragbraid.pipeline.handles import Run
    from ragbraid.pipeline.life import Life


@dataclass(frozen=True, slots=True)
class Source:
    """A stored source. `origin` is the file, table or site that it came from: most often itself.

    `size` is the origin's bytes when it was read, `stored_at` the time of its last change in the index; None
    where that isn't known.
    """

    source: str
    origin: str
    chunks: int
    metadata: Mapping[str, Any]
    size: int | None = None
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredChunk(Chunk):
    """A chunk as it is stored: also the page that it begins on, and the lines that it begins and ends on."""

    page: int | None = None
    line: int | None = None
    last_line: int | None = None


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A source's document as it is stored and cited, with its chunks in the order of its text.

    `pages` holds the offset at which each page begins, `body` that behind a front matter; `content_hash` is
    the SHA-256 of the text in UTF-8; `reading` tells how the text was made, `warnings` what was amiss.
    """

    source: str
    text: str
    metadata: Mapping[str, Any]
    pages: tuple[int, ...]
    media_type: str
    content_hash: str
    chunks: tuple[StoredChunk, ...]
    body: int
    warnings: tuple[str, ...]
    reading: Reading


@dataclass(frozen=True, slots=True)
class Status:
    """How a pipeline's index stands. What can't be told is None."""

    index: str
    """The component's id in the file."""
    path: Path | None
    embedder: str | None
    """The identity of the pipeline's embedder; None for a lexical index, too."""
    problem: str | None
    """Why an ingest or a question would fail now: a missing model, another embedder's index."""
    collection: str
    sources: int
    chunks: int
    bytes: int | None
    changed_at: datetime | None
    stale: tuple[str, ...] | None
    """Known origins whose file, or whose way through ingest, is another than when they were read."""
    gone: tuple[str, ...] | None
    """Known origins whose file isn't there any more."""


class Holdings:
    """The part of `Pipeline` that looks after what is stored."""

    _life: Life

    def sources(
        self,
        names: Sequence[str] | None = None,
        *,
        filter: Filter | None = None,  # noqa: A002 - the field's usual name
        collection: str | None = None,
    ) -> list[Source]:
        """The stored sources, ordered by name; with `names` those that they mean.

        A name is a source's, an origin's, or a glob: `*` and `?` stand for characters within a folder, `**`
        for any folders. Raises `SourceMissing` for a name that means none.
        """
        index = self._life.index().handle(self._run(filter, collection, None))
        found = [
            Source(each.source, each.origin, each.chunks, each.metadata, each.size, _moment(each.stored_at))
            for each in index.sources(metadata=True)
        ]
        return found if names is None else _meant_by(names, found)

    def demand_stored(self, *, collection: str | None = None) -> None:
        """Raise `IndexMissing` where nothing was ever stored, before a question loads any model.

        Raises `InputError` for a collection that isn't there, where the index knows its own.
        """
        if not self._life.has_index():
            return
        target, run = self._life.index(), self._run(None, collection, None)
        target.handle(run).get(())
        runtime, name = target.opened.runtime, run.scope.collection
        if isinstance(runtime, Upkeep) and name not in (known := runtime.collections()):
            raise InputError(
                f"There is no collection {name!r} in the index{meant(name, known) or '.'}",
                f"It has {listed(map(repr, known))}.",
            )

    def document(
        self,
        source: str,
        *,
        filter: Filter | None = None,  # noqa: A002
        collection: str | None = None,
    ) -> StoredDocument:
        """A source's document with its chunks, also when its file is gone. Raises `SourceMissing`."""
        index = self._life.index().handle(self._run(filter, collection, None))
        document = index.document(source)
        if document is None:
            raise _missing(source, [each.source for each in index.sources() if each.source != source])
        return StoredDocument(
            document.source,
            document.text,
            document.metadata,
            document.pages,
            document.media_type,
            hashlib.sha256(document.text.encode()).hexdigest(),
            _chunks(document, index),
            document.body,
            document.warnings,
            document.reading,
        )

    def tokens(self, document: StoredDocument) -> list[int] | None:
        """How many of the embedder's tokens each chunk of a document has, the words above it included.

        None where there is no embedder. It loads the model's tokenizer, no weights.
        """
        from ragbraid.split.counting import counter

        embedder = self._life.index().handle(self._run(None, None, None)).embedder
        if embedder is None:
            return None
        count, _ = counter(embedder, 1)
        return count([embedded(each) for each in document.chunks])

    def read(self, source: str) -> Document:
        """A source's document as its file, or where else it comes from, is now; nothing is stored.

        Raises `SourceMissing` where that isn't there, and `LoadError` where it can't be read.
        """
        document: Document = self._life.ingesting().read(self._run(None, None, None), source)
        return document

    def remove(self, names: str | Sequence[str], *, collection: str | None = None) -> list[Source]:
        """Take sources out of the index, named as in `sources`; returns what was removed.

        Their files stay, and a later ingest of them brings them back. What came from one origin goes as
        one: raises `InputError` where only some of it is named, or may be seen by this caller, and
        `SourceMissing` as `sources` does.
        """
        removed, origins = self._whole(names, collection)
        index = self._life.index().handle(self._run(None, collection, None))
        count = index.delete(sorted(origins))
        if count < len(origins):
            _demand_gone(origins, index)
        return removed

    def purge(self, names: str | Sequence[str], *, collection: str | None = None) -> list[Source]:
        """Take sources out of the index as `remove` does, so that no byte of them is left in its files.

        Bytes of what was removed or replaced before go, too. Searches go on meanwhile, ingests wait. It takes
        time and free disk as `upkeep().compact()` does. Where a purge was interrupted, naming its sources
        again finishes it. Raises `IndexLocked` while an ingest is under way, `InputError` and `SourceMissing`
        as `remove` does.
        """
        index = self.upkeep()
        named = [names] if isinstance(names, str) else list(names)
        if index.stats().purging:
            named = [each for each in named if self._is_stored(each, collection)]
        removed, origins = self._whole(named, collection)
        run = self._run(None, collection, None)
        if index.purge(sorted(origins), scope=run.scope) < len(origins):
            _demand_gone(origins, self._life.index().handle(run))
        return removed

    def _whole(self, names: str | Sequence[str], collection: str | None) -> tuple[list[Source], set[str]]:
        """The sources that are meant, with all others of their origins, and these origins."""
        named = [names] if isinstance(names, str) else list(names)
        every = self.sources(collection=collection)
        chosen = _meant_by(named, every)
        origins = {each.origin for each in chosen}
        meant = [each for each in every if each.origin in origins]
        if left := [each for each in meant if each not in chosen]:
            raise InputError(
                f"{left[0].origin} holds {left[0].source!r} too, and its sources can only go together.",
                f"Name {left[0].origin!r} to remove them all.",
            )
        return meant, origins

    def _is_stored(self, name: str, collection: str | None) -> bool:
        try:
            return bool(self.sources([name], collection=collection))
        except SourceMissing:
            return False

    def upkeep(self) -> Upkeep:
        """The index as whoever looks after it needs it: check, repair, stats, snapshot, compact.

        It is about the index as a whole, whatever its collections. Raises `InputError` for one that can't.
        """
        target = self._life.index()
        runtime = target.opened.runtime
        if not isinstance(runtime, Upkeep):
            raise InputError(
                f"The index {target.step!r} can't be looked after from here.", "Use the tools of its store."
            )
        return runtime

    def whole_index(self) -> Index:
        """The index itself, with all its collections, for whoever copies it into another."""
        return cast("Index", self._life.index().opened.runtime)

    def status(self, *, collection: str | None = None) -> Status:
        """How the index stands; no weights are loaded. Known files are compared, new ones aren't sought."""
        run = self._run(None, collection, None)
        target = self._life.index()
        path = getattr(target.opened.component, "path", None)
        path = path if isinstance(path, Path) else None
        size, changed = _on_disk(path)  # before SQLite makes files of its own there
        index = target.handle(run)
        states = list(index.sources())
        embedder, problem = _embedder(index)
        stale, gone = self._life.ingesting().stale(run, states) if self._life.checked.ingest else (None, None)
        return Status(
            target.step,
            path,
            embedder,
            problem,
            run.scope.collection,
            len(states),
            sum(each.chunks for each in states),
            size,
            changed,
            stale,
            gone,
        )

    def _run(self, filter: Filter | None, collection: str | None, timeout: float | None) -> Run:  # noqa: A002
        raise NotImplementedError


def _chunks(document: Document, index: Any) -> tuple[StoredChunk, ...]:
    hits = index.chunks(document.source)
    contexts = index.contexts([each.id for each in hits])
    lines: Mapping[int, int] = {}
    if document.reading.verbatim:
        lines = lines_at(document.text, (at for each in hits for at in (each.start, each.end - 1)))
    return tuple(
        StoredChunk(
            each.source, each.start, each.end, each.text, each.metadata, each.id,
            context=contexts.get(each.id, ""), page=each.page,
            line=lines.get(each.start), last_line=lines.get(each.end - 1),
        )
        for each in hits
    )  # fmt: skip


def _demand_gone(origins: set[str], index: Any) -> None:
    """Raise `InputError` where some are left: the caller may not remove all that is in them."""
    if kept := origins & {each.origin for each in index.sources()}:
        raise InputError(
            f"{min(kept)} holds what this caller may not remove too, and was left.",
            "Whatever else was named is removed.",
        )


def _meant_by(names: Sequence[str], found: Sequence[Source]) -> list[Source]:
    chosen: dict[str, Source] = {}
    for name in names:
        exact = [each for each in found if name in (each.source, each.origin)]
        if not exact and ("*" in name or "?" in name):
            pattern = _pattern_of(name)
            exact = [each for each in found if pattern.fullmatch(each.source)]
        if not exact:
            raise _missing(name, [each.source for each in found])
        chosen |= {each.source: each for each in exact}
    return [chosen[each] for each in sorted(chosen)]


def _missing(name: str, known: Sequence[str]) -> SourceMissing:
    if not known:
        return SourceMissing(f"No source {name!r} is stored, nor any other.", "Run `ragbraid ingest PATH`.")
    folder = name.rstrip("/")
    if any(each.startswith(f"{folder}/") for each in known):
        return SourceMissing(f"{name!r} is a folder, not a source.", f"For all in it write '{folder}/**'.")
    near = meant(name, known) or "."
    return SourceMissing(f"No source {name!r} is stored{near}", "`ragbraid source list` names them all.")


_WILD = {"**/": "(?:[^/]+/)*", "**": ".+", "*": "[^/]*", "?": "[^/]"}


def _pattern_of(glob: str) -> re.Pattern[str]:
    """A glob as a pattern for whole names: `*` and `?` within a folder, `**` for any folders."""
    parts = re.findall(r"(?:^|(?<=/))\*\*(?:/|$)|.", glob, re.S)
    return re.compile("".join(_WILD.get(each) or re.escape(each) for each in parts), re.S)


def _embedder(index: Any) -> tuple[str | None, str | None]:
    """The embedder's identity, and what stands in the way of using it with this index."""
    identity = None
    try:
        embedder = index.embedder
        identity = None if embedder is None else str(embedder.identity)
        index.known_vectors(())
    except RagbraidError as error:
        return identity, str(error)
    return identity, None


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _on_disk(path: Path | None) -> tuple[int | None, datetime | None]:
    """The bytes of all files of an index, and when one at its top was last written."""
    if path is None or not path.is_dir():
        return None, None
    size, newest = 0, 0.0
    for each in path.rglob("*"):
        try:
            status = each.stat()
        except OSError:  # a writer is at work and just removed it
            continue
        if each.is_file():
            size += status.st_size
            # Readers and lock holders touch the others.
            if each.parent == path and each.suffix != ".lock" and not each.name.endswith("-shm"):
                newest = max(newest, status.st_mtime)
    return size, datetime.fromtimestamp(newest, UTC) if newest else None
