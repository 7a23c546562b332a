"""Whatever the documents, and whichever the pipeline: every citation of every answer verifies."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from any_documents import Documents
from any_parts import with_stand_ins

from ragbraid import Pipeline
from ragbraid.evaluate.verify import verify
from ragbraid.serial import to_json
from ragbraid.types import Answer
from soaking import FULL, count

SOME = ("local", "parent-child", "prose", "tables", "trusted")
FILES = sorted((Path(__file__).resolve().parents[2] / "pipelines").glob("*.yaml"))
DOCUMENTS, QUESTIONS, FOLDERS = count(10, 100), count(10, 40), count(2, 20)
"""At full counts each pipeline is asked about 2,000 documents, a hundred in a folder, every other strict."""


@pytest.mark.parametrize("name", [each.stem for each in FILES] if FULL else SOME)
def test_every_citation_of_every_answer_verifies(name: str, tmp_path: Path) -> None:
    file = next(each for each in FILES if each.stem == name)
    cited = 0
    for number in range(FOLDERS):
        folder = tmp_path / str(number)
        documents = Documents(seed=1000 * FILES.index(file) + number)
        for at in range(DOCUMENTS):
            path, held = documents.file(at)
            (folder / "docs" / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / "docs" / path).write_bytes(held)
        content = with_stand_ins(yaml.safe_load(file.read_text("utf-8")), ("never", "strict")[number % 2])
        (folder / "ragbraid.yaml").write_text(yaml.safe_dump(content, sort_keys=False), "utf-8")
        with Pipeline.load(folder / "ragbraid.yaml", allow=["any_parts"]) as pipeline:
            assert pipeline.ingest(folder / "docs").new
            for _ in range(QUESTIONS):
                answer = pipeline.ask(documents.question())
                demand_true(pipeline, answer)
                cited += len(answer.citations)
    assert cited > FOLDERS * QUESTIONS / 4, "answers have citations, so that this says something"


def demand_true(pipeline: Pipeline, answer: Answer) -> None:
    assert not (answer.citations and answer.abstained)
    told = to_json(answer)
    for files in (False, True):
        wrong = [each for each in verify(pipeline, told, files=files) if each.verdict != "true"]
        assert not wrong
    short = () if answer.short_citation is None else (answer.short_citation,)
    for each in (*answer.citations, *short):
        stored = pipeline.document(each.source)
        assert stored.text[each.start : each.end] == each.quote != ""
        assert each.content_hash == stored.content_hash == sha256(stored.text.encode()).hexdigest()
        assert any(
            hit.source == each.source and hit.start <= each.start and each.end <= hit.end
            for hit in answer.hits
        )
    if answer.short_citation is not None:
        assert answer.short == answer.short_citation.quote
