"""What holds for every splitter: exact places, all of the text, within the limit, in linear time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from measures import Measure, byte_level_json, minilm_json, words
from tokenizers import Tokenizer

from ragbraid.errors import InputError
from ragbraid.registry import find
from ragbraid.testing import HashEmbedder
from ragbraid.testing.splitter import SplitterConformance, demand_exact, random_text
from ragbraid.text.context import embedded
from ragbraid.types import Document
from soaking import count
from timing import least_seconds

Make = Callable[..., Any]


def of(name: str, **settings: Any) -> Make:
    return lambda embedder, limit: find(name)(embedder=embedder, max_tokens=limit, **settings).open()


SPLITTERS: dict[str, Make] = {
    "markdown": of("markdown"),
    "markdown-merged": of("markdown", merge=True, context=True),
    "parent-child": lambda embedder, limit: find("parent-child")(
        of("markdown", merge=True)(None, 4 * limit), of("sentences", context=True)(embedder, limit)
    ),
    "recursive": of("recursive-splitter"),
    "recursive-context": of("recursive-splitter", overlap=4, context=True),
    "by-format": of("by-format", context=True),
    "code": of("code", context=True),
    "table-rows": of("table-rows"),
    "table-rows-context": of("table-rows", context=True),
    "sentences": of("sentences"),
    "sentences-overlap": of("sentences", overlap=2, context=True),
}
KINDS = SplitterConformance.kinds


@pytest.fixture(params=SPLITTERS)
def make(request: pytest.FixtureRequest) -> Make:
    return SPLITTERS[request.param]


class TestWords(SplitterConformance):
    """Without an embedder."""

    limit = 40
    count = count(25, 1000)

    @pytest.fixture(autouse=True)
    def _made(self, make: Make) -> None:
        self._splitter = make(None, self.limit)

    def splitter(self) -> Any:
        return self._splitter

    def tokens(self, text: str) -> int:
        return words(text)


@pytest.mark.parametrize("limit", [8, 220])
def test_the_models_tokens_are_counted(make: Make, limit: int) -> None:
    tokenizer = Tokenizer.from_str(minilm_json())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    splitter = make(Measure(minilm_json(), 254), limit)
    _demand(splitter, lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids), limit)


def test_nothing_is_repeated_of_what_was_halved() -> None:
    splitter = SPLITTERS["sentences-overlap"](Measure(minilm_json(), 254), 32)
    document = Document("text.txt", random_text(536), {"title": "A title"})
    demand_exact(document, splitter([document]))


def test_a_byte_level_models_tokens_are_counted(make: Make) -> None:
    tokenizer = Tokenizer.from_str(byte_level_json())
    splitter = make(Measure(byte_level_json(), 254), 24)
    _demand(splitter, lambda text: len(tokenizer.encode(text).ids), 24)


def test_the_hash_embedders_tokens_are_counted(make: Make) -> None:
    embedder = HashEmbedder().open()
    tokenizer = Tokenizer.from_str(embedder.tokenizer_json())
    _demand(make(embedder, 24), lambda text: len(tokenizer.encode(text).ids), 24)


def _demand(splitter: Any, tokens: Callable[[str], int], limit: int) -> None:
    for seed in range(count(8, 1000)):
        source, media_type = KINDS[seed % len(KINDS)]
        document = Document(source, random_text(seed), {"title": "A title"}, media_type=media_type)
        chunks = splitter([document])
        demand_exact(document, chunks)
        assert all(tokens(embedded(each)) <= limit for each in chunks)


def test_more_tokens_than_the_embedder_sees_are_refused(make: Make) -> None:
    with pytest.raises(InputError, match=r"300.*254"):
        make(Measure(minilm_json(), 254), 300)([Document("x", "text")])


@pytest.mark.parametrize(("source", "media_type"), KINDS)
def test_time_grows_with_length_only(make: Make, source: str, media_type: str) -> None:
    def text(length: int) -> str:
        return json.dumps([{"id": i, "v": [f"a{i % 7}. B"]} for i in range(length // 28)])

    splitter = make(None, 220)
    seconds = []
    for length in (50_000, count(200_000, 5_000_000)):
        document = Document(source, text(length), media_type=media_type)
        seconds.append(least_seconds(lambda: splitter([document])) / length)  # noqa: B023
        demand_exact(document, splitter([document]))
    assert seconds[1] < 4 * seconds[0]
