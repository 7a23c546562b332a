"""One tree of exceptions. Each message says what happened and where, each hint what to do.

Everything that a user's mistake or environment can cause is a `RagbraidError`; commands print
`str(error)` and exit with `exit_code`, never with a traceback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ragbraid.pipeline.diagnostics import Diagnostic


FOREIGN = (Exception, SystemExit)
"""What code of others may raise: none of it may end the process of whoever calls it."""


def told(error: BaseException) -> str:
    """An error of others' code by its type, with what it says."""
    said = str(error)
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


class RagbraidError(Exception):
    """Base of all errors that ragbraid raises on purpose."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InputError(RagbraidError):
    """What the caller gave is wrong: a path, a question, an option, a file."""

    exit_code = 2


class SettingError(InputError):
    """Settings of a component are wrong, or contradict each other.

    `faults` has for each where it stands (keys and places that lead there from the component's settings),
    what is wrong, and of a contradiction the other place, or None.
    """

    def __init__(self, faults: Sequence[tuple[Sequence[str | int], str, Sequence[str | int] | None]]) -> None:
        super().__init__("\n".join(said for _, said, _ in faults))
        self.faults = tuple(faults)


class SourceMissing(InputError):
    """No source of that name is stored."""


class PipelineFileError(InputError):
    """A pipeline file has problems; `diagnostics` has all of them, in file order."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(str(each) for each in diagnostics))
        self.diagnostics = tuple(diagnostics)


class FilterError(InputError):
    """A metadata filter is malformed, or names a field that isn't declared."""


class LoadError(RagbraidError):
    """A source can't be read; the others go on."""


class MissingDependency(RagbraidError):
    """An optional package isn't installed."""


class NotADocument(LoadError):
    """What a loader was to read is nothing to be stored: the ingest says why, and it counts as no failure."""


class ModelError(RagbraidError):
    """A model is absent, damaged or unfit for its use."""


class ModelMissing(ModelError):
    """The model's files aren't on this machine."""


class IndexStoreError(RagbraidError):
    """The index can't do what was asked."""


class IndexMissing(IndexStoreError):
    """Nothing was ever stored at the index's path."""

    exit_code = 2


class IndexMismatch(IndexStoreError):
    """The index was built by another embedder, or by another or newer format."""


class IndexLocked(IndexStoreError):
    """Another process is writing to the index."""


class IndexDamaged(IndexStoreError):
    """Stored bytes aren't what was written."""


class GenerationError(RagbraidError):
    """The generator failed."""


class Unsupported(GenerationError):
    """The generator's engine can't do what was asked of it; another one can."""


class BudgetExceeded(GenerationError):
    """A question would take more tokens, money or time of the generator than its budget allows."""


class ServerError(GenerationError):
    """A model server can't be reached, or answered with an error."""


class Stopped(RagbraidError):
    """Base of the two ways in which a run ends early."""

    def name_running(self, steps: Sequence[str]) -> None:
        """Say which steps still run, since nothing can stop them."""
        if steps:
            named = " and ".join(map(repr, steps))
            many = len(steps) > 1
            said = f"The step{'s' * many} {named} can't be stopped, and run{'s' * (not many)} on."
            self.hint = f"{self.hint} {said}".strip()


class Cancelled(Stopped):
    """The caller cancelled the run."""

    exit_code = 130


class DeadlineExceeded(Stopped):
    """The run's time was up."""


class StepError(RagbraidError):
    """A component raised something unforeseen; the cause is attached as `__cause__`."""
