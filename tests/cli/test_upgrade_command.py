"""`ragbraid upgrade` touches a file only where there is something to do."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from commandline import ragbraid, says

TEXT = """\
# mine
search: # by words
  - {type: lexical, index: {type: faiss}}
"""


def test_the_current_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "ragbraid.yaml"
    file.write_text(f"ragbraid: 1\n{TEXT}", "utf-8")
    before = file.stat()
    done = ragbraid("upgrade", "ragbraid.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "ragbraid.yaml is of version 1, the current one.\n")
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_file_without_a_version_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "ragbraid.yaml"
    file.write_text(TEXT, "utf-8")
    done = ragbraid("upgrade", "--json", cwd=tmp_path)
    assert json.loads(done.stdout) == {
        "file": str(file), "before": None, "after": 1, "changed": True,
    }  # fmt: skip
    assert file.read_text("utf-8") == TEXT.replace("search:", "ragbraid: 1\nsearch:")
    assert ragbraid("check", cwd=tmp_path).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="links and permissions are POSIX's")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(TEXT, "utf-8")
    real.chmod(0o640)
    (tmp_path / "ragbraid.yaml").symlink_to(real)
    assert ragbraid("upgrade", cwd=tmp_path).returncode == 0
    assert (tmp_path / "ragbraid.yaml").is_symlink()
    assert real.read_text("utf-8").startswith("# mine\nragbraid: 1\n")
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["ragbraid.yaml", "real.yaml"]


def test_check_takes_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"ragbraid: 1\n{TEXT}", "utf-8")
    done = ragbraid("check", "mine.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "mine.yaml is right.\n")
    for command in ("check", "upgrade"):
        says(ragbraid(command, "mine.yaml", "-p", "mine.yaml", cwd=tmp_path), 2, "Two files are named")


def test_a_newer_file_and_no_file_are_refused(tmp_path: Path) -> None:
    says(ragbraid("upgrade", cwd=tmp_path), 2, "no ragbraid.yaml", "Name a file")
    (tmp_path / "ragbraid.yaml").write_text(f"ragbraid: 9\n{TEXT}", "utf-8")
    says(ragbraid("upgrade", cwd=tmp_path), 2, "version 9", "install a newer ragbraid")
