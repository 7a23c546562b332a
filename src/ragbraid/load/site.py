"""Pages of a site as a polite reader fetches them: by its robots.txt, one at a time, on its hosts alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urljoin, urlsplit

from ragbraid.errors import LoadError
from ragbraid.load import robots
from ragbraid.load.html_links import address
from ragbraid.load.http_client import Limits, Response, get
from ragbraid.load.robots import Robots

PAGES: Mapping[str, str] = {
    "text/html": "page.html",
    "application/xhtml+xml": "page.html",
    "text/markdown": "page.md",
    "text/plain": "page.txt",
    "application/pdf": "page.pdf",
}
"""The types of pages that are read, each with a name whose format is read alike."""
SITEMAPS = frozenset(
    {
        "application/xml",
        "text/xml",
        "application/gzip",
        "application/x-gzip",
        "text/plain",
        "application/octet-stream",
    }
)
_GONE = (404, 410)
_MOVED = (301, 302, 303, 307, 308)
_MOST_MOVES = 5
_AGENT = "ragbraid"


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it was fetched: where it is in the end, and its answer.

    One that is `unchanged` since its `stamp` has no body.
    """

    url: str
    response: Response
    stamp: str
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Absent:
    """A page that isn't there, isn't for us, or is no text: `kind` says which."""

    kind: str
    reason: str


Fetched: TypeAlias = Page | Absent


def host_of(url: str) -> str:
    """The root that a page belongs to: `https://example.org/`, whether its address says http or https."""
    parts = urlsplit(url)
    return f"https://{parts.netloc}/" if parts.port is None else f"{parts.scheme}://{parts.netloc}/"


def stamp_of(response: Response) -> str:
    """The mark by which a server tells whether a page is as it was; empty where it gives none."""
    if tag := response.header("ETag"):
        return f"etag {tag}"
    if date := response.header("Last-Modified"):
        return f"date {date}"
    return ""


@dataclass(slots=True)
class Site:
    """Fetches pages of some hosts; remembers their rules and when each was last asked."""

    hosts: frozenset[str]
    limits: Limits
    delay: float
    agent: str
    _rules: dict[str, Robots | LoadError] = field(default_factory=dict)
    _asked: dict[str, float] = field(default_factory=dict)

    def fetch(self, url: str, stamp: str = "", types: frozenset[str] = frozenset(PAGES)) -> Fetched:
        """A page, redirects followed within the hosts; with its `stamp` one that is unchanged isn't sent.

        Raises `LoadError` for what may be there another time: a failing server, a limit that was reached.
        """
        for _ in range(_MOST_MOVES + 1):
            if host_of(url) not in self.hosts:
                return Absent("elsewhere", f"it leads to another host ({urlsplit(url).netloc})")
            rules = self._rules_of(url)
            parts = urlsplit(url)
            if not rules.allows(f"{parts.path}{'?' + parts.query if parts.query else ''}"):
                return Absent("forbidden", "the site's robots.txt doesn't allow reading it")
            response = self._get(url, rules.delay, _asking(stamp), types)
            if response.status == 304:
                return Page(url, response, stamp, unchanged=True)
            if response.status not in _MOVED:
                return _judged(url, response, types)
            target = address(response.location, url)
            if target is None:
                return Absent("elsewhere", "it leads to no page")
            url, stamp = target, ""
        raise LoadError(f"It leads on more than {_MOST_MOVES} times.", "Look at it in a browser.")

    def _get(
        self, url: str, least: float, headers: Mapping[str, str], types: frozenset[str] | None
    ) -> Response:
        host = host_of(url)
        wait = self._asked.get(host, 0.0) + max(self.delay, least) - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        try:
            return get(url, {"User-Agent": self.agent, "Accept": "*/*", **headers}, self.limits, types)
        finally:
            self._asked[host] = time.monotonic()

    def _rules_of(self, url: str) -> Robots:
        host = host_of(url)
        if host not in self._rules:
            try:
                self._rules[host] = self._read_rules(urljoin(url, "/robots.txt"))
            except LoadError as error:  # as it will for every page of this host
                self._rules[host] = error
        rules = self._rules[host]
        if isinstance(rules, LoadError):
            raise LoadError(rules.message, rules.hint)
        return rules

    def _read_rules(self, url: str) -> Robots:
        """A site's rules; none where it has no robots.txt, and nothing is allowed while it can't be had."""
        for _ in range(_MOST_MOVES + 1):
            response = self._get(url, 0.0, {}, None)
            if response.status == 200:
                return robots.parse(response.body, _AGENT)
            target = address(response.location, url) if response.status in _MOVED else None
            if target is None or host_of(target) not in self.hosts:
                break
            url = target
        if response.status >= 500:
            raise LoadError(
                f"Its robots.txt can't be had: the server answers {response.status}.", "Try again later."
            )
        return Robots()


def _asking(stamp: str) -> dict[str, str]:
    kind, _, value = stamp.partition(" ")
    names = {"etag": "If-None-Match", "date": "If-Modified-Since"}
    return {names[kind]: value} if kind in names else {}


def _judged(url: str, response: Response, types: frozenset[str]) -> Fetched:
    status = response.status
    if status == 200:
        if response.media_type in types:
            return Page(url, response, stamp_of(response))
        return Absent("no page", f"its type ({response.media_type or 'none'}) isn't one that is read")
    if status in _GONE:
        return Absent("gone", f"it isn't there: the server answers {status}")
    if status in (401, 403):
        return Absent("forbidden", f"it may not be read: the server answers {status}")
    raise LoadError(f"The server answers {status}.", "Try again later.")
