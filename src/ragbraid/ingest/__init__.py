"""The ingest driver: compares, loads, splits, embeds, commits and acknowledges, source by source."""

from ragbraid.ingest.driver import IngestFlow, ingest
from ragbraid.ingest.report import IngestReport, Progress

__all__ = ["IngestFlow", "IngestReport", "Progress", "ingest"]
