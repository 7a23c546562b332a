"""The server's log: sentences for people, or JSON for what collects it. Neither holds what was asked."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal, TextIO


def log_to(stream: TextIO, form: Literal["text", "json"]) -> None:
    """Have warnings of all, and what the server tells of itself, written to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines() if form == "json" else logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("ragbraid.serve").setLevel(logging.INFO)


class Lines(logging.Formatter):
    """A record as one line of JSON: time, level, logger, message, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **({"error": self.formatException(record.exc_info)} if record.exc_info else {}),
        }
        return json.dumps(told)
