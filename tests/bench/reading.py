"""Files a second read and cut into chunks, without embedding: ragbraid and its peers in one run.

Two folders: the handbook's pages, and 500 generated PDF, DOCX and HTML files. Each contender reads with its
own loaders for these formats and cuts with its own splitter to about the same size: ragbraid by the tokens of
MiniLM, the others by characters, tokens or words as they do, LangChain once more by MiniLM's tokens. ragbraid
reads as many files at a time as there are processors, as its ingest does, and once more one after the other,
as the others do. Imports, models and parser processes are there before the clock starts.
Run it as `python tests/bench/reading.py [--files N] [--rounds N]`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psutil
import report

report.quiet_peers()

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("RAGBRAID_DATA", ROOT / "data")) / "handbook"
PACKAGES = [
    "ragbraid", "xberg", "tokenizers", "langchain-community", "langchain-text-splitters", "llama-index-core",
    "llama-index-readers-file", "haystack-ai", "pypdf", "python-docx", "docx2txt", "beautifulsoup4",
    "trafilatura",
]  # fmt: skip
Read = Callable[[list[Path]], int]
"""Files in, chunks out: how many."""
WORDS = [
    "harbour",
    "ledger",
    "signal",
    "copper",
    "winter",
    "orchard",
    "bridge",
    "lantern",
    "quarry",
    "meadow",
]


def ours(workers: int) -> Iterator[Read]:
    """`files` and `recursive-splitter`, as an ingest calls them: so many files at a time, in order."""
    from ragbraid.embed.sentence_transformer import SentenceTransformer
    from ragbraid.ingest.ahead import Job, ahead
    from ragbraid.load.files import Files
    from ragbraid.load.parser import PARSER
    from ragbraid.split.recursive_splitter import RecursiveSplitter
    from ragbraid.types import SourceRef

    loader = Files()
    splitter = RecursiveSplitter(SentenceTransformer().open(), max_tokens=220).open()

    def jobs(folder: Path) -> Iterator[Job[int]]:
        for found in loader.scan([str(folder)], folder):
            if isinstance(found, SourceRef):
                yield Job(partial(chunks, found), found.size)

    def chunks(ref: SourceRef) -> int:
        return len(splitter([*loader.load(ref)]))

    def read(files: list[Path]) -> int:
        return sum(each.get() for each in ahead(jobs(files[0].parent), workers, PARSER.abandon))

    with PARSER.kept():
        yield read


def langchain(by_tokens: bool = False) -> Iterator[Read]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.document_loaders import (
            BSHTMLLoader,
            DirectoryLoader,
            Docx2txtLoader,
            PyPDFLoader,
            TextLoader,
        )
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    loaders: dict[str, Any] = {
        ".pdf": PyPDFLoader, ".docx": Docx2txtLoader, ".html": BSHTMLLoader, ".mdx": TextLoader,
    }  # fmt: skip
    measure: dict[str, Any] = {"chunk_size": 900}
    if by_tokens:
        from tokenizers import Tokenizer

        from ragbraid.embed.sentence_transformer import SentenceTransformer

        tokenizer = Tokenizer.from_str(SentenceTransformer().open().tokenizer_json())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        measure = {
            "chunk_size": 220,
            "length_function": lambda text: len(tokenizer.encode(text, add_special_tokens=False)),
        }
    splitter = RecursiveCharacterTextSplitter(**measure, chunk_overlap=0, add_start_index=True)

    def read(files: list[Path]) -> int:
        folder, chunks = files[0].parent, 0
        for suffix in sorted({each.suffix for each in files}):
            loader = DirectoryLoader(str(folder), glob=f"**/*{suffix}", loader_cls=loaders[suffix])
            chunks += len(splitter.split_documents(loader.load()))
        return chunks

    yield read


def llama_index() -> Iterator[Read]:
    from llama_index.core import SimpleDirectoryReader
    from llama_index.core.node_parser import SentenceSplitter

    splitter = SentenceSplitter(chunk_size=220, chunk_overlap=0)

    def read(files: list[Path]) -> int:
        documents = SimpleDirectoryReader(input_files=[str(each) for each in files]).load_data()
        return len(splitter.get_nodes_from_documents(documents))

    yield read


def haystack() -> Iterator[Read]:
    from haystack.components.converters import (
        DOCXToDocument,
        HTMLToDocument,
        PyPDFToDocument,
        TextFileToDocument,
    )
    from haystack.components.preprocessors import DocumentSplitter

    converters: dict[str, Any] = {
        ".pdf": PyPDFToDocument(), ".docx": DOCXToDocument(), ".html": HTMLToDocument(),
        ".mdx": TextFileToDocument(),
    }  # fmt: skip
    splitter = DocumentSplitter(split_by="word", split_length=150, split_overlap=0)
    splitter.warm_up()

    def read(files: list[Path]) -> int:
        chunks = 0
        for suffix in sorted({each.suffix for each in files}):
            documents = converters[suffix].run(sources=[each for each in files if each.suffix == suffix])
            chunks += len(splitter.run(documents=documents["documents"])["documents"])
        return chunks

    yield read


CONTENDERS: dict[str, Callable[[], Iterator[Read]]] = {
    "ragbraid": lambda: ours(os.cpu_count() or 1),
    "ragbraid, one file at a time": lambda: ours(1),
    "LangChain": langchain,
    "LangChain, by MiniLM's tokens": lambda: langchain(by_tokens=True),
    "LlamaIndex": llama_index,
    "Haystack": haystack,
}


def generated(folder: Path, count: int) -> list[Path]:
    """Files of about two pages each, a third of each format."""
    rng = random.Random(1)
    writers = (_pdf, _docx, _html)
    files = []
    for number in range(count):
        paragraphs = [
            " ".join(
                f"{rng.choice(WORDS)}{rng.randrange(40)}" for _ in range(rng.randrange(40, 90))
            ).capitalize()
            + "."
            for _ in range(12)
        ]
        files.append(writers[number % len(writers)](folder / f"{number:04}", paragraphs))
    return files


def _pdf(path: Path, paragraphs: list[str]) -> Path:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    path = path.with_suffix(".pdf")
    style = getSampleStyleSheet()["BodyText"]
    SimpleDocTemplate(str(path)).build([Paragraph(each, style) for each in paragraphs])
    return path


def _docx(path: Path, paragraphs: list[str]) -> Path:
    import docx

    path = path.with_suffix(".docx")
    document = docx.Document()
    document.add_heading(paragraphs[0][:40])
    for each in paragraphs:
        document.add_paragraph(each)
    document.save(str(path))
    return path


def _html(path: Path, paragraphs: list[str]) -> Path:
    path = path.with_suffix(".html")
    body = "".join(f"<p>{each}</p>" for each in paragraphs)
    path.write_text(
        f"<html><head><title>{path.stem}</title></head><body><h1>Page</h1>{body}</body></html>", "utf-8"
    )
    return path


def compare(name: str, files: list[Path], rounds: int) -> None:
    """Print what each contender takes for these files."""
    chunks: dict[str, int] = {}
    worked: dict[str, list[float]] = {each: [] for each in CONTENDERS}
    with _opened() as reads:

        def timed(contender: str, read: Read) -> float:
            began, before = perf_counter(), _processor_seconds()
            chunks[contender] = read(files)
            worked[contender].append(_processor_seconds() - before)
            return perf_counter() - began

        contenders = {each: (lambda each=each, read=read: timed(each, read)) for each, read in reads.items()}
        for run in contenders.values():
            run()  # once before it counts: imports and parser processes
        taken = report.rounds(contenders, rounds)
    peers = {each: median(seconds) for each, seconds in taken.items() if not each.startswith("ragbraid")}
    fastest = min(peers, key=lambda each: peers[each])
    report.table(
        [name, "median s", "least s", "least processor s", "files/s", "chunks", "× the fastest peer's speed"],
        [
            (
                each, f"{median(seconds):.2f}", f"{min(seconds):.2f}", f"{min(worked[each]):.2f}",
                f"{len(files) / median(seconds):.0f}", str(chunks[each]),
                f"{report.ratio(taken[fastest], seconds):.2f}",
            )
            for each, seconds in taken.items()
        ],
    )  # fmt: skip
    report.verdict(
        f"ragbraid, {name}", report.ratio(taken[fastest], taken["ragbraid"]), 5, " ×", at_least=True
    )


def _processor_seconds() -> float:
    """What this process and those that it started have taken of the processors: others' work isn't in it."""
    own = psutil.Process()
    taken = (each.cpu_times() for each in (own, *own.children(recursive=True)))
    return sum(each.user + each.system for each in taken)


@contextmanager
def _opened() -> Iterator[dict[str, Read]]:
    makers = {name: make() for name, make in CONTENDERS.items()}
    try:
        yield {name: next(each) for name, each in makers.items()}
    finally:
        for each in makers.values():
            next(each, None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report.header("Reading: load and split, no embedding", PACKAGES)
    with tempfile.TemporaryDirectory() as place:
        if DATA.is_dir():
            pages = Path(place) / "handbook"
            pages.mkdir()
            for number, each in enumerate(sorted(DATA.rglob("*.mdx"))):
                shutil.copy(each, pages / f"{number:03}.mdx")
            compare("handbook", sorted(pages.iterdir()), options.rounds)
        mixed = Path(place) / "mixed"
        mixed.mkdir()
        files = generated(mixed, options.files)
        compare("PDF, DOCX, HTML", files, options.rounds)
        for suffix in (".pdf", ".docx", ".html"):
            alone = mixed / suffix[1:]
            alone.mkdir()
            some = [Path(shutil.copy(each, alone)) for each in files if each.suffix == suffix]
            compare(suffix[1:].upper(), some, options.rounds)


if __name__ == "__main__":
    main()
