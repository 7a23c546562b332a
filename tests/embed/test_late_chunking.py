"""Chunks embedded with their neighbours in view: by the embedder, and through an ingest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ragbraid import Pipeline
from ragbraid.embed.sentence_transformer import SentenceTransformer, SentenceTransformerRuntime
from ragbraid.errors import InputError, ModelError
from ragbraid.ingest.windows import texts_for
from ragbraid.split.sentences import Sentences
from ragbraid.text.window import part_of, within
from ragbraid.types import Chunk, Document, ModelName
from tiny_models import make_tiny

TEXT = "Water boils. Fire is hot. Water is cold."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("models") / "bert", length=80)


def opened(folder: Path, *, late: bool = True, **options: object) -> SentenceTransformerRuntime:
    return SentenceTransformer(ModelName(str(folder)), late=late, **options).open()  # type: ignore[arg-type]


def test_a_text_by_itself_is_embedded_as_it_would_be_otherwise(folder: Path) -> None:
    texts = [TEXT, "fire", "water boils."]
    late, plain = opened(folder), opened(folder, late=False)
    assert np.allclose(late.embed(texts), plain.embed(texts), atol=1e-6)
    assert np.array_equal(late.embed(texts, "query"), plain.embed(texts, "query"))


def test_a_part_is_the_mean_of_its_tokens_in_the_whole(folder: Path) -> None:
    late = opened(folder, passage_prefix="fire: ")
    start = TEXT.index("Fire")
    end = start + len("Fire is hot.")
    (found,) = late.embed([within(TEXT, start, end)])
    (encoding,) = late._encode(["fire: " + TEXT], False, None)
    with late._weights.use() as encoder:
        ((_, states),) = late._forward([encoding], encoder.states, None, unit=False)
    own = [at for at, (a, b) in enumerate(encoding.offsets) if a < b and start + 6 <= a < end + 6]
    assert "".join(encoding.tokens[at] for at in own).replace("##", "") == "fireis[UNK]."
    mean = states[0][own].mean(axis=0)
    assert np.allclose(found, mean / np.linalg.norm(mean), atol=1e-6)


def test_surroundings_count_and_the_order_of_texts_does_not(folder: Path) -> None:
    late = opened(folder, batch_tokens=40)
    texts = [within(each, 0, 12) for each in (TEXT, "Water boils. A cat.", "Water boils. No.")]
    texts += [within(TEXT, 13, 25), TEXT, within("a   b", 1, 4)]
    vectors = late.embed(texts)
    assert len({each.tobytes() for each in vectors}) == len(texts)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.allclose(late.embed(texts[::-1])[::-1], vectors, atol=1e-5)


def test_it_is_another_embedder_than_without(folder: Path, tmp_path: Path) -> None:
    assert opened(folder).identity != opened(folder, late=False).identity
    other = make_tiny(tmp_path / "cls", pooling="cls_token", length=80)
    with pytest.raises(ModelError, match="the mean of its tokens"):
        opened(other).embed(["water"])
    with pytest.raises(ModelError, match="sees 78"):
        opened(folder).embed([within("fire " * 90, 0, 4)])


def test_windows_hold_as_many_neighbours_as_fit(folder: Path) -> None:
    late = opened(folder)
    text = " ".join(f"Fire {chr(97 + at % 26)} {chr(97 + at // 26)} boils water." for at in range(40))
    document = Document("a.txt", text)
    chunks = Sentences(late, max_tokens=12).open()([document])
    texts = texts_for(late)(document, chunks)
    assert len(texts) == len(chunks) >= 20
    windows = [part_of(each)[0] for each in texts]
    assert 2 < len(set(windows)) < len(chunks) / 2
    for chunk, each in zip(chunks, texts, strict=True):
        window, start, end = part_of(each)
        assert window[start:end] == chunk.text
        assert window in text
    late.embed(texts)  # none is too long
    titled = [Chunk("a.txt", at, at + 5, text[at : at + 5], context="Heat") for at in (0, 5)]
    window = f"Heat\n{text[:10]}"
    assert texts_for(late)(document, titled) == [within(window, 5, 10), within(window, 10, 15)]
    backwards = [Chunk("a.txt", 5, 9, text[5:9]), Chunk("a.txt", 0, 5, text[:5])]
    assert texts_for(late)(document, backwards) == [text[5:9], text[:5]]


FILE = """\
ragbraid: 1
components:
  embedder: {{type: sentence-transformer, model: {model}, late: true}}
  index: {{type: faiss, path: index, embedder: embedder}}
ingest:
  - {{type: files}}
  - {{type: sentences, embedder: embedder, max_tokens: 8}}
  - index
search:
  - {{type: dense, index: index}}
"""


def test_through_an_ingest(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(FILE.format(model=folder))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Water a b c d e f. Fire a b c d e f. Water g h i j k l.")
    (tmp_path / "docs" / "b.txt").write_text("Water x y z x y z. Fire a b c d e f. Water m n o p q r.")
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        assert pipeline.ingest(tmp_path / "docs").embedded == 6
        assert pipeline.ingest(tmp_path / "docs").embedded == 0
        same = {
            each.source: each.score for each in pipeline.search("fire") if each.text == "Fire a b c d e f."
        }
        assert len(same) == 2
        assert len(set(same.values())) == 2, "the same words in other surroundings"
        (tmp_path / "docs" / "b.txt").write_text("Water x y z x y z. Fire a b c d e f. Water m n o p q z.")
        assert pipeline.ingest(tmp_path / "docs").embedded == 3, "what its neighbours say is part of a vector"
    plain = FILE.format(model=folder).replace(", late: true", "")
    (tmp_path / "ragbraid.yaml").write_text(plain)
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline:
        list(pipeline.upkeep().migrate())
        assert len(pipeline.search("fire")) == 6
    (tmp_path / "ragbraid.yaml").write_text(FILE.format(model=folder))
    with Pipeline.load(tmp_path / "ragbraid.yaml") as pipeline, pytest.raises(InputError, match="by itself"):
        list(pipeline.upkeep().migrate())
