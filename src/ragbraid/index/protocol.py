"""The contract of an index: sources in whole, hits out under a scope.

Every read and write takes a `scope`. Steps never pass one: the engine's handle does, and refuses to let
a step widen it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ragbraid.embed.protocol import Embedder, SparseEmbedder, SparseVector, TokenVectors
from ragbraid.types import Chunk, Document, Hit, Scope, Vectors


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source is in: what the ingest driver compares a scan with."""

    source: str
    origin: str
    fingerprint: str
    """SHA-256 of the origin's bytes when it was read."""
    stamp: str
    """The loader's cheap mark of its state when it was read, or empty."""
    digest: str
    """Digest of the ingest steps that made its chunks."""
    metadata_hash: str
    """Hash of the metadata that the ingest driver stamped on it."""
    chunks: int
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """The stored document's, where `sources` was asked for it."""
    size: int | None = field(default=None, compare=False)
    """The origin's bytes when it was read, where its loader knew."""
    stored_at: int | None = field(default=None, compare=False)
    """When the index stored it last, in seconds since 1970, where it says."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One document with its chunks, as they are committed. `vectors` has a row per chunk."""

    document: Document
    chunks: Sequence[Chunk]
    vectors: Vectors | None
    texts: Sequence[str] | None = None
    """The texts that were embedded, where they aren't the chunks' own below their contexts."""


@dataclass(frozen=True, slots=True)
class Change:
    """All that an origin now holds: replaces whatever it held before, in one transaction.

    A `partial` one is a part of an origin that is too large for one transaction: it replaces the documents
    that it names, takes out those in `drops`, and leaves the others of the origin as they are.
    """

    origin: str
    entries: Sequence[Entry]
    fingerprint: str = ""
    stamp: str = ""
    digest: str = ""
    metadata_hash: str = ""
    replaces: Sequence[str] = field(default_factory=tuple)
    """Further origins that this one takes the place of (a rename)."""
    partial: bool = False
    drops: Sequence[str] = field(default_factory=tuple)
    """Sources of the origin that a partial change takes out."""
    size: int | None = None
    """The origin's bytes, where they are known."""


class TokenIndex(Protocol):
    """An index that keeps the vectors of its chunks' tokens, so that late interaction needn't make them."""

    def stored_tokens(self, ids: Sequence[str], *, scope: Scope = ...) -> Mapping[str, TokenVectors]:
        """By id, the tokens of those chunks in scope whose tokens are kept."""
        ...


class SparseIndex(Protocol):
    """An index that keeps a sparse vector of each chunk, and searches by them."""

    @property
    def sparse(self) -> SparseEmbedder | None:
        """The embedder whose sparse vectors it keeps; None where it keeps none."""
        ...

    def search_sparse(
        self, queries: Sequence[SparseVector], k: int, *, scope: Scope = ...
    ) -> list[list[Hit]]:
        """The k chunks of the largest inner product above 0 with each question, best first, ties by id.

        Each has its score under `sparse` too. Raises `IndexDamaged` where chunks have no sparse vector yet.
        """
        ...


class Sequenced(Protocol):
    """An index that says how often it was changed, for those who keep what they made of it."""

    def sequence(self) -> str:
        """A mark of what is committed: another one after each commit, and in each index; quick to ask for."""
        ...


class Index(Protocol):
    """Stores documents and chunks, and searches them by vector and by text.

    An index on disk where nothing was ever stored raises `IndexMissing` rather than say that it found
    nothing; `sources`, `known_vectors` and `delete`, which an ingest begins with, do find nothing there.
    """

    @property
    def embedder(self) -> Embedder | None:
        """The embedder whose vectors it holds; None for a lexical index."""
        ...

    def sources(self, *, metadata: bool = False, scope: Scope = ...) -> Iterable[SourceState]:
        """Every stored source, ordered by name; its metadata only if asked for."""
        ...

    def upsert(self, changes: Sequence[Change], *, scope: Scope = ...) -> None:
        """Commit the changes as one transaction, on disk when this returns; all of them or none.

        Raises `IndexLocked`, `IndexMismatch`, and `InputError` for what can't be stored (an empty
        source, NaN or zero vectors, wrong dimensions, metadata that isn't JSON).
        """
        ...

    def delete(self, origins: Sequence[str], *, scope: Scope = ...) -> int:
        """Remove origins with all they hold; returns how many there were. An empty list does nothing."""
        ...

    def get(self, ids: Sequence[str], *, scope: Scope = ...) -> list[Hit]:
        """The chunks with these ids, in the order asked for, those that aren't there left out."""
        ...

    def document(self, source: str, *, scope: Scope = ...) -> Document | None:
        """The stored document, also when its file is gone."""
        ...

    def chunks(self, source: str, *, scope: Scope = ...) -> list[Hit]:
        """The chunks of a source in the order of its text; none where it isn't stored."""
        ...

    def contexts(self, ids: Sequence[str], *, scope: Scope = ...) -> Mapping[str, str]:
        """By id, the words that chunks were embedded below, of those in scope that have some."""
        ...

    def search_vector(self, vectors: Vectors, k: int, *, scope: Scope = ...) -> list[list[Hit]]:
        """The k nearest chunks by inner product for each row, best first, ties by id.

        k hits come back whenever k chunks are in scope, each with its score under `dense` too. A NaN or zero
        query is an `InputError`.
        """
        ...

    def search_text(
        self, queries: Sequence[str], k: int, *, operators: bool = False, scope: Scope = ...
    ) -> list[list[Hit]]:
        """The k best chunks by BM25 for each query, ties by id, each with its score under `lexical` too.

        A chunk's context is searched with its text. With `operators` a query is what
        `ragbraid.text.operators` reads in it. No text is a syntax error.
        """
        ...

    def document_frequencies(self, terms: Sequence[str], *, scope: Scope = ...) -> tuple[int, list[int]]:
        """How many chunks there are, and how many of them hold each analysed term."""
        ...

    def vectors(self, ids: Sequence[str], *, scope: Scope = ...) -> Vectors | None:
        """The stored vectors of these chunks, in the order asked for; None without an embedder."""
        ...

    def known_vectors(self, texts: Sequence[str], *, scope: Scope = ...) -> Mapping[int, Any]:
        """Position in `texts` → vector, for those whose embedding is already stored.

        Raises `IndexMismatch` where another embedder's vectors are stored: an ingest asks this first, with
        no texts.
        """
        ...

    def count(self, *, scope: Scope = ...) -> int:
        """How many chunks are in scope."""
        ...

    def snapshot(self, target: Path) -> None:
        """Write a consistent copy into a new folder while readers and the writer go on."""
        ...
