"""OpenVINO is imported in one place, which keeps it from telling anybody of that."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "ragbraid"
IMPORTING = """
import sys, time
asked = []
sys.addaudithook(lambda event, _: event in ("socket.getaddrinfo", "socket.connect") and asked.append(event))
from ragbraid.models.openvino import core, openvino_genai
core(), openvino_genai()
time.sleep(0.5)
print(asked, sys.modules["openvino_telemetry"])
"""


def test_nobody_is_told_of_an_import(tmp_path: Path) -> None:
    pytest.importorskip("openvino_genai")
    kept = {key: value for key, value in os.environ.items() if key not in ("CI", "OPENVINO_TELEMETRY")}
    env = {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(SOURCE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING], env=env, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout == "[] None\n"
    assert list(tmp_path.glob("intel*")) == []


def test_it_is_imported_nowhere_else() -> None:
    found = {path.name for path in SOURCE.rglob("*.py") for _ in imports(ast.parse(path.read_text("utf-8")))}
    assert found == set()


def imports(tree: ast.AST) -> Iterator[ast.stmt]:
    """Imports of OpenVINO, but for those of types, and of operations for a graph that it has made."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import) and any(each.name.startswith("openvino") for each in node.names):
            yield node
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("openvino"):
            if [each.name for each in node.names] != ["opset13"]:
                yield node
        else:
            yield from imports(node)
