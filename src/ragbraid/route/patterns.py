"""Regular expressions over questions, in time that is linear in a question's length."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=4096)
def finder(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the pattern is found in a text, with no heed of case.

    Raises `ValueError` for what is no pattern; lookaround and backreferences are none.
    """
    # Python's `re` backtracks: a pattern with one repeat in another takes for ever over a short question,
    # and keeps every thread from running meanwhile. Rust's regex, in pydantic's core, never backtracks.
    from pydantic_core import SchemaError, SchemaValidator

    schema = {"type": "str", "pattern": f"(?i){pattern}", "regex_engine": "rust-regex"}
    try:
        return SchemaValidator(schema).isinstance_python
    except SchemaError as error:
        # It shows the pattern over several lines, with the reason in the last.
        reason = str(error).rpartition("rror: ")[2].strip().removesuffix(".")
        raise ValueError(reason[:1].lower() + reason[1:]) from error
