"""A README whose blocks are run."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)


def demand_true(readme: Path, folder: Path) -> None:
    """Write the files that it names into the folder, run its code, and compare what that prints."""
    names: dict[str, object] = {}
    said = ""
    for language, info, text in BLOCK.findall(readme.read_text("utf-8")):
        if title := re.search(r'title="([^"]+)"', info):
            (folder / title[1]).parent.mkdir(exist_ok=True)
            (folder / title[1]).write_text(text, "utf-8")
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, str(readme), "exec"), names)
            said = out.getvalue()
        elif language == "text":
            assert said == text
