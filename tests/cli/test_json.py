"""What every command prints with `--json`, word for word but for what differs from run to run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import golden_files
import pytest
from commandline import environment, ragbraid
from every_command import CALLS, CODES, COMMANDS, WITH_MODEL, prepare

from ragbraid.models.catalogue import catalogue

WITH_JSON = [each.name for each in COMMANDS.values() if each.json]
ELSEWHERE = {"mcp", "schema", "serve", "watch"}
"""One is tested as what it is, a schema; the others go on until they are stopped."""

VOLATILE = {
    "seconds", "start_ms", "ms", "bytes", "free_bytes", "system", "gpus", "core", "extras", "by", "script",
    "api_key", "beyond_ms", "embed_ms", "decide_ms", "seconds_p50", "seconds_p95", "bytes_before", "saved",
}  # fmt: skip
"""Keys whose values belong to the machine or the moment; what stands for them tells their type."""
MODELS_HERE = {"state", "path"}
"""Keys that tell whether a model is here, where there is also a `hub` that it comes from."""
HEX = re.compile(r"\b([0-9a-f]{8}(-[0-9a-f]{4}){3}-)?[0-9a-f]{12,64}\b")


def steady(value: Any, folder: Path) -> Any:
    """A JSON value with what differs from run to run replaced."""
    match value:
        case {"$date": str()}:
            return {"$date": "<time>"}
        case dict():
            here = MODELS_HERE if "hub" in value else set()
            told = {key: f"<{type(each).__name__}>" for key, each in value.items() if key in VOLATILE}
            told |= dict.fromkeys(here, "<as it is here>")
            return {key: told.get(key) or steady(each, folder) for key, each in value.items()}
        case list():
            return [steady(each, folder) for each in value]
        case str():
            return HEX.sub("<hash>", value.replace(str(folder), "<folder>"))
        case float():
            return round(value, 4)
        case _:
            return value


def run(name: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = environment(RAGBRAID_MODELS=str(folder / "models"), HF_HUB_OFFLINE="1")
    return ragbraid(*COMMANDS[name].path, *arguments, "--json", cwd=folder, env=env)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is only read."""
    folder = tmp_path_factory.mktemp("json") / "Größe 漢"
    prepare(folder)
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the prepared folder, to be changed."""
    return shutil.copytree(prepared, tmp_path / "folder")


def test_every_command_that_gives_a_result_has_json() -> None:
    assert {each.name for each in COMMANDS.values() if not each.group and not each.json} == set()
    assert set(CALLS) | ELSEWHERE == set(WITH_JSON), "each has a call in every_command.py, and a golden"


@pytest.mark.parametrize("name", [each for each in CALLS if each not in WITH_MODEL and each != "chat"])
def test_json(name: str, folder: Path) -> None:
    demand_golden(name, folder)


@pytest.mark.model
def test_json_of_a_bundle_and_of_what_is_taken_from_it(folder: Path) -> None:
    for name in WITH_MODEL:
        demand_golden(name, folder)
    (taken,) = (folder / "models").glob("smollm2-135m-instruct/*.gguf")
    assert taken.stat().st_size == catalogue()["smollm2-135m-instruct"].size


def demand_golden(name: str, folder: Path) -> None:
    done = run(name, folder, *CALLS[name])
    assert done.returncode == CODES.get(name, 0), done
    assert "Traceback" not in done.stderr
    told = steady(json.loads(done.stdout), folder)
    golden_files.same(f"json-{name}.json", json.dumps(told, ensure_ascii=False, indent=2) + "\n")


def test_json_of_a_chat_is_one_value_a_line(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ragbraid", "chat", "--json"],
        cwd=folder, env=environment(), input="How long is parental leave?\nWho books trips?\n",
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    told = [steady(json.loads(line), folder) for line in done.stdout.splitlines()]
    golden_files.same("json-chat.json", json.dumps(told, ensure_ascii=False, indent=2) + "\n")


@pytest.mark.parametrize("name", WITH_JSON)
def test_a_wrong_option_is_json_too(name: str, prepared: Path) -> None:
    done = run(name, prepared, "--wrong")
    told = json.loads(done.stdout)
    assert (done.returncode, told["error"]) == (2, "InputError")
    assert "--wrong" in told["message"]
    assert told["message"] in done.stderr


def test_a_failure_is_one_json_value_beside_its_sentence(prepared: Path) -> None:
    done = run("search", prepared, "x", "-p", "none.yaml")
    assert done.returncode == 2
    assert done.stderr == "There is no pipeline file none.yaml. Name another with -p, or leave -p out.\n"
    assert json.loads(done.stdout) == {
        "error": "InputError",
        "message": "There is no pipeline file none.yaml.",
        "hint": "Name another with -p, or leave -p out.",
    }


def test_a_wrong_pipeline_file_is_told_problem_by_problem(prepared: Path) -> None:
    checked = json.loads(run("check", prepared, "-p", "wrong.yaml").stdout)
    for name in ("search", "ask"):
        done = run(name, prepared, "x", "-p", "wrong.yaml")
        told = json.loads(done.stdout)
        assert (done.returncode, told["error"]) == (2, "PipelineFileError")
        assert told["problems"] == checked["problems"]
        assert len(told["problems"]) == len(done.stderr.splitlines()) == 2
