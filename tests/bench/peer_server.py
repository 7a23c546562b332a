"""Servers of others over the same texts, each started as its own documentation does."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRAPPER = """\
from hayhooks import BasePipelineWrapper
from haystack import Pipeline
from haystack_integrations.components.pipelines.ragbraid import RagbraidSearch

class PipelineWrapper(BasePipelineWrapper):
    def setup(self) -> None:
        self.pipeline = Pipeline()
        self.pipeline.add_component("search", RagbraidSearch({file!r}))
        self.pipeline.warm_up()

    def run_api(self, question: str) -> list[str]:
        found = self.pipeline.run({{"search": {{"query": question}}}})
        return [each.content for each in found["search"]["documents"]]
"""
TXTAI = "path: {index}\nembeddings: {{keyword: true, content: true}}\n"


@contextmanager
def hayhooks(python: Path, file: Path, folder: Path, port: int) -> Iterator[str]:
    """Hayhooks with the pipeline of that file, by ragbraid's connector; the path to post questions to."""
    made = folder / "pipelines" / "served"
    made.mkdir(parents=True)
    (made / "pipeline_wrapper.py").write_text(WRAPPER.format(file=str(file)), "utf-8")
    path = f"{ROOT / 'src'}{os.pathsep}{ROOT / 'connectors' / 'haystack' / 'src'}"
    command = [
        python.with_name("hayhooks"), "run", "--port", str(port), "--pipelines-dir", str(made.parent)
    ]  # fmt: skip
    with _running(command, folder, PYTHONPATH=path, HAYHOOKS_DISABLE_MCP="true"):
        yield "/served/run"


@contextmanager
def txtai(python: Path, texts: list[str], folder: Path, port: int) -> Iterator[str]:
    """txtai's API with its own index of words over these texts; the path to get."""
    index = folder / "txtai"
    made = (
        "import json, sys; from txtai import Embeddings\n"
        "found = Embeddings(keyword=True, content=True); found.index(json.load(sys.stdin))\n"
        f"found.save({str(index)!r})"
    )
    subprocess.run([python, "-c", made], input=json.dumps(texts), text=True, check=True)
    config = folder / "txtai.yaml"
    config.write_text(TXTAI.format(index=index), "utf-8")
    command = [python, "-m", "uvicorn", "txtai.api:app", "--port", str(port), "--no-access-log"]
    with _running(command, folder, CONFIG=str(config)):
        yield "/search"


@contextmanager
def _running(command: list[Path | str], folder: Path, **variables: str) -> Iterator[None]:
    env = {**os.environ, **variables}
    with (folder / "peer.log").open("w") as log:
        started = subprocess.Popen([str(each) for each in command], env=env, stdout=log, stderr=log)
    try:
        yield
    finally:
        started.terminate()
        started.wait(20)
