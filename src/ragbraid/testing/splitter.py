"""What every splitter must do. Subclass `SplitterConformance` in a test file and give it a splitter."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import ClassVar

import pytest

from ragbraid.split.protocol import Splitter
from ragbraid.text.context import embedded
from ragbraid.types import Chunk, Document

_ALPHABETS: tuple[Sequence[str], ...] = (
    "abcdefghij klmno pqrst. uvwxyz,\n",
    "The cat! Sat? (On) a “mat”…  \r\n\t- * # ` ~ | _ < > { } % \\",
    "我们今天去公园散步看花。你喜欢吗？「是」，、\u3000",
    "שלום\u200fעולם ",
    "สวัสดีครับ",
    "naïve e\u0301e\u0308 Ünï\u00a0code ﬁ ß İ \u00ad\u200b\ufeff",
    "😀👩\u200d👩\u200d👧🏽🇩🇪✈\ufe0f 𝔘 ",
    "\x00\x0b\x0c\x1c\x85\u2028\u2029\r\n ",
    '{}[]":,0123456789',
    ("# ", "## ", "```", "~~~~", "\n", "\n\n", "word ", "| a | b |\n", "|---|---|\n", "| ", "===", "    "),
    ('"', '""', ",", ";", "\t", "\n", "\r\n", "cell", "12.5", "two words", " "),
    ("def f(x):\n", "    ", "return x;", "class A", " {\n", "}\n", "\n", "# n\n", "/* é */", "int f() "),
)

HARD_TEXTS = (
    "",
    " \r\n\t\u3000\u2028",
    "tapir tapir",
    "ab " * 500,
    "k" * 9000,
    "我们今天去公园散步看见很多花。" * 300,
    "\r\n".join(f"line {i} has words" for i in range(300)),
    "one\rtwo\r\nthree\nfour\n\r\n" * 80,
    'S = {7; 8}; {"top": {x}} {{ y }} {% if z %} <|im_start|>system\n[INST] </s> ' * 40,
    "e" + "\u0301" * 3000,
    "👩\u200d" * 700,
    " " * 5000 + "end" + "\n" * 5000,
    "# A\n\n```\n# b\n\n" + "code line\n\n" * 300 + "```\n\n## C\n\ntext",
    "# A\n\n| Name | Price |\n|---|---|\n" + "| a thing | 12.50 |\n" * 200 + "\n# B\n## C\nwords",
    "".join(f"{'#' * (1 + i % 6)} {'Heading ' * (i % 40)}\n\n" for i in range(120)),
    'name,note\r\n"Doe, J","two\r\nlines"\r\n' * 100 + '"never closed, ' + "cell,\n" * 100,
    ",".join(f"column {i}" for i in range(300)) + "\n" + ",".join("x" * 300) + "\n",
    "# é\n@cache\ndef f(x):\n    return x\n\nclass A:\n" + "    def g(self): return 1\n\n" * 80 + "def (:\n",
    "int f() { return 0; }" * 200 + "/*",
)


class SplitterConformance:
    """The contract of a splitter, as tests."""

    count: ClassVar[int] = 200
    """How many random texts are tried."""

    def splitter(self) -> Splitter:
        """The splitter to test."""
        raise NotImplementedError

    def tokens(self, text: str) -> int:
        """The length of a text as the splitter's limit counts it; a chunk's context counts with its text."""
        raise NotImplementedError

    limit: ClassVar[int]
    """The limit that the splitter was given."""

    kinds: ClassVar[Sequence[tuple[str, str]]] = (
        ("text.txt", "text/plain"),
        ("text.md", "text/markdown"),
        ("text.csv", "text/csv"),
        ("text.py", "text/x-python"),
    )
    """Source and media type of the documents: every text is tried as each."""

    @pytest.mark.parametrize("number", range(len(HARD_TEXTS)))
    def test_hard_texts(self, number: int) -> None:
        """Texts that have broken splitters."""
        for source, media_type in self.kinds:
            self._demand(Document(source, HARD_TEXTS[number], {"title": "A title"}, media_type=media_type))

    def test_random_texts(self) -> None:
        """Texts of many scripts, as every kind of document."""
        for seed in range(self.count):
            source, media_type = self.kinds[seed % len(self.kinds)]
            self._demand(Document(f"random-{seed}-{source}", random_text(seed), media_type=media_type))

    def test_the_same_text_gives_the_same_chunks(self) -> None:
        """Splitting has no memory."""
        document = Document("twice", random_text(7) * 20)
        assert self.splitter()([document]) == self.splitter()([document])

    def test_documents_stay_in_order_and_apart(self) -> None:
        """A chunk never spans documents."""
        documents = [Document(name, f"{name} says this. " * 90) for name in ("b", "a", "c")]
        chunks = self.splitter()(documents)
        assert list(dict.fromkeys(chunk.source for chunk in chunks)) == ["b", "a", "c"]
        apart = [chunk for each in documents for chunk in self.splitter()([each])]
        assert chunks == apart

    def test_no_documents_no_chunks(self) -> None:
        """An empty list is no error."""
        assert self.splitter()([]) == []

    def test_what_stands_before_the_body_is_in_no_chunk(self) -> None:
        """A front matter is metadata, not text."""
        text = "---\ntitle: x\n---\nThe body is here."
        chunks = self.splitter()([Document("body", text, body=17)])
        assert [chunk.text for chunk in chunks] == ["The body is here."]
        assert chunks[0].start == 17

    def test_large_metadata_costs_no_tokens(self) -> None:
        """The limit is for what is embedded alone."""
        text = "A sentence of words. " * 30
        plain = self.splitter()([Document("m", text)])
        assert self.splitter()([Document("m", text, {"note": "x " * 4000})]) == plain

    def _demand(self, document: Document) -> None:
        chunks = self.splitter()([document])
        demand_exact(document, chunks)
        for chunk in chunks:
            assert self.tokens(embedded(chunk)) <= self.limit, f"{document.source}: {chunk}"


def demand_exact(document: Document, chunks: Sequence[Chunk]) -> None:
    """Assert that chunks lie where they say, in order, hold text, and leave nothing out."""
    reached = document.body
    previous = (-1, -1)
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text, f"{document.source}: {chunk}"
        assert chunk.text.strip(), f"{document.source}: a blank chunk at {chunk.start}"
        assert (chunk.start, chunk.end) > previous, f"{document.source}: {chunk} goes back"
        left_out = document.text[reached : chunk.start]
        assert not left_out.strip(), f"{document.source}: {left_out!r} is in no chunk"
        previous = (chunk.start, chunk.end)
        reached = max(reached, chunk.end)
    assert not document.text[reached:].strip(), f"{document.source}: its end is in no chunk"


def random_text(seed: int) -> str:
    """A text of several scripts, line ends and signs; the same for the same seed."""
    chance = random.Random(seed)
    parts: list[str] = []
    for _ in range(chance.randint(1, 12)):
        if chance.random() < 0.1:
            parts.append("".join(chr(_code_point(chance)) for _ in range(chance.randint(1, 80))))
            continue
        alphabet = chance.choice(_ALPHABETS)
        parts.append("".join(chance.choices(alphabet, k=int(chance.expovariate(1 / 300)) + 1)))
    return "".join(parts)


def _code_point(chance: random.Random) -> int:
    while 0xD800 <= (point := chance.randrange(0x110000)) <= 0xDFFF:
        pass
    return point
