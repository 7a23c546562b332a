"""Every command as the app has it, and a call of each that prints JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer.main
from commandline import ragbraid

from ragbraid.cli.main import app


@dataclass(frozen=True, slots=True)
class Command:
    """A command or a group of them: what is typed to reach it, and whether it has `--json`."""

    path: tuple[str, ...]
    group: bool
    json: bool

    @property
    def name(self) -> str:
        """What it is called in the names of goldens."""
        return "-".join(self.path) or "ragbraid"


def _walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[Command]:
    inner = getattr(command, "commands", {})
    yield Command(path, bool(inner), any("--json" in each.opts for each in command.params))
    for name, each in inner.items():
        yield from _walk(each, (*path, name))


COMMANDS = {each.name: each for each in _walk(typer.main.get_command(app))}

CALLS: dict[str, tuple[str, ...]] = {
    "ask": ("How long is parental leave?", "--why"),
    "search": ("parental leave", "-k", "1"),
    "trace": ("How long is parental leave?",),
    "replay": ("kept.json",),
    "chat": (),
    "eval": ("questions.jsonl",),
    "sweep": ("questions.jsonl", "--set", "ask.quote.max_sentences=1,2"),
    "questions": ("--feedback", "feedback.jsonl"),
    "study-experts": ("questions.jsonl", "--model", "none"),
    "study-pythia": ("questions.jsonl", "--model", "none", "--step", "0"),
    "parity": ("questions.jsonl", "--limit", "1"),
    "route-fit": ("-p", "router.yaml"),
    "route-test": ("routed.yaml", "-p", "router.yaml"),
    "route-explain": ("Where is my order?", "-p", "router.yaml"),
    "verify": ("answer.json",),
    "tune-answers": ("many.jsonl",),
    "tune-ranking": ("many.jsonl",),
    "status": (),
    "source-list": (),
    "source-show": ("docs/leave.md",),
    "source-remove": ("docs/leave.md", "--yes"),
    "source-purge": ("docs/desks.md", "--yes"),
    "index-check": (),
    "index-compact": (),
    "index-copy": ("ragbraid.yaml", "second.yaml"),
    "index-export": ("exported",),
    "index-import": ("given",),
    "index-migrate": ("--undo",),
    "index-drop": ("default", "--yes"),
    "index-repair": (),
    "index-stats": (),
    "index-snapshot": ("backup",),
    "ingest": ("docs", "more", "--quiet"),
    "check": ("-p", "wrong.yaml"),
    "show": (),
    "components": ("recursive-splitter",),
    "import": ("store.json",),
    "export": ("rag.yaml", "--to", "haystack"),
    "upgrade": (),
    "models-list": (),
    "models-get": ("--from", "stick"),
    "models-remove": ("qwen3-8b",),
    "models-convert": ("none", "--to", "none.gguf"),
    "models-quantize": ("none", "--ternary", "--to", "packed"),
    "models-bundle": ("smollm2-135m-instruct", "--to", "stick"),
    "new-component": ("recency",),
    "new-key": ("sales", "--flow", "ask", "--filter", '{"team": "sales"}'),
    "doctor": (),
    "completion": ("bash",),
    "init": ("--yes", "--force"),
}
"""What each command with `--json` is called with, in a folder that `prepare` made.

In this order they can be called one after the other, too.
"""

CODES = {
    "check": 2,
    "index-migrate": 2,
    "models-convert": 3,
    "models-quantize": 3,
    "study-experts": 3,
    "study-pythia": 2,
}
"""The exit codes that aren't 0."""

WITH_MODEL = ("models-bundle", "models-get")
"""Those that want the small generator; the second takes what the first made."""

ROUTER = """\
ragbraid: 1
components:
  intents: {type: semantic-router, cache: null, routes: {orders: [where is my order, track my parcel]}}
flows:
  named: [{type: intent, router: intents}]
"""

PIPELINE = """\
ragbraid: 1
components:
  index: {type: faiss}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 220}
  - index
search:
  - {type: lexical, index: index, candidates: 30}
ask:
  - search
  - {type: quote}
"""


def prepare(folder: Path) -> None:
    """Make a folder where every call works: a pipeline without models, an index, a recording.

    The calls about a model want that model besides.
    """
    folder.mkdir()
    (folder / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    (folder / "router.yaml").write_text(ROUTER, "utf-8")
    (folder / "routed.yaml").write_text("orders: [track my order]\notherwise: [volcanoes]\n", "utf-8")
    second = PIPELINE.replace("{type: faiss}", "{type: faiss, path: second}")
    (folder / "second.yaml").write_text(second, "utf-8")
    (folder / "wrong.yaml").write_text(PIPELINE.replace("lexical", "lexcal") + "serch: []\n", "utf-8")
    pages = {
        "docs/leave.md": "Parental leave is 14 months. Größe, 漢字, 🎈.\n",
        "docs/desks.md": "---\nlang: en\n---\nA desk is booked for a day.\n",
        "more/travel.md": "Trips are booked by the travel desk.\n",
        "questions.jsonl": '{"question": "How long is parental leave?", "answers": ["14 months"]}\n',
        "feedback.jsonl": '{"question": "How long is parental leave?", "verdict": "up", "short": "14"}\n',
        "store.json": '{"documents": [{"id": "barn", "content": "The barn is red.", "meta": {"page": 3}}]}\n',
        "more/broken.bin": "\0",
        "models/.qwen3-8b.part/weights": "1234",
    }
    for name, text in pages.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    for arguments in (
        ("ingest", "docs"),
        ("ask", "How long is parental leave?", "--record", "kept.json"),
        ("index", "export", "given"),
    ):
        done = ragbraid(*arguments, cwd=folder)
        assert done.returncode == 0, done
    asked = json.dumps({"question": "How long is parental leave?", "answers": ["14 months"]}) + "\n"
    (folder / "many.jsonl").write_text(asked * 20, "utf-8")
    answer = ragbraid("ask", "How long is parental leave?", "--json", cwd=folder)
    (folder / "answer.json").write_text(answer.stdout, "utf-8")
