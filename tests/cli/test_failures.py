"""Every way out of a command is a sentence and a code."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from ragbraid.cli.failures import as_sentences
from ragbraid.errors import Cancelled, InputError, LoadError


def leave(error: BaseException) -> Callable[[], None]:
    def run() -> None:
        with as_sentences():
            raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InputError("There is no folder x.", "Name one that exists."), 2, "There is no folder x. Name one"),
        (LoadError("a.pdf is broken."), 3, "a.pdf is broken."),
        (Cancelled("The run was cancelled."), 130, "The run was cancelled."),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a/log"), 3, "No space left on device (a/log)."),
        (KeyError("x"), 3, "RAGBRAID_TRACEBACK=1"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_error_becomes_a_sentence_and_a_code(
    error: BaseException, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        leave(error)()
    printed = capsys.readouterr()
    assert left.value.code == code
    assert printed.out == ""
    assert sentence in printed.err
    assert "Traceback" not in printed.err


def test_the_traceback_can_be_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_TRACEBACK", "1")
    with pytest.raises(SystemExit):
        leave(KeyError("x"))()
    assert "Traceback" in capsys.readouterr().err
