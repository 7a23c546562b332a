"""A small framework that calls itself LangChain, and a connector to it, on a path of their own.

What belongs to the core is tested with it: the connectors' own tests use the real frameworks.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

FRAMEWORK = """
class Retriever:
    passages = {"a": "The office opens at nine.", "b": "The rent is due on Friday."}

    def find(self, question):
        return list(self.passages)


class Scored(Retriever):
    def find(self, question):
        raise RuntimeError("the store is down")


class Embedder:
    def __init__(self, model="small"):
        self.model = model
        self.api_key = "secret"

    def embed(self, text):
        return [float(len(text)), 1.0, 2.0]


class Splitter:
    def split(self, text):
        return text.split("\\n\\n")


class Shouting(Splitter):
    def split(self, text):
        return [text.upper()]


class Loader:
    def load(self):
        return [("notes", "One.\\n\\nTwo, which is longer.", {"year": 2024}), ("notes", "Three.", {}),
                ("odd", "Four.", {1: "x", "1": "y"})]


class Reranker:
    def order(self, question, texts):
        return sorted(range(len(texts)), key=lambda at: len(texts[at]))


class Model:
    def say(self, prompt):
        yield from ["Nine ", "o'clock", ".", " stop", " more"]


class Memory:
    pass
"""
CONNECTOR = """
from langchain_core import parts
from ragbraid.bridge.protocol import Piece
from ragbraid.bridge.values import document_of, hit_of
from ragbraid.generate.protocol import Completion


class Part:
    filters = False

    def __init__(self, made):
        self.made = made

    def retrieve(self, question, k, filter):
        return [hit_of(self.made.passages[each], {}, each) for each in self.made.find(question)]

    def embed_passages(self, texts):
        return [self.made.embed(each) for each in texts]

    def embed_query(self, text):
        return self.made.embed(text)

    def split(self, document):
        return [Piece(each) for each in self.made.split(document.text)]

    def load(self):
        for source, text, metadata in self.made.load():
            yield document_of(text, {**metadata, "source": source})

    def rerank(self, question, hits, k):
        order = self.made.order(question, [each.text for each in hits])
        return [(hits[at].id, None) for at in order] + [("made up", 1)]

    def stream(self, request):
        yield from self.made.say(request.prompt)


class Bridge:
    kinds = {parts.Retriever: "retriever", parts.Embedder: "embedder", parts.Splitter: "splitter",
             parts.Loader: "loader", parts.Reranker: "reranker", parts.Model: "generator"}

    def kind(self, cls):
        return next((kind for base, kind in self.kinds.items() if issubclass(cls, base)), None)

    def part(self, made):
        return Part(made)


bridge = Bridge()
"""
OWN = """
from langchain_core import parts

print_made = []


def retriever() -> parts.Retriever:
    print_made.append("retriever")
    return parts.Retriever()


def vague():
    return parts.Retriever()


def other() -> int:
    return 1


def memory() -> parts.Memory:
    return parts.Memory()


Splitter = parts.Splitter
model = parts.Model()
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, connector: bool = True) -> None:
    """Make the framework, its connector and `own_parts`, which uses it, importable for a test."""
    package = folder / "langchain_core"
    package.mkdir()
    (package / "__init__.py").write_text("", "utf-8")
    (package / "parts.py").write_text(FRAMEWORK, "utf-8")
    (folder / "own_parts.py").write_text(OWN, "utf-8")
    if connector:
        (folder / "fake_connector.py").write_text(CONNECTOR, "utf-8")
        told = folder / "fake_connector-1.0.dist-info"
        told.mkdir()
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-connector\nVersion: 1.0\n", "utf-8")
        (told / "entry_points.txt").write_text(
            "[ragbraid.bridges]\nlangchain = fake_connector:bridge\n"
            "[ragbraid.components]\nacme/notes = own_parts:retriever\n",
            "utf-8",
        )
    for name in ("langchain_core", "langchain_core.parts", "own_parts", "fake_connector"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(folder))
