"""What every embedder must hold to. Subclass `EmbedderConformance` and say how to make yours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.embed.protocol import Embedder, Purpose
from ragbraid.errors import Cancelled

TEXTS = ("Water boils at 100 °C.", "水は百度で沸騰する。", "A 😀, a café", "{braces} %s {{ x }}", "a")


class EmbedderConformance:
    """Override `make`, and `tolerance` where batches change the last digits by more."""

    tolerance = 1e-5

    def make(self) -> Embedder:
        """The running embedder to be tested."""
        raise NotImplementedError

    @pytest.fixture
    def embedder(self) -> Iterator[Embedder]:
        """One embedder a test, closed at its end."""
        made = self.make()
        yield made
        close = getattr(made, "close", None)
        if close is not None:
            close()

    @pytest.mark.parametrize("purpose", ["passage", "query"])
    def test_gives_unit_float32_rows(self, embedder: Embedder, purpose: Purpose) -> None:
        """Shape, type and length of the vectors."""
        import numpy as np

        vectors = embedder.embed(TEXTS, purpose)
        assert vectors.shape == (len(TEXTS), embedder.dimensions)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-4)

    def test_takes_no_texts(self, embedder: Embedder) -> None:
        """An empty list gives an array of no rows."""
        assert embedder.embed([]).shape == (0, embedder.dimensions)

    def test_takes_an_empty_text(self, embedder: Embedder) -> None:
        """An empty text has a vector too, or an error of ours, never NaN."""
        import numpy as np

        assert np.isfinite(embedder.embed([""])).all()

    def test_a_text_has_the_same_vector_in_any_company(self, embedder: Embedder) -> None:
        """Neither the batch nor the order changes a vector."""
        import numpy as np

        together = embedder.embed(TEXTS)
        backwards = embedder.embed(TEXTS[::-1])[::-1]
        alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
        assert np.allclose(together, backwards, atol=self.tolerance)
        assert np.allclose(together, alone, atol=self.tolerance)

    def test_different_texts_differ(self, embedder: Embedder) -> None:
        """No two of the texts get one vector."""
        vectors = embedder.embed(TEXTS)
        similar = vectors @ vectors.T
        assert all(similar[a, b] < 0.9999 for a in range(len(TEXTS)) for b in range(a))

    def test_its_tokenizer_counts_as_it_says(self, embedder: Embedder) -> None:
        """The tokenizer neither cuts nor pads, and a text of `max_tokens` tokens is taken."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(embedder.tokenizer_json())
        long = " ".join(["a"] * (embedder.max_tokens + 5))
        assert len(tokenizer.encode(long, add_special_tokens=False).ids) > embedder.max_tokens
        assert len(tokenizer.encode("a", add_special_tokens=False).ids) < 5
        fits = " ".join(["a"] * embedder.max_tokens)
        if len(tokenizer.encode(fits, add_special_tokens=False).ids) <= embedder.max_tokens:
            assert embedder.embed([fits]).shape == (1, embedder.dimensions)

    def test_its_identity_holds(self, embedder: Embedder) -> None:
        """Two of one kind have one identity."""
        assert embedder.identity
        assert self.make().identity == embedder.identity

    def test_stops_when_cancelled(self, embedder: Embedder) -> None:
        """A cancelled run gets no vectors."""
        cancellation = Cancellation()
        cancellation.cancel()
        with pytest.raises(Cancelled):
            embedder.embed(TEXTS, context=Context(cancellation))
