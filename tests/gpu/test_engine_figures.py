"""The script that measures engines runs, also where there is no GPU."""

from __future__ import annotations

import sys

import engine_figures
import pytest


def test_it_measures(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        sys, "argv", ["engine_figures.py", "--shape", "tiny", "--encoder", "tiny", "--device", "cpu"]
    )
    for name, small in (("PROMPT", 40), ("TOKENS", 3), ("ASKERS", 2)):
        monkeypatch.setattr(engine_figures, name, small)
    engine_figures.main()
    shown = capsys.readouterr().out
    assert "tokens/s alone" in shown
    assert "its own generate, 2 at once" in shown
    assert "% of the" in shown
