"""Silence while transformers loads: what goes wrong is raised, and told in a sentence."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from io import StringIO


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' bars, warnings and tables of tensors off standard error."""

    def silent(_record: logging.LogRecord) -> bool:
        return False

    handlers = list(logging.getLogger("transformers").handlers)
    for each in handlers:
        each.addFilter(silent)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):  # its bars know no switch
            warnings.simplefilter("ignore")
            yield
    finally:
        for each in handlers:
            each.removeFilter(silent)
