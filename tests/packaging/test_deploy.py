"""The files to deploy with, as far as they can be checked where no container engine is at hand."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import typer.main
import yaml

from ragbraid.cli.main import app as commands
from ragbraid.pipeline.check import check
from ragbraid.pipeline.find import PipelineSource

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"


def options() -> set[str]:
    serve: Any = typer.main.get_command(commands).commands["serve"]  # type: ignore[attr-defined]
    return {name for each in serve.params for name in each.opts}


def demand_known(words: list[str]) -> None:
    """Each option of a command line is one of `ragbraid serve`."""
    assert words[0] == "serve"
    assert {each for each in words if each.startswith("-")} <= options()


def test_the_image_copies_what_is_there_and_runs_without_rights() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    let_in = {each[1:] for each in (DEPLOY / "Dockerfile.dockerignore").read_text().split() if each[0] == "!"}
    copied = [each.split()[:-1] for each in re.findall(r"^COPY (?!--from)(.*)$", text, re.M)]
    named = {name for each in copied for name in each}
    assert named == let_in
    assert all((ROOT / each).exists() for each in named)
    assert re.findall(r"^USER (.*)$", text, re.M)[-1] == "10001"
    assert "STOPSIGNAL SIGTERM" in text
    assert "HF_HUB_OFFLINE=1" in text
    command = re.search(r"^CMD (\[\"serve.*)$", text, re.M)
    assert command is not None
    demand_known(yaml.safe_load(command[1]))


def test_compose_takes_rights_away_and_waits_for_the_server() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["ragbraid"]
    demand_known(service["command"])
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert all(each.startswith("127.0.0.1:") for each in service["ports"])
    assert int(service["stop_grace_period"].rstrip("s")) > 15


def test_the_manifests_fit_together_and_probe_what_is_answered() -> None:
    objects = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "ragbraid.yaml").read_text("utf-8")))
    kinds = {each["kind"]: each for each in objects}
    assert set(kinds) == {"ConfigMap", "PersistentVolumeClaim", "Deployment", "Service"}
    text = kinds["ConfigMap"]["data"]["ragbraid.yaml"]
    assert check(PipelineSource(text, "ragbraid.yaml", Path("/data"))).diagnostics == ()
    deployment = kinds["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    (container,) = pod["containers"]
    assert deployment["replicas"] == 1, "an index has one writer"
    assert deployment["selector"]["matchLabels"] == kinds["Service"]["spec"]["selector"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["terminationGracePeriodSeconds"] > 15
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}
    probes = {
        each: container[f"{each}Probe"]["httpGet"]["path"] for each in ("startup", "readiness", "liveness")
    }
    assert probes == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] == 60
    _, _, line = container["args"][0].partition("exec ragbraid ")
    demand_known(shlex.split(line))
