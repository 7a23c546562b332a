"""Intervals, the paired test and the gate: held to what they promise, by simulation."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ragbraid.errors import InputError
from ragbraid.evaluate.against import against
from ragbraid.evaluate.result import Evaluation
from ragbraid.evaluate.statistics import auroc, interval, rejected, worse
from soaking import count


def test_an_interval_holds_the_mean_as_often_as_it_says() -> None:
    draw = np.random.default_rng(5)
    runs = count(60, 400)
    held = 0
    for _ in range(runs):
        low, high = interval(list((draw.random(120) < 0.8).astype(float)))
        held += low <= 0.8 <= high
    assert 0.88 <= held / runs <= 1
    assert interval([1.0, 1.0, 1.0]) == (1.0, 1.0)
    assert interval([0.25]) == (0.25, 0.25)
    assert all(map(math.isnan, interval([])))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0])), max_size=10))
def test_the_paired_test_is_the_exact_permutation_test(pairs: list[tuple[float, float]]) -> None:
    before, now = [each for each, _ in pairs], [each for _, each in pairs]
    if len(pairs) < 2 or sum(now) >= sum(before):
        assert worse(before, now) == 1.0 or sum(now) < sum(before)
        return
    exact = stats.permutation_test(
        (now, before), lambda a, b: np.mean(a - b), permutation_type="samples",
        alternative="less", n_resamples=np.inf, vectorized=False,
    )  # fmt: skip
    assert worse(before, now) == pytest.approx(exact.pvalue)


def test_many_pairs_are_drawn() -> None:
    before = [1.0] * 60 + [0.0] * 40
    assert worse(before, [0.0] * 30 + [1.0] * 30 + [0.0] * 40) < 0.001
    assert worse(before, before[::-1]) == 1.0


def test_holm() -> None:
    assert rejected({"a": 0.001, "b": 0.02, "c": 0.5}, 0.05) == ["a", "b"]
    assert rejected({"a": 0.02, "b": 0.03, "c": 0.5}, 0.05) == []


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 5)))
def test_auroc_counts_pairs(high: list[int], low: list[int]) -> None:
    found = auroc([float(each) for each in high], [float(each) for each in low])
    if not high or not low:
        assert math.isnan(found)
        return
    won = sum((one > other) + (one == other) / 2 for one in high for other in low)
    assert found == pytest.approx(won / (len(high) * len(low)))


MEASURED = {"contains": 0.9, "f1": 0.5, "ndcg@10": 0.8, "refused": 0.7, "citation_precision": 0.85}


def noisy(seed: int, fallen: float = 0.0, questions: str = "same") -> Evaluation:
    """An evaluation of 300 questions, each measure right or wrong by chance."""
    draw = np.random.default_rng(seed)
    rows = [
        {
            "id": str(at),
            "scores": {
                name: float(draw.random() < chance - (fallen if name == "contains" else 0))
                for name, chance in MEASURED.items()
            },
        }
        for at in range(300)
    ]
    return Evaluation("p", "q.jsonl", questions, datetime(2026, 1, 1, tzinfo=UTC), {}, rows, {})


def test_the_gate_is_quiet_on_noise() -> None:
    alarms = sum(against(noisy(2 * run), noisy(2 * run + 1)).regressed for run in range(50))
    assert alarms <= 2  # 5%


def test_the_gate_tells_a_regression() -> None:
    told = [against(noisy(2 * run), noisy(2 * run + 1, fallen=0.15)) for run in range(50)]
    assert sum(each.regressed for each in told) >= 48
    (fallen,) = [each.measure for each in told[0].changes if each.regressed]
    assert fallen == "contains"
    before, now = noisy(0).scores("contains"), noisy(1, fallen=0.15).scores("contains")
    assert told[0].lost == [each for each in before if before[each] > now[each]]


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(InputError, match="of other questions"):
        against(noisy(1), noisy(2, questions="others"))
