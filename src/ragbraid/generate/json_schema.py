"""Whether an output can be held to a JSON schema, asked before an engine passes over what it can't keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ragbraid.errors import GenerationError


def demand_holdable(schema: Mapping[str, Any]) -> str:
    """The schema as JSON. Raises `GenerationError` for one that nothing fits, or that can't be enforced.

    By llguidance, where it is installed: llama.cpp generates freely where a schema can't be met, and OpenVINO
    leaves out what it doesn't know.
    """
    text = json.dumps(dict(schema))
    why = _against(text)
    if why.startswith("Unknown format"):  # a remark, by the standard
        why = _against(json.dumps({**schema, "x-guidance": {"lenient": True}}))
    if why:
        raise GenerationError(
            f"No answer can be held to this JSON schema: {why.splitlines()[0]}.",
            "Change the schema, or leave out what can't be enforced.",
        )
    return text


def _against(schema: str) -> str:
    """What speaks against a schema; empty where nothing does."""
    try:
        from llguidance import LLMatcher
    except ImportError:
        return ""
    try:
        return str(LLMatcher.validate_grammar(LLMatcher.grammar_from_json_schema(schema), None))
    except ValueError as error:
        return str(error)
