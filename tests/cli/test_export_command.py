"""`ragbraid export` writes a file that is new, and tells what it left out."""

from __future__ import annotations

import json
from pathlib import Path

from commandline import ragbraid, says

TEXT = """\
ragbraid: 1
search: [{type: lexical, index: {type: faiss}}]
ask: [search, {type: quote}]
chat: [ask]
"""


def test_what_is_left_out_is_told_beside_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(TEXT, "utf-8")
    done = ragbraid("export", "rag.yaml", "--to", "haystack", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "rag.yaml: lexical → quote\n")
    assert done.stderr == "Left out, since `ask` alone is exported: chat.\n"
    assert (tmp_path / "rag.yaml").read_text("utf-8").startswith("# The ragbraid pipeline ragbraid as")

    told = json.loads(ragbraid("export", "rag.py", "--to", "langchain", "--json", cwd=tmp_path).stdout)
    assert told["parts"] == [{"name": "lexical", "part": "words"}, {"name": "quote", "part": "answer"}]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(TEXT, "utf-8")
    done = ragbraid("export", "ragbraid.yaml", "--to", "haystack", cwd=tmp_path)
    says(done, 2, "exists already")
    assert (tmp_path / "ragbraid.yaml").read_text("utf-8") == TEXT
    says(ragbraid("export", "no/rag.yaml", "--to", "haystack", cwd=tmp_path), 2, "no folder")
    says(ragbraid("export", "rag.yaml", "--to", "autogen", cwd=tmp_path), 2, "autogen")
