from __future__ import annotations

import json
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from measures import Measure, byte_level_json, minilm_json, words
from tokenizers import Tokenizer

from ragbraid.errors import InputError
from ragbraid.split.recursive_splitter import RecursiveSplitter
from ragbraid.testing.splitter import SplitterConformance, demand_exact
from ragbraid.types import Document
from soaking import count
from timing import least_seconds


class Exact(SplitterConformance):
    overlap = 0
    count = count(25, 1000)

    def json(self) -> str:
        raise NotImplementedError

    def setup_method(self) -> None:
        self._tokenizer = Tokenizer.from_str(self.json())
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._runtime = RecursiveSplitter(Measure(self.json(), 254), self.limit, self.overlap).open()  # type: ignore[arg-type]

    def splitter(self) -> Any:
        return self._runtime

    def tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)


class TestWordPiece(Exact):
    limit = 220
    json = staticmethod(minilm_json)


class TestShortWordPieceWithOverlap(Exact):
    limit = 16
    overlap = 6
    json = staticmethod(minilm_json)


class TestByteLevel(Exact):
    limit = 24
    json = staticmethod(byte_level_json)


class TestWithoutEmbedder(SplitterConformance):
    limit = 50
    count = count(25, 1000)

    def splitter(self) -> Any:
        return RecursiveSplitter(max_tokens=50).open()

    def tokens(self, text: str) -> int:
        return words(text)


def split(text: str, media_type: str = "text/plain", **options: Any) -> list[str]:
    document = Document("x", text, media_type=media_type)
    chunks = RecursiveSplitter(**options).open()([document])
    demand_exact(document, chunks)
    return [chunk.text for chunk in chunks]


def test_repeated_passages_have_their_own_places() -> None:
    document = Document("x", "ab " * 500)
    chunks = RecursiveSplitter(max_tokens=20, overlap=10).open()([document])
    starts = [chunk.start for chunk in chunks]
    assert starts == sorted(set(starts))


def test_overlap_repeats_the_end_of_the_chunk_before() -> None:
    chunks = split(" ".join(f"w{i}" for i in range(100)), max_tokens=10, overlap=3)
    for before, after in pairwise(chunks):
        assert after.split()[:3] == before.split()[-3:]


def test_overlap_may_be_half_at_most() -> None:
    with pytest.raises(ValueError, match=r"overlap \(6\).*max_tokens \(10\)"):
        RecursiveSplitter(max_tokens=10, overlap=6)


def test_more_tokens_than_the_embedder_sees_are_refused() -> None:
    splitter = RecursiveSplitter(Measure(minilm_json(), 254), 300).open()  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"300.*254"):
        splitter([Document("x", "text")])


def test_line_ends_make_no_difference() -> None:
    text = "\n".join(f"line {i} has words" for i in range(300))
    windows = split(text.replace("\n", "\r\n"), max_tokens=40)
    assert [chunk.replace("\r\n", "\n") for chunk in windows] == split(text, max_tokens=40)


def test_paragraphs_are_not_torn_where_they_fit() -> None:
    paragraphs = [f"Paragraph {i} has words. And a second sentence." for i in range(20)]
    chunks = split("\n\n".join(paragraphs), max_tokens=60)
    assert all(chunk.startswith("Paragraph") and chunk.endswith("sentence.") for chunk in chunks)


def test_sentences_are_not_torn_where_they_fit() -> None:
    chunks = split(" ".join(f"Here is sentence number {i}." for i in range(60)), max_tokens=60)
    assert all(chunk.startswith("Here") and chunk.endswith(".") for chunk in chunks)


def test_full_width_punctuation_ends_a_sentence() -> None:
    text = "我们今天去公园散步看见很多花。你喜欢吗？" * 600
    document = Document("x", text)
    chunks = RecursiveSplitter(Measure(minilm_json(), 254)).open()([document])  # type: ignore[arg-type]
    demand_exact(document, chunks)
    assert len(chunks) > 40
    assert all(chunk.text[-1] in "。？" for chunk in chunks)


def test_sections_are_not_torn_and_headings_stay_with_their_text() -> None:
    sections = [f"## Section {i}\n\n" + f"Words of section {i}. " * 8 for i in range(12)]
    chunks = split("# Title\n\n" + "\n\n".join(sections), "text/markdown", max_tokens=60)
    assert all(chunk.startswith("#") for chunk in chunks)
    long = split("## Alone\n\n" + "A sentence with words. " * 60, "text/markdown", max_tokens=60)
    assert all(len(chunk) > 40 for chunk in long)


def test_code_fences_are_not_torn_where_they_fit() -> None:
    fence = "```python\ndef f():\n\n    # fake\n\n    return 1\n```"
    words = "Some words before the code, number {}, that take their place."
    text = "\n\n".join(f"{words.format(i)}\n\n{fence}" for i in range(20))
    for chunk in split(text, "text/markdown", max_tokens=50):
        assert chunk.count("```") % 2 == 0


def test_control_tokens_are_text() -> None:
    text = "note <|im_end|>\n<|im_start|>system\nSay it [SEP] [CLS] [PAD] </s>"
    assert "".join(split(text, max_tokens=220)) == text


def test_accents_and_emoji_are_not_torn_by_force() -> None:
    for chunk in split("e\u0301" * 2000 + "👩\u200d👧" * 500, max_tokens=60):
        assert chunk[0] not in "\u0301\u200d"
        assert chunk[-1] != "\u200d"


@pytest.mark.parametrize("kind", ["term", "json", "chinese"])
def test_time_grows_with_length_only(kind: str) -> None:
    make = {
        "term": lambda n: "k" * n,
        "json": lambda n: json.dumps([{"id": i, "v": i % 7} for i in range(n // 20)]).replace(" ", ""),
        "chinese": lambda n: "我们今天去公园散步看见很多花" * (n // 14),
    }[kind]
    splitter = RecursiveSplitter(Measure(minilm_json(), 254)).open()  # type: ignore[arg-type]
    splitter([Document("warm", make(50_000))])
    seconds = []
    for length in (100_000, count(400_000, 5_000_000)):
        document = Document("x", make(length))
        seconds.append(least_seconds(lambda: splitter([document])) / len(document.text))  # noqa: B023
        demand_exact(document, splitter([document]))
    assert seconds[1] < 4 * seconds[0]


def test_threads_share_one_splitter() -> None:
    from concurrent.futures import ThreadPoolExecutor

    chance = random.Random(3)
    words = ["alpha", "beta", "gamma", "delta"]
    documents = [Document(str(i), " ".join(chance.choices(words, k=400))) for i in range(16)]
    splitter = RecursiveSplitter(Measure(minilm_json(), 254)).open()  # type: ignore[arg-type]
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda each: splitter([each]), documents))
    fresh = RecursiveSplitter(Measure(minilm_json(), 254)).open()  # type: ignore[arg-type]
    assert parallel == [fresh([each]) for each in documents]


def test_the_handbook_is_covered() -> None:
    data = Path(os.environ.get("RAGBRAID_DATA", Path(__file__).parents[2] / "data"))
    files = sorted((data / "handbook").rglob("*.mdx"))
    if not files:
        pytest.skip(f"{data} has no handbook: set RAGBRAID_DATA to a folder that does")
    tokenizer = Tokenizer.from_str(minilm_json())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    splitter = RecursiveSplitter(Measure(minilm_json(), 254)).open()  # type: ignore[arg-type]
    for file in files[:: count(4, 1)]:
        document = Document(file.name, file.read_text("utf-8"), media_type="text/markdown")
        chunks = splitter([document])
        demand_exact(document, chunks)
        assert max(len(tokenizer.encode(chunk.text, add_special_tokens=False)) for chunk in chunks) <= 220
