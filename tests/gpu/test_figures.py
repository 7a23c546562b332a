"""The script that measures runs, also where there is no GPU."""

from __future__ import annotations

import sys

import figures
import pytest


def test_it_measures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["figures.py", "--count", "2000", "--device", "cpu"])
    monkeypatch.setattr(figures, "MANY", 20)
    figures.main()
    shown = capsys.readouterr().out
    assert "× all cores at 20 questions" in shown
    assert "TFLOP/s" in shown
