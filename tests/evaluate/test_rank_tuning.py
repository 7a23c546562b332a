"""Weights of a search's stages, fitted to questions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragbraid import Pipeline
from ragbraid.errors import InputError
from ragbraid.evaluate.questions import Question, QuestionSet
from ragbraid.evaluate.rank_tuning import tune_ranking
from ragbraid.rerank.learned import Learned
from ragbraid.types import Hit

# The second stage turns the order round: what it says is worth less than nothing.
FILE = """\
ragbraid: 1
components:
  index: {type: faiss, path: made/index}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 60}
  - index
search:
  - {type: lexical, index: index}
  - {id: turned, type: weighted, hits: [lexical], weights: [1]}
  - {id: against, type: boost, field: none}
"""


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "ragbraid.yaml").write_text(FILE, "utf-8")
    for number in range(25):
        noise = f"Item{number} again item{number} item{number}, and little else of the sort.\n"
        (folder / f"a{number}.txt").write_text(noise, "utf-8")
        (folder / f"b{number}.txt").write_text(
            f"The weight of item{number} is {number} kilograms.\n", "utf-8"
        )
    with Pipeline.load(folder / "ragbraid.yaml") as made:
        made.ingest(str(folder))
        yield made


def test_weights_that_tell_right_from_wrong_rank_better(pipeline: Pipeline) -> None:
    asked = tuple(Question(str(at), f"item{at}", sources={f"b{at}": 1}) for at in range(25))
    found = tune_ranking(pipeline, QuestionSet("q", asked))
    assert found.questions == 25
    assert found.after > found.before
    assert set(found.weights) <= {"lexical", "turned", "against", "weighted", "boost"}
    assert found.to_json()["mrr_after"] == found.after


def test_too_few_questions_say_so(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="20 are needed"):
        tune_ranking(pipeline, QuestionSet("q", (Question("1", "item1", answers=("1 kilograms",)),)))


def test_learned_ranks_by_the_weighted_stages() -> None:
    hits = [
        Hit("a", "a", 0, 1, "x", 1.0, {"dense": 0.9, "lexical": 1.0}),
        Hit("b", "b", 0, 1, "x", 0.5, {"dense": 0.1, "lexical": 9.0}),
        Hit("c", "c", 0, 1, "x", 0.2, {"dense": 0.5}),
    ]
    assert [each.id for each in Learned({"dense": 1.0})(hits, 3)] == ["a", "c", "b"]
    by_words = Learned({"lexical": 1.0})(hits, 3)
    assert [each.id for each in by_words] == ["b", "a", "c"]
    assert by_words[0].scores["learned"] == by_words[0].score
    assert Learned({"lexical": 1.0})([], 3) == []
    with pytest.raises(ValueError, match="finite"):
        Learned({"dense": float("nan")})
