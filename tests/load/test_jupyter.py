from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reading import in_order, load, page_of

from ragbraid.errors import LoadError


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": list(outputs)}


def test_cells_in_order_with_what_they_printed(tmp_path: Path) -> None:
    picture = {"image/png": "iVBORw0KGgo" * 200_000, "text/plain": "<Figure size 640x480>"}
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "needle ![x](data:image/png;base64,AAAABBBB)"]},
        code("print('```')\n", {"output_type": "stream", "text": ["```\n", "loud\n"] * 9000}),
        code("plot()", {"output_type": "display_data", "data": picture}),
        code("", {"output_type": "error", "ename": "ValueError", "evalue": "\x1b[31mno", "traceback": ["…"]}),
        code("1", {"output_type": "execute_result", "data": {"text/plain": ["42"]}}),
    ]
    about = {"language_info": {"name": "julia"}}
    document = load(tmp_path, "a.ipynb", json.dumps({"cells": cells, "metadata": about}).encode())
    words = ("needle", "````julia\nprint", "more characters", "plot()", "ValueError", "42")
    assert in_order(document.text, *words)
    assert [page_of(document, each) for each in ("needle", "print", "loud", "plot", "42")] == [1, 2, 2, 3, 5]
    assert document.metadata["title"] == "Study"
    assert len(document.text) < 6000
    for hidden in ("iVBOR", "base64", "Figure", "\x1b"):
        assert hidden not in document.text


def test_older_notebooks(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": "Head"},
        {"cell_type": "code", "input": "x = 1", "outputs": [{"output_type": "pyout", "text": "seven"}]},
    ]
    document = load(tmp_path, "a.ipynb", json.dumps({"worksheets": [{"cells": cells}]}).encode())
    assert in_order(document.text, "## Head", "```python\nx = 1\n```", "seven")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 5}', '{"cells": [3, {}]}', "[" * 100_000])
def test_what_is_no_notebook_says_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(LoadError):
        load(tmp_path, "a.ipynb", text.encode())
