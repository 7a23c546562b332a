"""A flow's inputs as JSON → the values that it declares, and the schema that says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ragbraid.pipeline.diagnostics import meant
from ragbraid.pipeline.model import Flow
from ragbraid.pipeline.signature import MISSING
from ragbraid.serve.failures import Refused

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def read_inputs(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Each input in the type that the flow declares. Raises `Refused`, naming the field."""
    for name in given:
        if name not in flow.inputs:
            told = f"inputs.{name}: the flow {flow.name!r} has no such input{meant(name, flow.inputs) or '.'}"
            raise Refused(422, told, param=f"inputs.{name}")
    for name, wanted in flow.inputs.items():
        if wanted.default is MISSING and name not in given:
            raise Refused(422, f"inputs.{name}: it is missing.", param=f"inputs.{name}")
    return {name: _read(name, flow.inputs[name].value.type, each) for name, each in given.items()}


def schema_of(flow: Flow) -> dict[str, Any]:
    """The JSON Schema of a flow's inputs."""
    wanted = [name for name, each in flow.inputs.items() if each.default is MISSING]
    properties = {name: _schema(each.value.type) for name, each in flow.inputs.items()}
    return {"type": "object", "properties": properties, "required": wanted, "additionalProperties": False}


def _read(name: str, wanted: Any, given: Any) -> Any:
    try:
        return _adapter(wanted).validate_json(json.dumps(given))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(["inputs", name, *map(str, first["loc"])])
        raise Refused(422, f"{field}: {first['msg']}.", param=field) from None


def _schema(wanted: Any) -> dict[str, Any]:
    schema = _adapter(wanted).json_schema()
    found: dict[str, Any] = _inlined(schema, schema.pop("$defs", {}))
    return found


def _inlined(schema: Any, known: Mapping[str, Any]) -> Any:
    """The schema with its definitions in place, since it becomes a part of another."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(known[schema["$ref"].rpartition("/")[2]], known)
        return {key: _inlined(each, known) for key, each in schema.items()}
    return [_inlined(each, known) for each in schema] if isinstance(schema, list) else schema


def _adapter(wanted: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(wanted, config=_STRICT)
    except Exception:  # a dataclass brings a configuration of its own
        return TypeAdapter(wanted)
