"""How every failure leaves the command line: a sentence on standard error and an exit code.

0 done, 1 done in part, 2 wrong input, 3 failed, 4 a gate not met, 130 interrupted.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from ragbraid.cli.output import abandon_standard_output, say
from ragbraid.errors import RagbraidError

DONE_IN_PART = 1
WRONG_INPUT = 2
FAILED = 3
GATE = 4
INTERRUPTED = 130

TRACEBACK = "RAGBRAID_TRACEBACK"


@contextmanager
def as_sentences() -> Iterator[None]:
    """Turn whatever escapes a command into a sentence and a `SystemExit` with its code."""
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        abandon_standard_output()
        raise SystemExit(FAILED) from None
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        say(_sentence(error))
        raise SystemExit(error.exit_code if isinstance(error, RagbraidError) else FAILED) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, RagbraidError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{place}."
    return (
        f"Something unforeseen went wrong: {type(error).__name__}: {error}\n"
        f"This is a fault in ragbraid or in a plug-in; set {TRACEBACK}=1 to see where it happened."
    )
