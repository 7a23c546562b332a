"""The lexical index of one collection: tantivy, derived from the database and brought up to date by its log.

Each tantivy commit holds one extra document that says which log entry it has applied and whose index it is.
Scores are BM25 (Robertson & Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3) with
tantivy's k1 = 1.2 and b = 0.75. A chunk has one language, so a query is asked in each language there is.

A document's title and a chunk's headings are fields of their own, for queries that name them; each term there
stands behind the name of its language (`en:pump`), so that two fields do for all languages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import tantivy
from tantivy import Occur, Query

from ragbraid.errors import IndexStoreError
from ragbraid.index import analysis
from ragbraid.index.lexical_files import damaged_files
from ragbraid.index.linked import LinkedFolder
from ragbraid.index.paging import letting_go
from ragbraid.text.operators import Group, Node, Words, parse

Passages: TypeAlias = Iterable[tuple[int, int, str, str]]
"""Row, document, metadata as JSON, and text of chunks."""

_STATE = "state"
_NAMED = {"title": "title", "heading": "headings"}
"""Fields beside the text's, and what they are in the metadata."""
_DESCRIBED = re.compile('"(?:lang|title|headings)"')
_MARGIN = 16
_SET = 50_000
"""Up to so many allowed rows go into the query itself; beyond, much of what is found is allowed anyway."""
_DIGITS = 4
"""Scores are rounded, since the last bits of a sum depend on the segment that a chunk happens to be in."""
_HEAP = 15_000_000


class UnreadableError(Exception):
    """tantivy can't read its files."""


@dataclass(frozen=True, slots=True)
class LexicalView:
    """What was committed up to one entry of the log."""

    seq: int
    searcher: Any
    fields: tuple[str, ...]

    def search(
        self, text: str, k: int, allowed: Collection[int] | None, operators: bool = False
    ) -> dict[int, float]:
        """The best rows with their scores: k of them, and all that tie with the last."""
        query = self._matching(parse(text)) if operators else self._asked(text)
        if query is None or not k or (allowed is not None and not allowed):
            return {}
        if allowed is not None and len(allowed) <= _SET:
            query, allowed = _within(query, allowed), None
        width = k + _MARGIN
        with guarded():
            while True:
                found = self.searcher.search(query, min(width, self.searcher.num_docs), count=False).hits
                rows = self.searcher.fast_field_values("row", [address for _, address in found])
                scored = {row: round(score, _DIGITS) for row, (score, _) in zip(rows, found, strict=True)}
                kept = {row: scored[row] for row in scored if allowed is None or row in allowed}
                last = sorted(kept.values(), reverse=True)[k - 1] if len(kept) >= k else float("-inf")
                if len(found) < width or min(scored.values()) < last - 10**-_DIGITS:
                    return {row: score for row, score in kept.items() if score >= last}
                width *= 4

    def holding(self, term: str, allowed: Collection[int] | None) -> int:
        """How many rows hold a word in one of its languages. Raises `UnreadableError`."""
        query = self._asked(term, Occur.Must)
        if query is None or (allowed is not None and not allowed):
            return 0
        with guarded():
            if allowed is None or len(allowed) <= _SET:
                query = query if allowed is None else _within(query, allowed)
                return int(self.searcher.search(query, 1, count=True).count)
            found = self.searcher.search(query, self.searcher.num_docs, count=False).hits
            rows = self.searcher.fast_field_values("row", [address for _, address in found])
            return sum(row in allowed for row in rows)

    def rows(self) -> set[int]:
        """Every row that is held. Raises `UnreadableError`."""
        with guarded():
            count = self.searcher.num_docs
            found = self.searcher.search(Query.all_query(), count, count=False).hits if count else []
            rows = self.searcher.fast_field_values("row", [address for _, address in found])
            return {row for row in rows if row is not None}

    def _asked(self, text: str, occur: Any = Occur.Should) -> Any:
        """The query that looks for a text's terms in every field that has any; None for no terms."""
        text = analysis.normal(text)
        asked = []
        for field in self.fields:
            pairs = field == analysis.CJK
            terms = analysis.query_pairs(text) if pairs else analysis.query_terms(field, text)
            if terms:
                asked.append(Query.boolean_query([(occur, _term(field, term)) for term in terms]))
        return _any(asked)

    def _matching(self, node: Node) -> Any:
        """The query that a node of `text.operators` stands for; None for one without any terms."""
        if isinstance(node, Words):
            return self._asked(node.text)
        if isinstance(node, Group):
            parts = ((Occur.Must, node.must), (Occur.Should, node.should), (Occur.MustNot, node.must_not))
            found = [(occur, self._matching(each)) for occur, nodes in parts for each in nodes]
            found = [(occur, query) for occur, query in found if query is not None]
            return Query.boolean_query(found) if found else None
        text = analysis.normal(node.text)
        words = [field for field in self.fields if field != analysis.CJK]
        rows = [
            _any([_in_a_row(node.field, field, analysis.terms(field, text)) for field in words]),
            *(_in_a_row(node.field, analysis.CJK, run) for run in analysis.runs(text)),
        ]
        found = [(Occur.Must, each) for each in rows if each is not None]
        return Query.boolean_query(found) if found else None


class Lexical:
    """The files of one collection's lexical index. Whoever changes them holds the index's lock."""

    def __init__(self, folder: Path, uuid: str) -> None:
        self._folder, self._uuid = folder, uuid
        self._index: Any = None
        self._linked: LinkedFolder | None = None
        self.view: LexicalView | None = None

    @property
    def seq(self) -> int:
        """The log entry up to which `view` sees; -1 before there is anything."""
        return -1 if self.view is None else self.view.seq

    def refresh(self) -> None:
        """See the newest commit on disk. Raises `UnreadableError` where it can't be read."""
        if not (self._folder / "meta.json").is_file():
            self._index = self.view = None
            return
        with guarded():
            self._index = self._index or _opened(self._readable())
            if self._linked is not None:
                self._linked.refresh()
            self._index.reload()
            searcher = self._index.searcher()
            state = searcher.search(_term("language", _STATE), 1, count=False).hits
            row = searcher.doc(state[0][1]).to_dict() if state else {}
            if row.get("uuid") != [self._uuid]:
                raise UnreadableError("its state is missing or another index's")
            fields = (*analysis.LANGUAGES, analysis.CJK)
            present = tuple(each for each in fields if searcher.doc_freq("language", each))
            self.view = LexicalView(int(row["seq"][0]), searcher, present)

    def _readable(self) -> Path:
        """Where the files can be opened: tantivy takes a lock to read, and so writes a file beside them."""
        if os.access(self._folder, os.W_OK):
            return self._folder
        self._linked = self._linked or LinkedFolder(self._folder)
        return self._linked.refresh()

    def damage(self) -> str:
        """Which of its files isn't what was written; empty where all are. Raises `UnreadableError`."""
        if not (self._folder / "meta.json").is_file():
            return ""
        with guarded():
            files = damaged_files(self._folder)
        return f"{files[0]} isn't what was written" if files else ""

    def clear(self) -> None:
        """Remove everything, so that the next `apply` begins anew."""
        self._index = self.view = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def apply(self, removed: Sequence[int], passages: Passages, seq: int, bulk: bool) -> None:
        """Commit: take out these documents, put in these passages, and note the log entry."""
        with guarded():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._index = self._index or _opened(self._folder)
            threads = min(4, os.cpu_count() or 1) if bulk else 1
            writer = self._index.writer(heap_size=_HEAP * threads * (4 if bulk else 1), num_threads=threads)
            try:
                for document in removed:
                    writer.delete_documents_by_term("document", document)
                for each in passages:
                    writer.add_document(_document(*each))
                writer.delete_documents_by_term("language", _STATE)
                writer.add_document(tantivy.Document(language=_STATE, uuid=self._uuid, seq=seq))
                writer.commit()
            finally:
                with suppress(ValueError), letting_go(self._folder):
                    writer.wait_merging_threads()
        self.refresh()

    def make_beside(self, passages: Passages, seq: int) -> None:
        """Make an index of these passages alone, which `take_over` puts in the place of the present one."""
        beside = Lexical(self._beside, self._uuid)
        beside.clear()
        beside.apply([], passages, seq, bulk=True)
        beside.close()

    def take_over(self) -> None:
        """Put what `make_beside` made in place; what was opened before is read to its end.

        Killed between the two renamings, it leaves no index, and the next search makes one.
        """
        self.close()
        former = self._folder.with_name(f"{self._folder.name}.old")
        shutil.rmtree(former, ignore_errors=True)
        if self._folder.exists():
            self._folder.rename(former)
        self._beside.rename(self._folder)
        shutil.rmtree(former, ignore_errors=True)
        self.refresh()

    @property
    def _beside(self) -> Path:
        return self._folder.with_name(f"{self._folder.name}.new")

    def tidy(self) -> None:
        """Remove what a crashed commit left behind: tantivy won't write over such a file."""
        with guarded():
            self._index = self._index or _opened(self._folder)
            writer = self._index.writer(heap_size=_HEAP, num_threads=1)
            try:
                writer.garbage_collect_files()
            finally:
                writer.wait_merging_threads()

    def close(self) -> None:
        """Let go of every file."""
        self._index = self.view = None
        if self._linked is not None:
            self._linked.close()
            self._linked = None


@contextmanager
def guarded() -> Iterator[None]:
    """Tell damage apart from what a user can mend."""
    try:
        yield
    except (ValueError, OSError) as error:
        text = str(error)
        if "ermission" in text or "Read-only" in text or "os error 30" in text:
            raise IndexStoreError(
                "Search by words takes a lock, and there is no folder that it could lie in.",
                "Let the index's folder be written to, or set TMPDIR to one that can be.",
            ) from error
        if "os error 28" in text or "No space" in text:
            raise IndexStoreError(
                "The disk is full: the lexical index couldn't be brought up to date.",
                "Free some space and try again; what was stored is still there.",
            ) from error
        raise UnreadableError(text) from error
    except BaseException as error:
        # A panic inside tantivy arrives as an exception that is no `Exception`.
        if type(error).__name__ == "PanicException":
            raise UnreadableError(str(error)) from error
        raise


@cache
def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    # Signed, since a deletion by the term of an unsigned field finds nothing, and says nothing.
    builder.add_integer_field("row", indexed=True, fast=True)
    builder.add_integer_field("document", indexed=True)
    builder.add_integer_field("seq", stored=True)
    builder.add_text_field("uuid", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    for field in (*analysis.LANGUAGES, analysis.CJK):
        builder.add_text_field(field, tokenizer_name=field, index_option="position")
    for field in _NAMED:
        builder.add_text_field(field, tokenizer_name=analysis.CJK, index_option="position")
    return builder.build()


def _opened(folder: Path) -> Any:
    index = tantivy.Index(_schema(), str(folder))
    for code in analysis.LANGUAGES:
        index.register_tokenizer(code, analysis.analyser(code))
    index.register_tokenizer(analysis.CJK, analysis.pairs_analyser())
    return index


def _document(row: int, document: int, metadata: str, text: str) -> Any:
    text = analysis.normal(text)
    described = json.loads(metadata) if _DESCRIBED.search(metadata) else {}
    code = analysis.language(described)
    made = tantivy.Document()
    made.add_integer("row", row)
    made.add_integer("document", document)
    made.add_text("language", code)
    made.add_text(code, analysis.spaced(text))
    for field, key in _NAMED.items():
        if isinstance(value := described.get(key), str) and value:
            made.add_text(field, _prefixed(code, value))
    if pairs := analysis.pairs(text):
        made.add_text("language", analysis.CJK)
        made.add_text(analysis.CJK, pairs)
    return made


@lru_cache(maxsize=1024)
def _prefixed(code: str, text: str) -> str:
    """The terms of a title or of headings, each behind its language."""
    text = analysis.normal(text)
    pairs = (f"{analysis.CJK}:{each}" for each in analysis.pairs(text).split())
    return " ".join([*(f"{code}:{each}" for each in analysis.terms(code, text)), *pairs])


def _in_a_row(place: str, field: str, terms: Sequence[str]) -> Any:
    """The query for these terms of a language in a row; None for no terms."""
    if place != "text":
        field, terms = place, [f"{field}:{each}" for each in terms]
    if len(terms) < 2:
        return _term(field, terms[0]) if terms else None
    return Query.phrase_query(_schema(), field, list(terms))


def _any(queries: Sequence[Any]) -> Any:
    """What one of these finds; None for none."""
    found = [(Occur.Should, each) for each in queries if each is not None]
    return Query.boolean_query(found) if found else None


def _term(field: str, value: str) -> Any:
    return Query.term_query(_schema(), field, value, "basic" if field == "language" else "freq")


def _within(query: Any, rows: Collection[int]) -> Any:
    chosen = Query.const_score_query(Query.term_set_query(_schema(), "row", list(rows)), 0.0)
    return Query.boolean_query([(Occur.Must, query), (Occur.Must, chosen)])
