"""Leaving out an utterance, or a whole route, gives what fitting anew without it gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragbraid.route.calibrate import calibrate
from ragbraid.route.evidence import NOWHERE, Evidence
from ragbraid.types import Vectors


def unit(rows: int, seed: int) -> Vectors:
    made = np.random.default_rng(seed).normal(size=(rows, 12)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(-1, 3), min_size=5, max_size=24))
def test_leaving_out_is_fitting_without(seed: int, labels: list[int]) -> None:
    labels = [0, 1, 2, 3, *labels]
    vectors = unit(len(labels), seed)
    evidence = Evidence(vectors, labels, 4)
    alone = evidence.without_itself()
    left_out = evidence.without_its_route(alone)
    for row, label in enumerate(labels):
        others = [each for each in range(len(labels)) if each != row]
        anew = Evidence(vectors[others], [labels[each] for each in others], 4).scores(vectors[[row]])[0]
        if label >= 0 and labels.count(label) == 1:
            assert alone[row, label] == NOWHERE
            anew[label] = NOWHERE
        assert alone[row] == pytest.approx(anew, abs=1e-4)
        if label >= 0:
            rest = [each for each in range(len(labels)) if labels[each] != label]
            anew = Evidence(vectors[rest], [labels[each] for each in rest], 4).scores(vectors[[row]])[0]
            anew[label] = NOWHERE
            assert left_out[row] == pytest.approx(anew, abs=1e-4)


@pytest.mark.parametrize("labels", [[0], [0, 0], [0, 1], [0, 0, 0, 0], [0, -1], [0, 0, 0, -1, -1]])
def test_few_utterances_have_thresholds_too(labels: list[int]) -> None:
    found = calibrate(Evidence(unit(len(labels), 1), labels, max(labels) + 1), max(labels) + 1)
    assert all(np.isfinite(each) and -1 < each < 2 for each in found.thresholds)
    assert 0 <= found.chance(-1) <= found.chance(0) <= found.chance(1) <= 1


def test_separate_routes_are_told_apart_and_the_unknown_refused() -> None:
    centres = unit(4, 3)
    rng = np.random.default_rng(5)
    rows = np.repeat(centres[:3], 12, axis=0) + rng.normal(size=(36, 12)).astype(np.float32) * 0.08
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    found = calibrate(Evidence(rows, np.repeat(np.arange(3), 12).tolist(), 3), 3)
    assert found.recognised == 1.0
    assert found.accepted > 0.9
    assert found.refused == 1.0
