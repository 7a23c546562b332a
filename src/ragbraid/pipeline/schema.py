"""The JSON Schema of pipeline files, made from the same signatures as the check, for editors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ragbraid import registry
from ragbraid.bridge.frameworks import FRAMEWORKS
from ragbraid.errors import FOREIGN
from ragbraid.pipeline.check import FIELD_TYPES, VERSION
from ragbraid.pipeline.forms.form import NAME, NAMED, VARIABLE
from ragbraid.pipeline.forms.registry import FORMS
from ragbraid.pipeline.serving import SECTION, known_settings
from ragbraid.pipeline.signature import MISSING, Input, Setting, Signature, signature_of
from ragbraid.pipeline.typecheck import DECLARABLE, type_name

_FLOWS = ("ingest", "search", "ask", "chat", "flows")
_OWN_CODE = {"type": "string", "pattern": ":"}


def json_schema() -> dict[str, Any]:
    """The schema of a whole file (JSON Schema 2020-12). Installed third-party components are in it."""
    signatures = _signatures()
    flow = {"anyOf": [{"$ref": "#/$defs/steps"}, {"$ref": "#/$defs/flow"}]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ragbraid pipeline",
        "type": "object",
        "required": ["ragbraid"],
        "anyOf": [{"required": [each]} for each in _FLOWS],
        "properties": {
            "ragbraid": {"const": VERSION, "description": "The version of the pipeline language."},
            "name": {"type": "string"},
            "description": {"type": "string"},
            "components": {
                "type": "object",
                "propertyNames": NAME,
                "additionalProperties": {"$ref": "#/$defs/component"},
            },
            "fields": {"type": "object", "additionalProperties": _one_of(FIELD_TYPES)},
            "ingest": {"anyOf": [{"$ref": "#/$defs/steps"}, _flow(declares=False)]},
            **dict.fromkeys(("search", "ask", "chat"), flow),
            "flows": {"type": "object", "propertyNames": NAME, "additionalProperties": flow},
            SECTION: {
                "type": "object",
                "properties": {each.name: _setting(each) for each in known_settings()},
                "additionalProperties": False,
            },
            "eval": {
                "type": "object",
                "properties": {"questions": {"type": "string"}},
                "additionalProperties": False,
            },
        },
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
        "$defs": {
            "component": _dispatch(signatures, "component"),
            "step": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/inline"}, *_others()]},
            "inline": _dispatch(signatures, "step"),
            "steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
            "flow": _flow(),
            "input": _input(),
            **{f"component:{name}": _of_type(each, step=False) for name, each in signatures.items()},
            **{f"step:{name}": _of_type(each, step=True) for name, each in signatures.items()},
        },
    }


def _signatures() -> dict[str, Signature]:
    found: dict[str, Signature] = {}
    for name in registry.names():
        try:
            found[name] = signature_of(registry.find(name))
        except FOREIGN:  # whatever a plug-in raises while it is imported
            continue  # it is reported where it is used
    return found


def _others() -> list[dict[str, Any]]:
    """The steps that aren't components made in place. One form's key doesn't stand beside another's."""
    return [
        {**each, "properties": {**_none_of(*(FORMS.keys() - each["properties"])), **each["properties"]}}
        for form in FORMS.values()
        for each in form.schema()
    ]


def _dispatch(signatures: dict[str, Signature], form: str) -> dict[str, Any]:
    """A mapping whose `type` decides what else may stand in it."""
    names = {"id": NAMED, "as": NAMED, **_none_of(*(FORMS.keys() - {"type"}))} if form == "step" else {}
    return {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"anyOf": [*_one_of((*signatures, *FRAMEWORKS))["anyOf"], _OWN_CODE]},
            **names,
        },
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": f"#/$defs/{form}:{name.replace('/', '~1')}"},
            }
            for name in signatures
        ],
    }


def _one_of(names: Iterable[str]) -> dict[str, Any]:
    """One of these words, or a variable that stands for one."""
    return {"anyOf": [{"enum": list(names)}, VARIABLE]}


def _none_of(*keys: str) -> dict[str, Any]:
    """The keys of the other forms of a step, which may not stand beside this one's."""
    return dict.fromkeys(keys, False)


def _of_type(signature: Signature, *, step: bool) -> dict[str, Any]:
    properties: dict[str, Any] = {"type": {"type": "string"}}
    properties |= {each.name: _setting(each) for each in signature.settings}
    if step:
        properties |= {"id": NAMED, "as": NAMED}
        properties |= {each.name: _described(each) for each in signature.inputs or ()}
    return {
        "description": signature.summary,
        "properties": properties,
        "required": ["type", *(each.name for each in signature.settings if each.required)],
        "additionalProperties": False,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    if setting.protocol is not None:
        one = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/component"}]}
        schema: dict[str, Any] = {"type": "array", "items": one} if setting.many else one
        return {"anyOf": [schema, {"type": "null"}]} if setting.default is None else schema
    from pydantic import ConfigDict, TypeAdapter
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

    try:
        adapter = TypeAdapter(setting.annotation, config=ConfigDict(arbitrary_types_allowed=True))
        schema = {"anyOf": [_inlined(adapter.json_schema()), VARIABLE]}
    except (PydanticInvalidForJsonSchema, PydanticSchemaGenerationError):
        schema = {}
    if setting.default is not MISSING and isinstance(setting.default, str | int | float | bool):
        schema["default"] = setting.default
    return schema


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its own definitions in the places that refer to them: the file's schema has others."""
    definitions = schema.pop("$defs", {})

    def written(part: Any) -> Any:
        if isinstance(part, list):
            return [written(each) for each in part]
        if not isinstance(part, dict):
            return part
        if isinstance(named := part.get("$ref"), str):
            return written(definitions[named.rpartition("/")[2]])
        return {key: written(each) for key, each in part.items()}

    return written(schema) if definitions else schema


def _described(each: Input) -> dict[str, Any]:
    return {"$ref": "#/$defs/input", "description": f"{type_name(each.annotation)}, an input"}


def _input() -> dict[str, Any]:
    literal = {
        "type": "object",
        "required": ["value"],
        "properties": {"value": {}},
        "additionalProperties": False,
    }
    return {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}, literal]}


def _flow(*, declares: bool = True) -> dict[str, Any]:
    """A flow as a mapping; one that doesn't declare has inputs and output of its own."""
    types = _one_of(DECLARABLE)
    declared = {
        "type": "object",
        "required": ["type"],
        "properties": {"type": types, "default": {}},
        "additionalProperties": False,
    }
    own = {
        "inputs": {"type": "object", "additionalProperties": {"anyOf": [types, declared]}},
        "output": {"type": "string"},
    }
    return {
        "type": "object",
        "required": ["steps"],
        "properties": {"steps": {"$ref": "#/$defs/steps"}, **(own if declares else {})},
        "additionalProperties": False,
    }
