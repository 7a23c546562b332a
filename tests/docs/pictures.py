"""Records commands on a real terminal, as the SVG pictures of docs/pictures.

Run it from the repository's root after `make demo`: .venv/bin/python tests/docs/pictures.py
"""

from __future__ import annotations

import io
import os
import pty
import re
import shlex
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 96
WRONG = """\
ragbraid: 1
components:
  embedder: {type: sentence-transfomer, model: all-minilm-l6-v2}
  index: {type: faiss, path: .ragbraid/index, embeder: embedder}
search:
  - {type: dense, index: indx, candidates: many}
"""
COMMANDS = {
    "ask": 'ragbraid ask "What makes a source count as unchanged?"',
    "check": "ragbraid check -p wrong.yaml",
}


def on_a_terminal(command: str) -> str:
    """All that the command shows, colours included."""
    seen = bytearray()

    def read(descriptor: int) -> bytes:
        piece = os.read(descriptor, 65536)
        seen.extend(piece)
        return b" "  # nothing of it is wanted on this terminal, and an empty piece would mean the end

    os.environ["COLUMNS"] = str(WIDTH)
    pty.spawn([sys.executable, "-m", *shlex.split(command)], read)
    return seen.decode()


def picture(command: str, shown: str) -> str:
    """The command and what it showed, as an SVG that refers to nothing outside itself."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ ", "dim") + Text(command, "bold"))
    console.print(Text.from_ansi(shown.replace("\r", "").rstrip()))
    svg = console.export_svg(title="ragbraid", unique_id="ragbraid")
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.S)


def main() -> None:
    """Make every picture anew."""
    folder = Path(__file__).parents[2] / "docs" / "pictures"
    folder.mkdir(exist_ok=True)
    wrong = Path("wrong.yaml")
    wrong.write_text(WRONG, "utf-8")
    try:
        for name, command in COMMANDS.items():
            svg = picture(command, on_a_terminal(command))
            (folder / f"{name}.svg").write_text(svg, "utf-8")
    finally:
        wrong.unlink()


if __name__ == "__main__":
    main()
