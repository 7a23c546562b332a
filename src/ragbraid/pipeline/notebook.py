"""A pipeline as a notebook shows it: its graph."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from ragbraid.pipeline.drawing.svg import svg
from ragbraid.pipeline.graphing import graph_of
from ragbraid.pipeline.model import CheckedPipeline


def pipeline_html(checked: CheckedPipeline) -> str:
    """The graph of a pipeline as an image: its styles then are its own, and not those of the whole page."""
    image = b64encode(svg(graph_of(checked)).encode()).decode()
    name = escape(f"The pipeline {checked.name}")
    return f'<img alt="{name}" style="max-width: 100%" src="data:image/svg+xml;base64,{image}">'
