"""The examples and the README's blocks run, with the real small models."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
from pathlib import Path

import pytest
from parts import project

PACKAGE = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)


def test_the_quickstart_answers_from_the_right_document(tmp_path: Path) -> None:
    response = runpy.run_path(str(PACKAGE / "examples" / "quickstart.py"))["main"](str(tmp_path))
    assert "Giorgio" in response.source_nodes[0].node.get_content()
    assert "Giorgio" in str(response)


@pytest.mark.filterwarnings("ignore:is_running called:DeprecationWarning")  # by LlamaIndex itself
async def test_the_agent_passes_on_a_cited_answer(tmp_path: Path) -> None:
    ask = runpy.run_path(str(PACKAGE / "examples" / "agent.py"))["ask"]
    told = await ask("How many days of holiday are there?", project(tmp_path))
    assert "27 days of paid holiday" in told
    assert "[1] docs/leave.md:5: “Every employee has 27 days" in told


def test_the_readme_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    said = ""
    for language, info, text in BLOCK.findall((PACKAGE / "README.md").read_text("utf-8")):
        if title := re.search(r'title="([^"]+)"', info):
            (tmp_path / title[1]).parent.mkdir(exist_ok=True)
            (tmp_path / title[1]).write_text(text, "utf-8")
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, "README.md", "exec"), names)
            said = out.getvalue()
        elif language == "text":
            assert said == text
