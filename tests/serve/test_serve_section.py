"""The section `serve` of a pipeline's file."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from served import PIPELINE, write

from ragbraid import Pipeline
from ragbraid.cli.serve import command
from ragbraid.errors import InputError, PipelineFileError
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build

WRONG = """\
serve:
  prot: 8080
  port: 65536
  hosts: docs.example
  running: 0
  flows: [aks, talk]
"""


def test_each_mistake_is_told_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE + WRONG, "utf-8")
    with pytest.raises(PipelineFileError) as raised:
        Pipeline.load(tmp_path / "ragbraid.yaml")
    first = PIPELINE.count("\n") + 2
    found = {each.place.line - first: each.message for each in raised.value.diagnostics}
    assert "no setting 'prot'; did you mean 'port'?" in found[0]
    assert "at most 65535" in found[1]
    assert "wants list[str]" in found[2]
    assert "at least 1" in found[3]
    assert sorted(found) == [0, 1, 2, 3]


def test_a_flow_that_is_served_is_one_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE + "serve: {flows: [aks, talk]}\n", "utf-8")
    with pytest.raises(PipelineFileError, match="no flow 'aks'; did you mean 'ask'"):
        Pipeline.load(tmp_path / "ragbraid.yaml")


def test_only_the_flows_that_it_names_are_served(tmp_path: Path) -> None:
    file = write(tmp_path, PIPELINE + "serve: {flows: [ask], keys: keys.yaml}\n")
    pipeline = Pipeline.load(file, engine=Engine())
    assert pipeline.section("serve")["keys"] == tmp_path / "keys.yaml"
    with TestClient(build([pipeline], Settings()), base_url="http://localhost") as http:
        assert [each["id"] for each in http.get("/v1/models").json()["data"]] == ["ask"]
        assert http.post("/api/search", json={"question": "leave"}).status_code == 404
        assert http.post("/api/flows/talk", json={"inputs": {"messages": []}}).status_code == 404
        assert "/api/flows/talk" not in http.get("/openapi.json").json()["paths"]


def test_the_command_line_wins(hr: httpx.Client, tmp_path: Path) -> None:
    port = hr.base_url.port
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE + f"serve: {{host: 0.0.0.0, port: {port}}}\n", "utf-8")
    with pytest.raises(InputError, match=r"On 0\.0\.0\.0 others could ask"):
        command([tmp_path / "ragbraid.yaml"])
    with pytest.raises(InputError, match=rf"can't listen on 127\.0\.0\.1:{port}"):
        command([tmp_path / "ragbraid.yaml"], host="127.0.0.1")
