"""What starting costs: fresh processes, each beside a bare Python. `python tests/bench/start.py`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import report

report.quiet_peers()
LOCAL = Path(__file__).parents[2] / "pipelines" / "local.yaml"
BARE = "python -c pass"
OURS = {
    "import ragbraid": ["-c", "import ragbraid"],
    "ragbraid check": ["-m", "ragbraid", "check", "-p", str(LOCAL)],
    "ragbraid: a pipeline loaded": ["-c", f"import ragbraid; ragbraid.Pipeline.load({str(LOCAL)!r})"],
}
LANGCHAIN = """
import warnings; warnings.simplefilter("ignore")
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import PromptTemplate
from langchain_core.runnables import RunnablePassthrough
from langchain_core.documents import Document
"""
PEERS = {
    "LangChain: core": ["-c", LANGCHAIN],
    "LangChain: core, FAISS store, splitters, MiniLM's wrapper": [
        "-c",
        LANGCHAIN
        + "from langchain_community.vectorstores import FAISS\n"
        + "from langchain_huggingface import HuggingFaceEmbeddings\n"
        + "from langchain_text_splitters import RecursiveCharacterTextSplitter",
    ],
    "LlamaIndex: core": [
        "-c",
        "from llama_index.core import VectorStoreIndex, SimpleDirectoryReader\n"
        "from llama_index.core.query_engine import RetrieverQueryEngine",
    ],
    "Haystack: core, in-memory store": [
        "-c",
        "from haystack import Pipeline, Document\n"
        "from haystack.components.builders import PromptBuilder\n"
        "from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever\n"
        "from haystack.document_stores.in_memory import InMemoryDocumentStore",
    ],
}
PACKAGES = ["ragbraid", "langchain-core", "langchain-community", "llama-index-core", "haystack-ai"]


def process(arguments: list[str]) -> Callable[[], float]:
    """Seconds from start to end of a fresh process."""

    def measure() -> float:
        start = perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, env=os.environ)
        return perf_counter() - start

    measure()
    return measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--peer-rounds", type=int, default=5)
    given = parser.parse_args()
    report.header("Start", PACKAGES)
    over: dict[str, float] = {}
    rows = []
    for group, count in ((OURS, given.rounds), (PEERS, given.peer_rounds)):
        starts = {BARE: process(["-c", "pass"])} | {name: process(each) for name, each in group.items()}
        taken = report.rounds(starts, count)
        for name, each in taken.items() if not rows else list(taken.items())[1:]:
            over[name] = median(mine - bare for mine, bare in zip(each, taken[BARE], strict=True))
            rows.append([name, f"{median(each):.3f}", f"{min(each):.3f}", f"{over[name]:.3f}"])
    report.table(["fresh process", "median s", "least s", "s over bare Python"], rows)
    report.verdict("import ragbraid over bare Python", over["import ragbraid"], 0.1, " s")
    report.verdict("ragbraid check over bare Python", over["ragbraid check"], 0.3, " s")


if __name__ == "__main__":
    main()
