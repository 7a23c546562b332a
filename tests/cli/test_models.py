"""`ragbraid models` with the catalogue as it is, and no network."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commandline import environment, ragbraid, says

from ragbraid.models.catalogue import catalogue

GOLDEN = Path(__file__).parent / "golden" / "models-list.txt"
HASH = re.compile("[0-9a-f]{64}")


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return environment(RAGBRAID_MODELS=str(tmp_path / "cache"), HF_HUB_OFFLINE="1")


def test_list_fits_the_terminal_and_marks_what_is_here(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache" / ".qwen3-8b.part").mkdir(parents=True)
    (tmp_path / "cache" / "qwen3-14b").mkdir()
    done = ragbraid("models", "list", env=env)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    marks = {line[2:].split()[0]: line[0] for line in lines if line[:2] in ("* ", "  ", "+ ", "! ")}
    assert set(catalogue()) <= set(marks)
    assert (marks["qwen3-8b"], marks["qwen3-14b"], marks["gpt-oss-20b"]) == ("+", "!", " ")
    # Whether a package carries the two small ones depends on the machine.
    shown = re.sub("^[*+!] ", "  ", done.stdout, flags=re.M)
    assert shown == re.sub("^[*+!] ", "  ", GOLDEN.read_text("utf-8"), flags=re.M)


def test_list_as_json(env: dict[str, str]) -> None:
    done = ragbraid("models", "list", "--json", env=env)
    entries = {each["name"]: each for each in json.loads(done.stdout)}
    assert list(entries) == list(catalogue())
    keys = {"name", "kind", "state", "path", "licence", "size", "memory_gb", "languages", "hub", "revision"}
    assert all(set(each) == keys | {"checksums", "files"} for each in entries.values())
    for each in entries.values():
        assert each["state"] in ("installed", "absent")
        assert (each["path"] is None) == (each["state"] == "absent")
        hashes = [file["sha256"] for file in each["files"].values()]
        assert bool(hashes) == (each["checksums"] == "catalogue")
        assert all(HASH.fullmatch(found) for found in hashes)


def test_wrong_names(env: dict[str, str], tmp_path: Path) -> None:
    says(ragbraid("models", "get", env=env), 2, "No model is named.")
    says(ragbraid("models", "get", "smollm2", env=env), 2, "Did you mean 'smollm2-135m-instruct'?")
    says(ragbraid("models", "remove", "qwen3-8", env=env), 2, "Did you mean 'qwen3-8b'?")
    says(ragbraid("models", "remove", "qwen3-8b", env=env), 2, "qwen3-8b isn't in the cache")
    offline = "o/x can't be fetched from the hub: HF_HUB_OFFLINE is set. Unset it"
    says(ragbraid("models", "get", "o/x", env=env), 3, offline)
    to = ("--to", str(tmp_path / "stick"))
    says(ragbraid("models", "bundle", "qwen3-8b", "o/x", *to, env=env), 2, "o/x isn't in the catalogue")
    says(ragbraid("models", "bundle", "qwen3-8b", *to, env=env), 3, "HF_HUB_OFFLINE is set")
    assert not (tmp_path / "stick").exists()
    says(ragbraid("models", "lsit", env=env), 2, "Did you mean 'list'?")
