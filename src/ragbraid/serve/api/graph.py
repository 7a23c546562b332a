"""`/api/graph`: the flows of a pipeline as drawings, so that a page can show the steps of a question."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from ragbraid.pipeline.drawing.placed import Arrow, Box, placed
from ragbraid.pipeline.drawing.words import uses, what
from ragbraid.pipeline.graph import FlowGraph, Node
from ragbraid.serve.api.common import PipelineName
from ragbraid.serve.clients import client_of
from ragbraid.serve.documented import API
from ragbraid.serve.replies import Reply
from ragbraid.serve.site import site_of

router = APIRouter(prefix="/api", tags=["ragbraid"], responses=API)
_ROOM = " " * 9
"""The line of a box that a time will stand in."""


@router.get("/graph", summary="Draw a pipeline", response_model=None)
async def graph(http: Request, pipeline: PipelineName = None) -> Response:
    """Gives each flow that the caller may run as boxes and arrows, laid out in pixels.

    A box has its step's name and type, and none of its settings. `gives` is `answer` for a flow to be asked;
    `rerankers` are the steps that a question can leave out.
    """
    site, client = site_of(http), client_of(http)
    served = site.shelf.get(pipeline)
    drawn = served.newest.graph()
    shown = [each for each in drawn.flows if each.name == "ingest" or each.name in served.flows]
    flows = [
        {**_flow(each), "rerankers": [] if each.name == "ingest" else served.newest.rerankers(each.name)}
        for each in shown
        if client.may(each.name)
    ]
    return Reply({"name": drawn.name, "description": drawn.description, "flows": flows})


def _flow(flow: FlowGraph) -> dict[str, Any]:
    drawing = placed(flow, {each.key: _lines(each) for each in flow.nodes()})
    return {
        "name": flow.name, "gives": flow.gives, "inputs": [each.name for each in flow.inputs],
        "width": drawing.width, "height": drawing.height,
        "boxes": [_box(each) for each in drawing.boxes], "arrows": [_arrow(each) for each in drawing.arrows],
    }  # fmt: skip


def _lines(node: Node) -> list[str]:
    """The name and what it is; below them is room for a time."""
    named = [node.type] if uses(node) and node.type != node.name else what(node)
    return [node.name, *named, *([] if node.form == "input" else [_ROOM])]


def _box(box: Box) -> dict[str, Any]:
    node = box.node
    return {
        "step": node.key.partition("/")[2], "form": node.form,
        "flow": node.type if node.form == "flow" else None,
        "lines": [each for each in box.lines if each != _ROOM],
        "x": box.x, "y": box.y, "width": box.width, "height": box.height,
    }  # fmt: skip


def _arrow(arrow: Arrow) -> dict[str, Any]:
    return {"path": arrow.path, "said": arrow.said, "x": arrow.x, "y": arrow.y}
