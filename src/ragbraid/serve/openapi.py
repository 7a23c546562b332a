"""The OpenAPI description, with the flows of the served pipelines as they are now."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ragbraid.serve.api.inputs import schema_of
from ragbraid.serve.site import Site

_FLOW = "/api/flows/{flow}"


def described(app: FastAPI, site: Site) -> None:
    """Have the app describe each flow by its own inputs. A reloaded pipeline is described anew."""

    def openapi() -> dict[str, Any]:
        told = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        told["paths"] = _paths(told["paths"], site)
        return told

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's documentation does it


def _paths(paths: dict[str, Any], site: Site) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, each in paths.items():
        if path == _FLOW:
            found |= _flows(each, site)
        else:
            found[path] = each
    return found


def _flows(item: dict[str, Any], site: Site) -> dict[str, Any]:
    """A path for each flow of the first pipeline, or of all, in place of the one with a parameter."""
    found: dict[str, Any] = {}
    for served in reversed(list(site.shelf.all.values())):
        for flow in served.flows:
            operation = {key: value for key, value in item["post"].items() if key != "parameters"}
            operation["operationId"] = f"run_{flow}"
            operation["summary"] = f"Run the flow {flow}"
            reference = operation["requestBody"]["content"]["application/json"]["schema"]
            own = {"properties": {"inputs": schema_of(served.newest.flow(flow))}, "required": ["inputs"]}
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": {"allOf": [reference, own]}}},
            }
            found[f"/api/flows/{flow}"] = {"post": operation}
    return found
