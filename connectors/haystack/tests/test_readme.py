"""The blocks of the README, and of the page on moving, run and print what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from readme import demand_true

PACKAGE = Path(__file__).parents[1]
PAGES = [PACKAGE / "README.md", PACKAGE.parents[1] / "docs" / "how-to" / "from-haystack.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_page_is_true(page: Path, tmp_path: Path) -> None:
    demand_true(page, tmp_path)
