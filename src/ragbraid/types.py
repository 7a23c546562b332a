"""The values that flow through a pipeline: frozen, slotted, without behaviour.

Offsets (`start`, `end`) always count characters (Unicode code points) of the stored document's
text, end exclusive, so that `document.text[start:end]` is the text in question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NewType, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors: TypeAlias = npt.NDArray[np.float32]
else:

    class Vectors:
        """A float32 array of shape (rows, dimensions); its rows have unit length."""


T = TypeVar("T")

Filter: TypeAlias = Mapping[str, Any]
"""A metadata filter as JSON, e.g. `{"year": {"$gte": 2020}}`; see `ragbraid.index.filter`."""

ModelName = NewType("ModelName", str)
"""A catalogue name, a hub id, or a path; a relative path counts from the pipeline file's folder."""

_EMPTY: Mapping[str, Any] = {}


class Batch(tuple[T, ...]):
    """All questions of a run at once.

    A parameter annotated `Batch[X]` receives one X per question; the return value must have equal
    length, each element a value or, where that one question failed, the exception.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


@dataclass(frozen=True, slots=True)
class SourceRef:
    """A source as a loader's scan found it, before anything was read.

    `origin` names the thing that is compared and committed as one (a file, a table, a site);
    `location` is where the loader reads it (an absolute path, a URL); `stamp` is a cheap mark of its
    state: equal stamps mean unchanged bytes, and an empty one means "look at the bytes". `held` is what the
    loader keeps of it from the scan to its loading. `metadata` is stamped on every document of it and wins
    over what these say themselves, so that it can say who may see them; where it alone changes, nothing is
    read or embedded anew.
    """

    origin: str
    location: str
    size: int = 0
    stamp: str = ""
    held: Any = field(default=None, compare=False, repr=False)
    metadata: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A source that a scan or a load left out, and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A source that a scan looked for and that isn't there any more, and how that was told."""

    source: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a source's bytes became its text. What a loader doesn't say is empty.

    `reader` names what read them: `text` for a file that was decoded and is otherwise untouched, else the
    parser. `encoding` is what they were decoded from, by Python's name. Where the text is `verbatim` that of
    the file, but for a byte order mark, its lines are the file's, and citations tell them.
    """

    reader: str = ""
    encoding: str = ""
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a source, as it is stored and cited.

    `pages` holds the offset at which each page begins (empty where there are no pages); `metadata`
    may hold `title`, `lang` and whatever the front matter says. Splitters start at `body`, behind a
    front matter, and read headings and code fences where `media_type` is `text/markdown`.
    """

    source: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    pages: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    body: int = 0
    media_type: str = "text/plain"
    reading: Reading = Reading()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: `document.text[start:end] == text`."""

    source: str
    start: int
    end: int
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    """Empty: the index derives one from collection, source, offsets and text."""
    context: str = ""
    """Words that are embedded and searched above the text (a title, headings, a table's header), and neither
    shown nor cited; see `ragbraid.text.context`."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a search found. `score` is the last stage's; `scores` has every stage's by step id.

    `page` and `line` are those that it begins on, counted from 1, where its document has any; `page_breaks`
    are the offsets, in the document, at which further pages begin within it.
    """

    id: str
    source: str
    start: int
    end: int
    text: str
    score: float = 0.0
    scores: Mapping[str, float] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    page: int | None = None
    collection: str = "default"
    content_hash: str = ""
    """SHA-256 of the stored document's text in UTF-8, in hexadecimal."""
    line: int | None = None
    page_breaks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A span of a stored document: `quote == document.text[start:end]`, verified when made.

    `page` is the one that the quote begins on. `line` and `last_line` are the lines of the file that it
    begins and ends on, as an editor counts them, where the document is a text file; see `Reading.verbatim`.
    """

    source: str
    start: int
    end: int
    quote: str
    content_hash: str
    page: int | None = None
    chunk_id: str = ""
    line: int | None = None
    last_line: int | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took from the generator, in tokens and calls."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0


class Span(NamedTuple):
    """One step of a run as it happened: times in milliseconds since the run began."""

    step: str
    start_ms: float
    ms: float
    notes: Mapping[str, Any] = _EMPTY


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose every citation can be checked.

    `text` is what is shown; `short`, where there is one, is the generator's words and
    `short_citation` their place. `confidence` is in [0, 1]. The trace, whose times differ from run to run,
    is left out when answers are compared.
    """

    text: str
    short: str | None = None
    short_citation: Citation | None = None
    abstained: bool = False
    confidence: float = 0.0
    citations: tuple[Citation, ...] = ()
    hits: tuple[Hit, ...] = ()
    usage: Usage = Usage()
    trace: tuple[Span, ...] = field(default=(), compare=False)

    def _repr_html_(self) -> str:
        from ragbraid.notebook import answer_html

        return answer_html(self)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text that a streaming step yields before its value is complete."""

    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a stream says: numbered from 0, the last one is `answer` or `error`."""

    kind: Literal["step", "hits", "delta", "answer", "error"]
    step: str
    seq: int
    value: Any


@dataclass(frozen=True, slots=True)
class Scope:
    """Who may see what: made by the engine alone, and bound to every index handle.

    `filter` is the conjunction of the caller's own restriction and the request's filter.
    """

    collection: str = "default"
    filter: Filter | None = None
