"""The fakes keep the contracts of what they stand for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, GenerationError, IndexStoreError, InputError, LoadError
from ragbraid.generate.protocol import Completion, Grammar, Quotes, Request
from ragbraid.index.protocol import Change, Entry
from ragbraid.testing import (
    EchoGenerator,
    FailingStep,
    FixedSplitter,
    HashEmbedder,
    ListIndex,
    MemoryLoader,
    ScriptedGenerator,
    SlowStep,
)
from ragbraid.testing.list_index import ListIndexRuntime
from ragbraid.types import Chunk, Document, Hit, Message, Scope, SourceRef, Usage

EMBEDDER = HashEmbedder().open()


@given(st.lists(st.text(), max_size=5))
def test_vectors_have_unit_length(texts: list[str]) -> None:
    vectors = EMBEDDER.embed(texts)
    assert vectors.shape == (len(texts), 64)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_texts_that_share_words_are_near() -> None:
    cat, cats, ship = EMBEDDER.embed(["the cat sleeps", "Cats are sleeping", "a ship at sea"])
    assert cat @ cats > 0.3 > cat @ ship


def test_vectors_are_the_same_everywhere() -> None:
    program = "from ragbraid.testing import *; print(HashEmbedder().open().embed(['ab c'])[0, :3].tolist())"
    here = f"{EMBEDDER.embed(['ab c'])[0, :3].tolist()}\n"
    assert run_python(program, PYTHONHASHSEED="1") == run_python(program, PYTHONHASHSEED="2") == here


def run_python(program: str, **env: str) -> str:
    command = [sys.executable, "-c", program]
    env = {"PYTHONPATH": ":".join(sys.path), **env}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout


def test_text_beyond_the_limit_is_not_seen() -> None:
    short = HashEmbedder(max_tokens=2).open()
    near, cut = short.embed(["one two", "one two three"])
    assert (near == cut).all()
    assert short.identity != EMBEDDER.identity


def test_calls_are_counted() -> None:
    embedder = HashEmbedder().open()
    embedder.embed(["a", "b"])
    embedder.embed(["a"])
    assert (embedder.calls, embedder.embedded) == (2, 3)


def test_the_tokenizer_counts_as_the_token_vectors_do() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    text = "Hello, wörld: it's 20 °C — 日本語 …"
    (tokens,) = EMBEDDER.token_vectors([text])
    encoding = tokenizers.Tokenizer.from_str(EMBEDDER.tokenizer_json()).encode(text)
    assert tokens.offsets == encoding.offsets
    assert len(tokens.ids) == len(tokens.offsets) == len(tokens.vectors)
    assert [text[start:end] for start, end in tokens.offsets][:2] == ["Hello", ","]


def test_no_text_has_no_token() -> None:
    assert EMBEDDER.token_vectors([""])[0].vectors.shape == (0, 64)


def index_of(**texts: str) -> ListIndexRuntime:
    index = ListIndex(EMBEDDER).open()
    index.upsert([change(name, text) for name, text in texts.items()])
    return index


def change(name: str, text: str, **metadata: object) -> Change:
    document = Document(name, text, metadata)
    chunks = FixedSplitter(4)([document])
    return Change(name, [Entry(document, chunks, EMBEDDER.embed([each.text for each in chunks]))])


def test_the_nearest_comes_first() -> None:
    index = index_of(a="the cat sleeps", b="a ship at sea", c="cats and dogs")
    (hits,) = index.search_vector(EMBEDDER.embed(["sleeping cat"]), 2)
    assert [each.source for each in hits] == ["a", "c"]
    assert hits[0].score > hits[1].score
    assert [each.source for each in index.search_text(["sea ships"], 5)[0]] == ["b"]


def test_ties_are_ordered_by_id() -> None:
    index = index_of(**dict.fromkeys("dcba", "equal words"))
    (hits,) = index.search_vector(EMBEDDER.embed(["words"]), 4)
    assert [each.id for each in hits] == sorted(each.id for each in hits)
    assert [each.id for each in index.search_text(["words"], 4)[0]] == [each.id for each in hits]


def test_rare_words_count_more() -> None:
    index = index_of(a="common rare", b="common", c="common", d="common common common")
    assert index.search_text(["common rare"], 1)[0][0].source == "a"
    assert index.document_frequencies(["commons", "rare", "absent"]) == (4, [4, 1, 0])


def test_a_scope_hides_other_collections_and_what_its_filter_refuses() -> None:
    index = ListIndex(EMBEDDER).open()
    red, blue = Scope("default", {"team": "red"}), Scope("default", {"team": "blue"})
    index.upsert([change("r", "some text", team="red")], scope=red)
    index.upsert([change("b", "other text", team="blue")], scope=blue)
    for scope, source in ((red, "r"), (blue, "b")):
        assert [each.source for each in index.sources(scope=scope)] == [source]
        (hits,) = index.search_vector(EMBEDDER.embed(["text"]), 9, scope=scope)
        assert [each.source for each in hits] == [source]
        assert [each.source for each in index.search_text(["text"], 9, scope=scope)[0]] == [source]
        assert index.count(scope=scope) == 1
        assert index.get([hits[0].id], scope=Scope("elsewhere")) == []
    assert index.document("r", scope=blue) is None
    assert index.delete(["r"], scope=blue) == 0
    with pytest.raises(InputError, match="outside"):
        index.upsert([change("r", "mine", team="blue")], scope=blue)
    with pytest.raises(InputError, match="outside"):
        index.upsert([change("x", "mine", team="red")], scope=blue)
    assert index.count() == 2


def test_changes_are_committed_all_or_none() -> None:
    index = index_of(a="one two")
    bad = Change("b", [Entry(Document("b", "x"), [Chunk("b", 0, 1, "x")], np.zeros((1, 64), np.float32))])
    with pytest.raises(InputError, match="zero"):
        index.upsert([change("a", "changed"), bad])
    assert [each.text for each in index.search_vector(EMBEDDER.embed(["one"]), 9)[0]] == ["one two"]


def test_known_vectors_are_found_by_text() -> None:
    index = index_of(a="one two")
    known = index.known_vectors(["absent", "one two"])
    assert list(known) == [1]
    assert (known[1] == EMBEDDER.embed(["one two"])[0]).all()


def test_stored_things_come_back() -> None:
    index = index_of(a="one two three four five")
    ids = [each.id for each in index.search_text(["one five"], 9)[0]]
    assert [each.id for each in index.get([*ids, "absent"])] == ids
    vectors = index.vectors(ids[::-1])
    assert vectors is not None
    assert (vectors == EMBEDDER.embed([each.text for each in index.get(ids[::-1])])).all()
    document = index.document("a")
    assert document is not None
    assert document.text == "one two three four five"
    with pytest.raises(InputError):
        index.vectors(["absent"])
    with pytest.raises(IndexStoreError):
        index.snapshot(Path("nowhere"))
    assert index.delete(["a", "absent"]) == 1
    assert index.count() == 0


def test_echo_repeats_the_last_message() -> None:
    generator = EchoGenerator().open()
    prompt = (Message("system", "be brief"), Message("user", "one two three"))
    (whole, cut) = generator.generate([Request(prompt), Request(prompt, max_tokens=2)])
    assert whole == Completion("one two three", "stop", Usage(5, 3, 1))
    assert cut == Completion("one two", "length", Usage(5, 2, 1))


def test_echo_keeps_to_quotes() -> None:
    generator = EchoGenerator().open()
    (quote, nothing, refused) = generator.generate(
        [
            Request("q", constraint=Quotes(("Paris is the capital.", "Rome."), max_words=3)),
            Request("q", constraint=Quotes((), abstention="none")),
            Request("q", constraint=Grammar("root ::= [a]")),
        ]
    )
    assert isinstance(quote, Completion)
    assert quote.text == "Paris is the"
    assert isinstance(nothing, Completion)
    assert nothing.text == "none"
    assert isinstance(refused, GenerationError)


@given(st.text())
def test_a_stream_adds_up_to_its_completion(text: str) -> None:
    *pieces, completion = ScriptedGenerator((text,)).open().stream(Request("q"))
    assert isinstance(completion, Completion)
    assert "".join(map(str, pieces)) == completion.text == text


def test_a_script_is_read_in_order_and_checked() -> None:
    generator = ScriptedGenerator(("first", "the capital", "e cap", "none")).open()
    quotes = Quotes(("Paris is the capital.", "It is the capital of France"), abstention="none")
    held = Request("q", constraint=quotes)
    outcomes = generator.generate([Request("q"), held, held, held, Request("q")])
    texts = [each.text if isinstance(each, Completion) else None for each in outcomes]
    assert texts == ["first", "the capital", None, "none", None]
    assert len(generator.requests) == 5


def test_stop_words_end_the_text() -> None:
    generator = ScriptedGenerator(("one two\nthree",)).open()
    (completion,) = generator.generate([Request("q", stop=("\n", "three"))])
    assert isinstance(completion, Completion)
    assert completion.text == "one two"


def test_a_generator_can_be_cancelled() -> None:
    cancellation = Cancellation()
    stream = EchoGenerator().open().stream(Request("one two three"), context=Context(cancellation))
    assert next(stream) == "one"
    cancellation.cancel()
    with pytest.raises(Cancelled):
        next(stream)


def test_front_matter_is_no_passage() -> None:
    (chunk,) = FixedSplitter()([Document("a", "x: 1\n---\nbody text", body=9)])
    assert (chunk.start, chunk.text) == (9, "body text")


@given(st.text(), st.integers(1, 9))
def test_chunks_lie_at_their_offsets_and_cover_the_text(text: str, words: int) -> None:
    chunks = FixedSplitter(words)([Document("a", text)])
    assert all(text[each.start : each.end] == each.text for each in chunks)
    assert " ".join(each.text for each in chunks).split() == text.split()
    assert all(1 <= len(each.text.split()) <= words for each in chunks)


def test_a_loader_names_what_is_under_its_paths() -> None:
    loader = MemoryLoader({"b/2": "x", "a": "y", "bc": "z", "b/1": "w"}, {"a": {"k": 1}}, failing=("bc",))

    def scan(*paths: str) -> list[str]:
        return [each.origin for each in loader.scan(paths, Path()) if isinstance(each, SourceRef)]

    assert scan(".") == ["a", "b/1", "b/2", "bc"]
    assert scan("b", "b/1") == ["b/1", "b/2"]
    with pytest.raises(InputError):
        scan("c")
    assert list(loader.load(SourceRef("a", "a"))) == [Document("a", "y", {"k": 1})]
    for source in ("bc", "absent"):
        with pytest.raises(LoadError):
            list(loader.load(SourceRef(source, source)))


def test_slow_and_failing_steps() -> None:
    hits = [Hit("1", "a", 0, 1, "x")]
    began = time.monotonic()
    assert SlowStep(0.02)(hits, Context()) == hits
    assert time.monotonic() - began >= 0.02
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        SlowStep(9)(hits, Context(cancellation))
    with pytest.raises(RuntimeError, match="on purpose"):
        FailingStep()(hits)


def test_importing_the_fakes_is_light() -> None:
    program = "import json, sys, ragbraid.testing.fakes; print(json.dumps(sorted(sys.modules)))"
    assert not {"numpy", "pytest", "pydantic", "torch"} & {*json.loads(run_python(program))}
