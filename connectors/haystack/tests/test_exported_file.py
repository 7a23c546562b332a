"""What `ragbraid export --to haystack` writes answers as the pipeline itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import exported
import pytest
from haystack import Pipeline
from haystack_integrations.common.ragbraid import answer_of
from haystack_integrations.components.pipelines.ragbraid import RagbraidSuperComponent

from ragbraid.errors import InputError
from ragbraid.exchange.exporting.haystack import haystack

PARTS = {
    "words": ["lexical", "quote"],
    "meaning": ["text_embedder", "dense", "pairs", "maxsim", "cited"],
    "search": ["search", "near-duplicates", "compose"],
    "pipeline": ["ask"],
}


@pytest.mark.parametrize("kind", exported.FILES)
def test_it_answers_as_the_pipeline(kind: str, tmp_path: Path) -> None:
    file = exported.pipeline_file(tmp_path, exported.FILES[kind])
    chain = exported.chain(file)
    assert chain.parts[0].kind == kind
    pipeline = Pipeline.loads(haystack(chain))
    assert set(pipeline.graph.nodes) == set(PARTS[kind])
    for question, wanted in zip(exported.QUESTIONS, exported.asked(file), strict=True):
        asked = pipeline.run({"query": question, **({"text": question} if kind == "meaning" else {})})
        (generated,) = asked[chain.parts[-1].name]["answers"]
        assert answer_of(generated) == wanted


@pytest.mark.parametrize("kind", exported.FILES)
async def test_a_super_component_is_made_of_the_parts(kind: str, tmp_path: Path) -> None:
    file = exported.pipeline_file(tmp_path, exported.FILES[kind])
    outer = Pipeline()
    outer.add_component("ask", RagbraidSuperComponent(file))
    again = Pipeline.loads(outer.dumps())
    inner: Any = again.get_component("ask")
    assert set(inner.pipeline.graph.nodes) == set(PARTS[kind])
    wanted = exported.asked(file)
    for question, answer in zip(exported.QUESTIONS, wanted, strict=True):
        found = again.run({"ask": {"query": question}})["ask"]
        assert answer_of(found["answers"][0]) == answer
        assert found["documents"] == found["answers"][0].documents
    inner.warm_up()
    late = await again.run_async({"ask": {"query": exported.QUESTIONS[0]}})
    assert answer_of(late["ask"]["answers"][0]) == wanted[0]
    inner.close()


def test_code_of_ones_own_is_refused(tmp_path: Path) -> None:
    file = exported.pipeline_file(tmp_path, exported.WHOLE)
    chain = exported.chain_of(exported.find(file), ["mine"])
    with pytest.raises(InputError, match=r"may run code \(mine\), which a Haystack file can't"):
        haystack(chain)
