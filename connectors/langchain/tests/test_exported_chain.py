"""What `ragbraid export --to langchain` writes answers as the pipeline itself."""

from __future__ import annotations

import runpy
from pathlib import Path

import exported
import pytest
from langchain_core.documents import Document
from langchain_ragbraid import RagbraidAnswerer

from ragbraid.errors import InputError
from ragbraid.exchange.exporting.langchain import langchain


@pytest.mark.parametrize("kind", exported.FILES)
async def test_it_answers_as_the_pipeline(kind: str, tmp_path: Path) -> None:
    file = exported.pipeline_file(tmp_path, exported.FILES[kind])
    (tmp_path / "chain.py").write_text(langchain(exported.chain(file)), "utf-8")
    chain = runpy.run_path(str(tmp_path / "chain.py"))["chain"]
    wanted = exported.asked(file)
    for question, answer in zip(exported.QUESTIONS, wanted, strict=True):
        assert exported.untraced(chain.invoke(question)["result"]) == answer
    assert exported.untraced((await chain.ainvoke(exported.QUESTIONS[0]))["result"]) == wanted[0]


def test_an_answerer_quotes_from_any_documents() -> None:
    answerer = RagbraidAnswerer(step={"type": "quote"})
    shown = [Document(page_content="The barn burned down in 1912.", metadata={"source": "barn.md"})]
    told = answerer.invoke({"question": "When did the barn burn down?", "context": shown})
    assert told["answer"] == "The barn burned down in 1912."
    assert told["result"].citations[0].source == "barn.md"
    assert answerer.invoke({"question": "When?", "context": []})["result"].abstained
    with pytest.raises(InputError, match="`question` and `context`"):
        answerer.invoke({"question": "When?"})


def test_a_script_allows_what_the_export_was_allowed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from ragbraid.types import Hit\n\n\ndef same(hits: list[Hit]) -> list[Hit]:\n    return hits\n"
    )
    text = exported.FILE.replace("ask:\n  - search\n", "ask:\n  - search\n  - {type: './mine.py:same'}\n")
    file = exported.project(tmp_path)
    file.write_text(text, "utf-8")
    mine = str(tmp_path / "mine.py")
    chain = exported.chain_of(exported.find(file), [mine])
    assert [each.kind for each in chain.parts] == ["pipeline"]
    assert "runs code of your own" in chain.notes[0]
    (tmp_path / "chain.py").write_text(langchain(chain), "utf-8")
    chain_of_theirs = runpy.run_path(str(tmp_path / "chain.py"))["chain"]
    assert "27 days" in chain_of_theirs.invoke(exported.QUESTIONS[0])["answer"]
