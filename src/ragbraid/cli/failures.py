"""How every failure leaves the command line: a sentence on standard error and an exit code.

0 done, 1 done in part, 2 wrong input, 3 failed, 4 a gate not met, 130 interrupted.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from ragbraid.cli.output import abandon_standard_output, print_json_line, say
from ragbraid.errors import InputError, RagbraidError

DONE_IN_PART = 1
WRONG_INPUT = 2
FAILED = 3
GATE = 4
INTERRUPTED = 130

TRACEBACK = "RAGBRAID_TRACEBACK"


_UsageError: Any = typer.BadParameter.__base__
"""What Click raises for arguments that it can't read; Typer doesn't hand the name out."""


@contextmanager
def as_sentences(*, as_json: bool = False) -> Iterator[None]:
    """Turn whatever escapes a command into a sentence and a `SystemExit` with its code.

    `as_json`: also into the one JSON value on standard output, so that a reader of it always has one. A
    command that was interrupted prints none.
    """
    try:
        yield
    except (KeyboardInterrupt, typer.Abort):
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        abandon_standard_output()
        raise SystemExit(FAILED) from None
    except _UsageError as error:
        error.show()
        if as_json:
            _print(InputError(error.format_message()))
        raise SystemExit(error.exit_code) from None
    except Exception as error:
        if os.environ.get(TRACEBACK):
            traceback.print_exc()
        say(_sentence(error))
        if as_json:
            _print(error)
        raise SystemExit(error.exit_code if isinstance(error, RagbraidError) else FAILED) from None


def _print(error: Exception) -> None:
    from ragbraid.serial import to_json

    print_json_line(to_json(error if isinstance(error, RagbraidError) else RagbraidError(_sentence(error))))


def _sentence(error: Exception) -> str:
    if isinstance(error, RagbraidError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        place = f" ({error.filename})" if error.filename else ""
        mend = " Choose a place that you may write to." if isinstance(error, PermissionError) else ""
        return f"{error.strerror}{place}.{mend}"
    return (
        f"Something unforeseen went wrong: {type(error).__name__}: {error}\n"
        f"This is a fault in ragbraid or in a plug-in; set {TRACEBACK}=1 to see where it happened."
    )
