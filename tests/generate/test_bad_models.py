"""What is broken or can't be met is a sentence, whichever engine it is given to.

- A file cut off, of an unknown architecture, none at all: `test_llama_cpp.py`; larger than the machine or the
  budget: `models/test_weights.py`.
- No chat template: `test_ov_convert.py`, `test_transformers.py`, and here with llama.cpp.
- A schema that nothing fits, probabilities that aren't numbers: here.
- A server that stalls, drops the stream, sends a malformed chunk, is busy: `test_openai.py`.
- Thousands of cancelled generations: `test_cancelled.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gguf
import pytest

from ragbraid.errors import GenerationError, ModelError
from ragbraid.generate.json_schema import demand_holdable
from ragbraid.generate.llama_cpp import LlamaCpp
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Completion, JsonSchema, Request
from ragbraid.generate.transformers import Transformers
from ragbraid.types import Message, ModelName
from tiny_gguf import tiny_gguf

YES = {"type": "boolean"}
ENGINES = {"llama-cpp": LlamaCpp, "openvino": OpenVino, "transformers": Transformers}


@pytest.fixture(scope="module", params=ENGINES)
def runtime(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = tiny_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", template=None)
    settings = {} if request.param == "transformers" else {"cache_mb": 8, "threads": 1}
    with closing(ENGINES[request.param](ModelName(str(path)), context_tokens=256, **settings).open()) as made:
        yield made


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": []},
        {"not": {}},
        {"allOf": [{"type": "string"}, {"type": "number"}]},
        {"type": "integer", "minimum": 5, "maximum": 3},
        {"type": "array", "minItems": 3, "maxItems": 1},
        {"type": "object", "properties": {"a": {"enum": []}}, "required": ["a"]},
        {"type": "strange"},
    ],
    ids=str,
)
def test_a_schema_that_nothing_fits_is_that_requests_error(runtime: Any, schema: dict[str, Any]) -> None:
    broken, fine = runtime.generate(
        [Request("a", 12, constraint=JsonSchema(schema)), Request("a", 12, constraint=JsonSchema(YES))]
    )
    assert isinstance(broken, GenerationError)
    assert "JSON schema" in str(broken)
    assert isinstance(fine, Completion)
    assert fine.text in ("true", "false")


def test_a_format_that_nobody_knows_is_a_remark() -> None:
    schema = {"type": "string", "format": "int64"}
    assert demand_holdable(schema) == json.dumps(schema)
    with pytest.raises(GenerationError, match="Unsatisfiable"):
        demand_holdable({"anyOf": [], "properties": {"a": schema}})


def test_without_a_chat_template_text_is_continued_and_a_chat_is_refused(runtime: Any) -> None:
    text, chat = runtime.generate([Request("abc", 2), Request((Message("user", "abc"),), 2)])
    assert isinstance(text, Completion)
    assert "no chat template" in str(chat)


@pytest.mark.parametrize("engine", ENGINES)
def test_probabilities_that_are_no_numbers_are_told(engine: str, tmp_path: Path) -> None:
    path = tiny_gguf(tmp_path / "nan.gguf", gguf.GGMLQuantizationType.Q8_0, broken=True)
    with closing(ENGINES[engine](ModelName(str(path)), context_tokens=256).open()) as made:
        try:
            (got,) = made.generate([Request("abc", 4)])
        except ModelError as error:
            got = error
    assert isinstance(got, GenerationError | ModelError)
    assert "numbers" in str(got) or "nan nats" in str(got)


def test_bitnet_2b_4t_is_refused_by_llama_cpp_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "bitnet.gguf"
    with closing(gguf.GGUFWriter(path, "bitnet")) as writer:
        writer.add_context_length(4096)
        writer.add_embedding_length(2560)
        writer.add_block_count(30)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    runtime = LlamaCpp(ModelName(str(path))).open()
    with pytest.raises(ModelError, match="squared ReLU"):
        runtime.generate([Request("a", 1)])
