from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.context import Cancellation, Context
from ragbraid.errors import Cancelled, ModelError, ModelMissing
from ragbraid.rerank.cross_encoder import CrossEncoder, CrossEncoderRuntime
from ragbraid.types import Hit, ModelName
from tiny_models import make_cross_encoder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "ce")


def opened(folder: Path, candidates: int = 50) -> CrossEncoderRuntime:
    return CrossEncoder(model=ModelName(str(folder)), candidates=candidates).open()


def hits(*texts: str) -> list[Hit]:
    before = {"dense": 1.0}
    return [Hit(str(at), "s", 0, len(text), text, 1.0, before) for at, text in enumerate(texts)]


def test_orders_by_its_own_score_and_keeps_the_others(folder: Path) -> None:
    found = hits(*"abcdefgh", "a b c", "x y z")
    ranked = opened(folder)("q", found, 3, Context())
    scores = [hit.scores["cross-encoder"] for hit in ranked]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(found)
    assert {hit.id for hit in ranked} == {hit.id for hit in found}
    assert all(hit.score == hit.scores["cross-encoder"] and hit.scores["dense"] == 1.0 for hit in ranked)
    assert [hit.id for hit in opened(folder)("q", found[::-1], 3, Context())] == [hit.id for hit in ranked]


def test_equal_scores_keep_their_order(folder: Path) -> None:
    ranked = opened(folder)("q", hits(*["same"] * 20), 20, Context())
    assert [hit.id for hit in ranked] == [str(at) for at in range(20)]


def test_only_candidates_are_scored_but_never_fewer_than_k(folder: Path) -> None:
    found = hits(*"abcdefghij")
    assert {hit.id for hit in opened(folder, 3)("q", found, 2, Context())} == {"0", "1", "2"}
    assert len(opened(folder, 3)("q", found, 7, Context())) == 7
    assert opened(folder)("q", [], 7, Context()) == []


def test_a_passage_over_the_limit_is_scored(folder: Path) -> None:
    assert len(opened(folder)("q", hits("a " * 500), 1, Context())) == 1


def test_stops_when_cancelled(folder: Path) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        opened(folder)("q", hits("a"), 1, Context(cancellation))


def test_a_classifier_of_several_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives 3 scores a pair"):
        opened(make_cross_encoder(tmp_path / "m", labels=3))("q", hits("a"), 1, Context())


def test_a_folder_that_is_no_model_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be loaded"):
        opened(tmp_path)("q", hits("a"), 1, Context())
    with pytest.raises(ModelMissing):
        CrossEncoder(model=ModelName("no-such-model")).open()("q", hits("a"), 1, Context())
