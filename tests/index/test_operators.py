"""Queries with operators: any text is one, and the index finds what plain Python finds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragbraid.embed.protocol import Embedder
from ragbraid.index import lexical
from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.index.protocol import Change, Entry
from ragbraid.retrieve.lexical import Lexical
from ragbraid.testing.list_index import ListIndex, ListIndexRuntime
from ragbraid.text.operators import Group, Words, parse
from ragbraid.types import Batch, Chunk, Document
from soaking import count

WORDS = ("goat", "cow", "hill")
PIECES = (
    *WORDS,
    *WORDS,
    *'()"+- ',
    "-",
    " AND ",
    " OR ",
    " NOT ",
    "title:",
    "heading:",
    'title:"',
    ' "',
    '" ',
    "other:",
)
QUERIES = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
TEXTS = ("goat cow hill", "cow goat", "hill", "goat goat hill cow", "cow", "nothing", "hill cow goat")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FaissRuntime, ListIndexRuntime]]:
    """An index on disk and one in plain Python that hold the same."""
    found = Faiss(tmp_path_factory.mktemp("operators") / "index").open(), ListIndex().open()
    for number, text in enumerate(TEXTS):
        metadata = {"title": TEXTS[number - 1], "headings": " > ".join(TEXTS[number - 2].split())}
        for each in found:
            each.upsert([_change(str(number), text, metadata)])
    yield found
    found[0].close()


@settings(max_examples=count(300, 20_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(query=QUERIES)
def test_it_finds_what_plain_python_finds(both: tuple[FaissRuntime, ListIndexRuntime], query: str) -> None:
    found, wanted = (
        {hit.source for hit in each.search_text([query], 99, operators=True)[0]} for each in both
    )
    assert found == wanted


@settings(max_examples=count(300, 20_000), deadline=None, suppress_health_check=list(HealthCheck))
@given(query=st.text(max_size=60) | QUERIES)
def test_no_text_is_a_syntax_error(both: tuple[FaissRuntime, ListIndexRuntime], query: str) -> None:
    encodable = query.encode("utf-8", "ignore").decode()
    assert len(both[0].search_text([encodable], 3, operators=True)) == 1
    assert isinstance(parse(query), Group)


@settings(max_examples=count(100, 5000), deadline=None)
@given(text=st.text("ab c.,;:!?'*[]{}~^\\/", max_size=40))
def test_text_without_operators_is_plain(text: str) -> None:
    assert parse(text) in (Group(), Group(should=(Words(" ".join(text.split())),)))


@pytest.mark.parametrize(
    "text", ["(" * 8000, ")" * 8000, "(a " * 2000, "- " * 4000, '"' * 7999, "NOT " * 2000]
)
def test_a_long_text_is_read_at_once(both: tuple[FaissRuntime, ListIndexRuntime], text: str) -> None:
    both[0].search_text([text], 3, operators=True)


@pytest.mark.parametrize(
    ("lang", "text", "query", "found"),
    [
        ("de", "Das alte Haus brannte", '"altes Haus"', True),
        ("de", "Das Haus ist alt", '"altes Haus"', False),
        ("ja", "東京都に住んでいます", '"京都に"', True),
        ("ja", "京の都に住む", '"京都"', False),
        ("zh", "水泵PLC阀门", '"PLC阀门"', True),
        ("zh", "水泵PLC阀门", "+PLC", True),
        ("en", "to be or not to be", '"not to be"', True),
        ("en", "re\u0301sume\u0301 ﬁle", "“résumé file”", True),
        ("en", "A pump valve.", "title:水泵", True),
        ("en", "A pump valve.", 'title:"the pumps"', True),
    ],
)
def test_phrases_in_their_language(tmp_path: Path, lang: str, text: str, query: str, found: bool) -> None:
    index = Faiss(tmp_path / "index").open()
    index.upsert([_change("x", text, {"lang": lang, "title": "水泵 The pump"})])
    assert bool(index.search_text([query], 3, operators=True)[0]) is found
    index.close()


def test_the_retriever_reads_operators_where_they_are_on(both: tuple[FaissRuntime, ListIndexRuntime]) -> None:
    for index in both:
        sources = {
            each: {hit.source for hit in Lexical(index, operators=each)(Batch(['"cow hill"']), 9)[0]}  # type: ignore[arg-type]
            for each in ("off", "on")
        }
        assert sources == {"off": {"0", "1", "2", "3", "4", "6"}, "on": {"0"}}


def test_an_index_without_places_of_words_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lexical index of before phrases were searched is derived anew, as one that is damaged is."""
    index = Faiss(tmp_path / "index").open()
    index.upsert([_change("x", "a pump valve", {})])
    index.close()
    shutil.rmtree(tmp_path / "index" / "lexical")
    former = lexical.tantivy.SchemaBuilder()
    former.add_integer_field("row", indexed=True, fast=True)
    former.add_integer_field("document", indexed=True)
    former.add_integer_field("seq", stored=True)
    former.add_text_field("uuid", stored=True, tokenizer_name="raw", index_option="basic")
    former.add_text_field("language", tokenizer_name="raw", index_option="basic")
    for field in (*lexical.analysis.LANGUAGES, lexical.analysis.CJK):
        former.add_text_field(field, tokenizer_name=field, index_option="freq")
    folder = tmp_path / "index" / "lexical" / "1"
    folder.mkdir(parents=True)
    writer = lexical.tantivy.Index(former.build(), str(folder)).writer()
    writer.commit()
    writer.wait_merging_threads()
    again = Faiss(tmp_path / "index").open()
    assert len(again.search_text(['"pump valve"'], 3, operators=True)[0]) == 1
    assert again.check() == []
    again.close()


def _change(source: str, text: str, metadata: dict[str, str], embedder: Embedder | None = None) -> Change:
    chunk = Chunk(source, 0, len(text), text)
    return Change(
        source, [Entry(Document(source, text, metadata), [chunk], embedder and embedder.embed([text]))]
    )
