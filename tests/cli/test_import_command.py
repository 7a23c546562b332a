"""`ragbraid import` writes a pipeline file of Haystack's, or fills an index from a saved store."""

from __future__ import annotations

import json
from pathlib import Path

from commandline import ragbraid, says

RAG = """\
components:
  find: {type: x.InMemoryBM25Retriever, init_parameters: {top_k: 5}}
  sort: {type: x.MetaFieldRanker, init_parameters: {meta_field: date}}
  read: {type: x.ExtractiveReader}
connections:
  - {sender: find.documents, receiver: sort.documents}
  - {sender: sort.documents, receiver: read.documents}
"""
OWN = """\
ragbraid: 1
components: {index: {type: faiss}}
ingest: [{type: files}, {type: recursive-splitter}, index]
search: [{type: lexical, index: index}]
"""


def test_a_pipeline_file_is_written_and_what_is_left_out_told(tmp_path: Path) -> None:
    (tmp_path / "rag.yaml").write_text(RAG, "utf-8")
    done = ragbraid("import", "rag.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "ragbraid.yaml is written.\n")
    assert "`sort` (MetaFieldRanker) has no equivalent, and is left out.\n" in done.stderr
    assert ragbraid("check", "ragbraid.yaml", cwd=tmp_path).returncode == 0
    says(ragbraid("import", "rag.yaml", cwd=tmp_path), 2, "exists already", "--out")


def test_a_store_goes_into_the_index(tmp_path: Path) -> None:
    (tmp_path / "ragbraid.yaml").write_text(OWN, "utf-8")
    documents = [{"id": "barn", "content": "The barn is red.", "meta": {"page": 3}}, {"id": "b"}]
    (tmp_path / "store.json").write_text(json.dumps({"documents": documents}), "utf-8")
    done = ragbraid("import", "store.json", cwd=tmp_path)
    assert done.stdout == "Imported from Haystack's in-memory store: 1 document.\n"
    assert done.stderr == "Left out, without text: 1 document.\n"
    found = json.loads(ragbraid("search", "barn", "--json", cwd=tmp_path).stdout)
    assert found[0]["metadata"] == {"page": 3}
    says(ragbraid("import", "docs", cwd=tmp_path), 2, "There is no docs")
    says(ragbraid("import", "store.json", "more.json", cwd=tmp_path), 2, "imported alone")
