"""The server that most of these tests ask; none of them changes what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from served import site, write


@pytest.fixture(scope="session")
def hr_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its pipeline's file."""
    return write(tmp_path_factory.mktemp("hr"))


@pytest.fixture(scope="session")
def hr(hr_file: Path) -> Iterator[httpx.Client]:
    """A client of it."""
    with site(hr_file) as made:
        yield made
