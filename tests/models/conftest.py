from __future__ import annotations

from pathlib import Path

import pytest
from tiny_model import NAME, tiny

from ragbraid.models import bundle, fetch, listing, locate, remove


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a catalogue of one small model."""
    model = tiny()
    monkeypatch.setenv("RAGBRAID_MODELS", str(tmp_path / "cache"))
    for module in (bundle, fetch, listing, locate, remove):
        monkeypatch.setattr(module, "catalogue", lambda: {NAME: model})
    return tmp_path / "cache"
