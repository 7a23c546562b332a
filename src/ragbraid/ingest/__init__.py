"""The ingest driver: compares, loads, splits, embeds, commits and acknowledges, source by source."""

from ragbraid.ingest.driver import ingest
from ragbraid.ingest.flow import IngestFlow
from ragbraid.ingest.report import IngestReport, Progress

__all__ = ["IngestFlow", "IngestReport", "Progress", "ingest"]
