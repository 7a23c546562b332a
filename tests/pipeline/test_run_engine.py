"""What is heavy is opened once for each configuration, at its first use, and closed after its last user."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest
import run_parts

from ragbraid import Pipeline
from ragbraid.pipeline.engine import Engine
from ragbraid.secret import Secret
from ragbraid.types import Answer, Hit

load = partial(run_parts.load, allow="test_run_engine")

SEEN: Counter[str] = Counter()


class Counts(Protocol):
    def count(self) -> int: ...


class OpenedMeter:
    def __init__(self, name: str) -> None:
        SEEN[f"open {name}"] += 1
        self.name, self.inside, self.most = name, 0, 0

    def count(self) -> int:
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.01)
        self.inside -= 1
        return self.most

    def warm_up(self) -> None:
        SEEN[f"warm {self.name}"] += 1

    def close(self) -> None:
        SEEN[f"close {self.name}"] += 1


@dataclass(frozen=True, slots=True)
class Meter:
    """Counts how many are inside at once."""

    name: str = "m"
    size: float = 1
    plain: int | float | bool | str | None = None
    key: Secret | None = None

    thread_safe: ClassVar[bool] = False

    def open(self) -> OpenedMeter:
        return OpenedMeter(self.name)


@dataclass(frozen=True, slots=True)
class Measure:
    """Reads the meter."""

    meter: Counts

    def __call__(self, question: str) -> list[Hit]:
        return [Hit(str(self.meter.count()), "s", 0, 1, "x")]


@pytest.fixture(autouse=True)
def fresh() -> None:
    SEEN.clear()


def pipeline(folder: Path, engine: Engine, **settings: Any) -> Pipeline:
    folder.mkdir(exist_ok=True)
    content = {
        "components": {"meter": {"type": "test_run_engine:Meter", **settings}},
        "search": [{"type": "test_run_engine:Measure", "meter": "meter"}],
        "ask": ["search", {"type": "run_parts:SayAtOnce"}],
    }
    return load(folder, content, engine)


def test_it_is_opened_at_first_use_and_closed_after_the_last_user(tmp_path: Path) -> None:
    engine = Engine()
    one, two = pipeline(tmp_path / "1", engine), pipeline(tmp_path / "2", engine)
    assert SEEN == {}
    one.search("x")
    two.search("x")
    two.ask("x")
    assert SEEN == {"open m": 1}
    one.close()
    assert SEEN["close m"] == 0
    two.close()
    assert SEEN == {"open m": 1, "close m": 1}
    assert len(engine) == 0


def test_opening_a_pipeline_warms_it_up(tmp_path: Path) -> None:
    with pipeline(tmp_path / "1", Engine()).open():
        assert SEEN["open m"] == 1
        assert SEEN["warm m"] >= 1


@pytest.mark.parametrize("other", [{"name": "n"}, {"size": 2}, {"key": "k"}])
def test_another_configuration_is_another_runtime(tmp_path: Path, other: dict[str, Any]) -> None:
    engine = Engine()
    with pipeline(tmp_path / "1", engine) as one, pipeline(tmp_path / "2", engine, **other) as two:
        one.search("x")
        two.search("x")
        assert sum(SEEN.values()) == 2


def test_one_as_number_fraction_and_truth_are_three_configurations(tmp_path: Path) -> None:
    engine = Engine()
    opened = [pipeline(tmp_path / f"{at}", engine, plain=each) for at, each in enumerate((1, 1.0, True, 1))]
    for each in opened:
        each.search("x")
    assert SEEN == {"open m": 3}
    for each in opened:
        each.close()


def test_eight_threads_at_once_open_it_once_and_take_turns(tmp_path: Path) -> None:
    found: list[str] = []
    with pipeline(tmp_path / "1", Engine()) as opened:
        crowd = [threading.Thread(target=lambda: found.append(opened.search("x")[0].id)) for _ in range(8)]
        for each in crowd:
            each.start()
        for each in crowd:
            each.join()
    assert found == ["1"] * 8
    assert SEEN["open m"] == 1


def test_a_secret_is_in_no_repr_trace_or_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ragbraid.pipeline.digest import digest
    from ragbraid.serial import to_json

    monkeypatch.setenv("METER_KEY", "s3cr3t")
    with pipeline(tmp_path / "1", Engine(), key="${METER_KEY}") as opened:
        answer = opened.ask("x")
        assert isinstance(answer, Answer)
        shown = f"{opened!r} {answer!r} {to_json(answer)} {Meter(key=Secret('s3cr3t'))!r}"
        assert "s3cr3t" not in shown
    assert digest([Meter(key=Secret("a"))], tmp_path) == digest([Meter(key=Secret("b"))], tmp_path)
