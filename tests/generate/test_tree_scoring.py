from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
import torch

from ragbraid.generate.transformers import Transformers, TransformersRuntime
from ragbraid.generate.tree_scoring import TreeScorer
from ragbraid.types import ModelName
from soaking import count
from tiny_gguf import tiny_gguf


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersRuntime]:
    opened = Transformers(ModelName(str(tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf")))).open()
    yield opened
    opened.close()


def test_what_was_asked_before_changes_nothing(runtime: TransformersRuntime) -> None:
    """Prompts that share beginnings, one after the other, beside each by itself."""
    with runtime._weights.use() as model:
        pass
    draw = Random(3)
    scorer = TreeScorer(model)
    asked: list[list[int]] = [[5, 6, 7]]
    for _ in range(count(30, 400)):
        known = draw.choice(asked)
        prompt = known[: draw.randint(1, len(known))] + draw.choices(range(3, 200), k=draw.randint(0, 60))
        texts = [draw.choices(range(3, 9), k=draw.randint(1, 4)) for _ in range(draw.randint(1, 40))]
        asked.append(prompt[:300])
        found = scorer.score(asked[-1], texts, [2, 0])
        if draw.random() < 0.3:
            scorer.first(asked[-1][:2])
        one = draw.randrange(len(texts))
        whole = asked[-1] + texts[one]
        with torch.inference_mode():
            logs = torch.log_softmax(model.model(input_ids=torch.tensor([whole])).logits[0], -1).numpy()
        begin = len(asked[-1]) - 1
        expected = sum(logs[begin + at, token] for at, token in enumerate(texts[one]))
        assert found[one][0] == pytest.approx(expected, abs=1e-3)
        assert found[one][1] == pytest.approx(max(logs[-1, 2], logs[-1, 0]), abs=1e-3)
