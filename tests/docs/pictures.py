"""Records commands on a real terminal, as SVG pictures of 80 and of 120 columns.

Those of 80 columns are shown by pages of docs/ and lie in docs/pictures; those of 120 lie beside this file,
for whoever changes what a command prints. Run it from the repository's root, with the two small models
fetched: .venv/bin/python tests/docs/pictures.py, or with the names of some; ask wants ingest before it.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests" / "cli")]  # as pytest's pythonpath

from screen import Lines, picture, screen  # noqa: E402
from terminal import Terminal  # noqa: E402

from ragbraid.models.cache import cache_folder  # noqa: E402

FOLDERS = {80: ROOT / "docs" / "pictures", 120: ROOT / "tests" / "docs" / "wide"}
MODELS = ("all-minilm-l6-v2", "smollm2-135m-instruct")
WRONG = """\
ragbraid: 1
components:
  embedder: {type: sentence-transfomer, model: all-minilm-l6-v2}
  index: {type: faiss, path: .ragbraid/index, embeder: embedder}
search:
  - {type: dense, index: indx, candidates: many}
"""


_REDRAW = "\r\x1b[2K"
"""What a bar writes before it draws itself anew."""


@dataclass(frozen=True)
class Scene:
    """A command, and a pattern of what its screen shows when it is taken; without one, its end is."""

    command: str
    moment: str = ""


SCENES = {
    "help": Scene("ragbraid --help"),
    "check": Scene("ragbraid check -p wrong.yaml"),
    "doctor": Scene("ragbraid doctor --set components.generator.model=qwen3-8b"),
    "ingest": Scene("ragbraid ingest docs", r" ([5-9]|[12]\d)/\d"),
    "ask": Scene('ragbraid ask "Can a pipeline file run code by itself?"'),
}


class Stage:
    """A person's home: two models, and a folder with this project's pages, a wrong pipeline and a venv."""

    def __init__(self, home: Path) -> None:
        self._notes = home / "notes"
        self._models = home / ".cache" / "ragbraid" / "models"
        self._home = home
        shutil.copytree(ROOT / "docs", self._notes / "docs", ignore=shutil.ignore_patterns("pictures"))
        (self._notes / "wrong.yaml").write_text(WRONG, "utf-8")
        (self._notes / ".venv").symlink_to(sys.prefix)
        self._models.mkdir(parents=True)
        for each in (file for name in MODELS for file in cache_folder().glob(f"{name}*")):
            (self._models / each.name).symlink_to(each)

    def show(self, scene: Scene, columns: int, **env: str) -> Lines:
        """What the scene's command shows on a terminal of this width."""
        variables = {"HOME": str(self._home), "RAGBRAID_MODELS": str(self._models), "TERM": "xterm-256color"}
        terminal = Terminal(
            "-m", *shlex.split(scene.command), cwd=self._notes, columns=columns,
            python=str(self._notes / ".venv" / "bin" / "python"), env={**variables, **env},
        )  # fmt: skip
        terminal.read_until(lambda _: False, 600)
        terminal.end()
        if not scene.moment:
            return screen(terminal.seen, columns)
        shown = re.search(f".*?{scene.moment}.*?(?={re.escape(_REDRAW)})", terminal.seen, re.S)
        assert shown, f"{scene.command} never shows {scene.moment}"
        return screen(shown[0], columns)


def main() -> None:
    """Make the pictures anew that are named, or every one."""
    names = sys.argv[1:] or list(SCENES)
    for columns, folder in FOLDERS.items():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory() as home:
            stage = Stage(Path(home))
            for name in names:
                scene = SCENES[name]
                shown = picture(scene.command, stage.show(scene, columns), columns)
                (folder / f"{name}.svg").write_text(shown, "utf-8")


if __name__ == "__main__":
    main()
