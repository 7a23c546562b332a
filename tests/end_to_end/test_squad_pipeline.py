"""The shipped pipeline with the real models, from files to cited answers, killed and changed on the way."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from statistics import mean

import corpora
import pytest
from commandline import environment, ragbraid
from corpora import Corpus
from tokenizers import Tokenizer

from ragbraid import Pipeline
from ragbraid.embed.sentence_transformer import SentenceTransformer, SentenceTransformerRuntime
from ragbraid.errors import IndexMissing, ModelMissing
from ragbraid.index.faiss import Faiss
from ragbraid.models.locate import locate
from ragbraid.split.recursive_splitter import RecursiveSplitter
from ragbraid.types import Answer, Document, Hit
from soaking import count

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerRuntime:
    try:
        locate("all-minilm-l6-v2")
        locate("smollm2-135m-instruct")
    except ModelMissing as missing:
        pytest.skip(str(missing))
    return SentenceTransformer().open()


@pytest.fixture(scope="module", params=corpora.SAMPLE)
def corpus(
    request: pytest.FixtureRequest, embedder: object, tmp_path_factory: pytest.TempPathFactory
) -> Corpus:
    """A corpus that has been ingested."""
    made = corpora.write(request.param, tmp_path_factory.mktemp("end to end") / request.param)
    with load(made) as pipeline:
        report = pipeline.ingest(made.folder / "documents")
    assert (report.new, report.failed, report.skipped) == (20, [], [])
    assert report.embedded == report.chunks > 0
    return made


@pytest.fixture(scope="module")
def quoting(corpus: Corpus) -> Iterator[Pipeline]:
    """The pipeline without short answers."""
    with load(corpus, {"ask.quote.short": False}) as pipeline:
        yield pipeline


def load(corpus: Corpus, overrides: dict[str, object] | None = None) -> Pipeline:
    return Pipeline.load(corpus.folder / "ragbraid.yaml", set=overrides)


def verify(answer: Answer, corpus: Corpus) -> None:
    """Every citation is the file's own text, and the short answer stands in its quote."""
    assert bool(answer.citations) != answer.abstained
    for each in answer.citations:
        text = corpus.text(each.source)
        assert each.quote == text[each.start : each.end] != ""
        assert each.content_hash == hashlib.sha256(text.encode()).hexdigest()
    place = answer.short_citation
    assert (answer.short is None) == (place is None)
    if place is not None:
        assert place.quote == answer.short == corpus.text(place.source)[place.start : place.end]
        around = [(each.source, each.start, each.end) for each in answer.citations]
        assert any(place.source == source and a <= place.start < place.end <= b for source, a, b in around)


def test_every_citation_is_the_files_own_text(corpus: Corpus, quoting: Pipeline) -> None:
    told = []
    for each in corpus.questions:
        answer = quoting.ask(each["question"])
        verify(answer, corpus)
        told.append(any(gold in answer.text for gold in each["answers"]))
    assert mean(told) > 0.8


def test_the_short_answer_stands_in_its_quote(corpus: Corpus) -> None:
    with load(corpus) as pipeline:
        answers = [pipeline.ask(each["question"]) for each in corpus.questions[::7][:5]]
    for answer in answers:
        verify(answer, corpus)
    assert sum(answer.short is not None for answer in answers) >= 4


def test_asking_twice_gives_equal_answers(corpus: Corpus, quoting: Pipeline) -> None:
    for each in corpus.questions[:20]:
        assert quoting.ask(each["question"]) == quoting.ask(each["question"])


def test_a_second_ingest_finds_all_unchanged(corpus: Corpus) -> None:
    with load(corpus) as pipeline:
        report = pipeline.ingest(corpus.folder / "documents")
    assert (report.unchanged, report.new, report.changed, report.chunks, report.embedded) == (20, 0, 0, 0, 0)


def test_the_command_line_gives_the_answer_that_python_gives(corpus: Corpus) -> None:
    question = corpus.questions[0]["question"]
    done = ragbraid("ask", question, "--json", cwd=corpus.folder)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    with load(corpus) as pipeline:
        answer = pipeline.ask(question)
    for name in ("text", "short", "abstained"):
        assert said[name] == getattr(answer, name)
    # A passage encoded in other company differs in its last digits.
    assert said["confidence"] == pytest.approx(answer.confidence, abs=0.01)
    assert [(each["source"], each["start"], each["end"], each["quote"]) for each in said["citations"]] == [
        (each.source, each.start, each.end, each.quote) for each in answer.citations
    ]


def passages(folder: Path, embedder: SentenceTransformerRuntime) -> tuple[list[Hit], dict[str, int]]:
    """Every chunk of an index, and its sources with their numbers; dense and lexical search must agree."""
    index = Faiss(path=folder / ".ragbraid" / "index", embedder=embedder).open()
    try:
        sources = {each.source: each.chunks for each in index.sources()}
        hits = index.search_vector(embedder.embed(["any"], "query"), 100_000)[0] if sources else []
        by_text = index.search_text([hit.text for hit in hits], 100_000)
    finally:
        index.close()
    ids = {hit.id for hit in hits}
    assert len(ids) == len(hits) == sum(sources.values())
    for hit, found in zip(hits, by_text, strict=True):
        assert hit.id in {each.id for each in found[:3]}
        assert {each.id for each in found} <= ids
    return hits, sources


def test_a_changed_splitter_leaves_no_old_chunk(
    corpus: Corpus, embedder: SentenceTransformerRuntime, tmp_path: Path
) -> None:
    copy = Corpus(tmp_path / "copy", corpus.questions)
    shutil.copytree(corpus.folder, copy.folder)
    before, _ = passages(copy.folder, embedder)
    with load(copy, {"ingest.recursive-splitter.max_tokens": 50}) as pipeline:
        report = pipeline.ingest(copy.folder / "documents")
    after, sources = passages(copy.folder, embedder)
    assert (report.changed, report.unchanged) == (20, 0)
    assert len(after) == report.chunks == sum(sources.values()) > len(before)
    tokenizer = Tokenizer.from_str(embedder.tokenizer_json())
    lengths = [len(tokenizer.encode(each.text, add_special_tokens=False).ids) for each in after]
    assert max(lengths) <= 50


def acknowledged(child: subprocess.Popen[str]) -> list[str]:
    """The sources whose lines stand whole on standard error; a chunk count ends each."""
    _, said = child.communicate(timeout=120)
    lines = said[: said.rfind("\n") + 1].splitlines()
    return [line[2:].rpartition("  ")[0] for line in lines if line.startswith("+ ")]


def start(corpus: Corpus) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ragbraid", "ingest", "documents"],
        cwd=corpus.folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        encoding="utf-8",
    )  # fmt: skip


@pytest.mark.parametrize("name", corpora.NAMES[: count(1, 2)])
def test_killing_an_ingest_loses_nothing_acknowledged(
    name: str, embedder: SentenceTransformerRuntime, tmp_path: Path
) -> None:
    corpus, chance = corpora.write(name, tmp_path / "a folder"), random.Random(name)
    began = time.monotonic()
    assert sorted(acknowledged(start(corpus))) == corpus.sources
    lasts = time.monotonic() - began
    for _ in range(count(2, 20)):
        shutil.rmtree(corpus.folder / ".ragbraid")
        child = start(corpus)
        timer = threading.Timer(lasts * chance.uniform(0.3, 1), child.kill)
        timer.start()
        named = acknowledged(child)
        timer.cancel()
        with nullcontext() if named else suppress(IndexMissing):  # it may have been killed before any commit
            whole(corpus, embedder, named)
        done = ragbraid("ingest", "documents", "--json", cwd=corpus.folder)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["unchanged"] >= len(named)
        assert report["unchanged"] + report["new"] == 20
        assert whole(corpus, embedder, corpus.sources) == corpus.sources


def whole(corpus: Corpus, embedder: SentenceTransformerRuntime, wanted: list[str]) -> list[str]:
    """The stored sources, after checking that those wanted are among them and none is in halves."""
    hits, sources = passages(corpus.folder, embedder)
    assert set(wanted) <= sources.keys() <= set(corpus.sources)
    splitter = RecursiveSplitter(embedder, max_tokens=220).open()
    for source in sources:
        media = "text/markdown" if source.endswith(".md") else "text/plain"
        chunks = splitter([Document(source, corpus.text(source), media_type=media)])
        stored = sorted((each.start, each.end, each.text) for each in hits if each.source == source)
        assert stored == [(each.start, each.end, each.text) for each in chunks]
    return sorted(sources)
