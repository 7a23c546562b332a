"""One file that a web address names."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from ragbraid.errors import InputError, LoadError
from ragbraid.load.html_links import address
from ragbraid.load.http_client import Limits, Response, get
from ragbraid.load.remote import Entry
from ragbraid.load.site import stamp_of

_MOVED = (301, 302, 303, 307, 308)
_MOST_MOVES = 5
_SECONDS = 600.0
_UNLIMITED = 1 << 50
_NOTHING: frozenset[str] = frozenset()
_AGENT = {"User-Agent": "ragbraid", "Accept": "*/*"}


@dataclass(frozen=True, slots=True)
class HttpStore:
    """Fetches a file whose address somebody named; only a redirect may not lead into a private network."""

    url: str
    shown: str

    def entries(self, tags: bool) -> Iterator[Entry]:
        """The one file, as its server describes it."""
        del tags
        try:
            response = self._ask(_NOTHING)
        except LoadError as error:
            yield Entry("", failure=error)
            return
        if response.status in (404, 410):
            raise InputError(
                f"There is no file {self.shown!r}: the server answers {response.status}.",
                "Check how it is written.",
            )
        if response.status != 200:
            yield Entry("", failure=_refused(response.status))
            return
        length = response.header("Content-Length")
        name = PurePosixPath(urlsplit(self.url).path).name
        if mimetypes.guess_type(name)[0] is None and response.media_type:
            name = f"page{mimetypes.guess_extension(response.media_type) or ''}"
        yield Entry("", int(length) if length.isdigit() else 0, stamp_of(response), name)

    def copy(self, path: str, write: Callable[[bytes], object]) -> None:
        """Fetch it."""
        del path
        response = self._ask(None, write)
        if response.status != 200:
            raise _refused(response.status)

    def _ask(self, types: frozenset[str] | None, write: Callable[[bytes], object] | None = None) -> Response:
        url, named = self.url, urlsplit(self.url).hostname
        for _ in range(_MOST_MOVES + 1):
            limits = Limits(_SECONDS, _UNLIMITED, allow_private=urlsplit(url).hostname == named)
            response = get(url, _AGENT, limits, types, write)
            if response.status not in _MOVED:
                return response
            target = address(response.location, url)
            if target is None:
                raise LoadError("It leads to no file.")
            url = target
        raise LoadError(f"It leads on more than {_MOST_MOVES} times.", "Look at it in a browser.")


def _refused(status: int) -> LoadError:
    hints: Mapping[int, str] = {401: "It needs a key.", 403: "It may not be read from here."}
    return LoadError(f"The server answers {status}.", hints.get(status, "Try again later."))
