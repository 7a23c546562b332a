"""The reference says what docstrings and signatures say now."""

from __future__ import annotations

import pytest
from reference import FOLDER, PAGES

import ragbraid
from ragbraid import registry


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_would_be_made(name: str) -> None:
    made = "run `.venv/bin/python tests/docs/reference.py` and read the diff"
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), made


def test_whatever_is_public_is_in_it() -> None:
    components, python = (PAGES[name]() for name in ("components.md", "python.md"))
    ours = [name for name in registry.BUILTIN if not name.startswith("testing/")]
    assert [name for name in ours if f"### {name}\n" not in components] == []
    assert [
        name for name in ragbraid.__all__ if f"## {name}\n" not in python and f"`{name}`" not in python
    ] == []
    assert "\n\n\n" not in components + python, "something public has no docstring"
