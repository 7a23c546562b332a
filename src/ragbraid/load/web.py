"""The `web` loader: a document for each page of a site."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from annotated_types import Ge, Gt

from ragbraid.errors import InputError, LoadError
from ragbraid.load.crawl import Crawl, Failed
from ragbraid.load.html_links import address
from ragbraid.load.http_client import Limits
from ragbraid.load.site import PAGES, Absent, Page, Site, host_of
from ragbraid.load.spool import Spool, Spooled
from ragbraid.load.walk import globs
from ragbraid.load.web_text import in_utf8
from ragbraid.types import Document, Gone, Skipped, SourceRef


@dataclass(frozen=True, slots=True)
class Web:
    """Reads pages of the web: those named by `urls`, those that a `sitemap` lists, and what they link to.

    `depth` says how many links away from `urls` is read, on the same hosts alone, and no more than
    `max_pages`; of links and sitemaps, `include` and `exclude` choose by globs over the path. Pages are
    HTML, Markdown, text and PDF, named and cited by their address, and stored as `files` stores them.

    A site's robots.txt and its meta tags for robots are heeded, there are `delay` seconds between two
    requests, and each says by `user_agent` who asks. A page that the server calls unchanged (`ETag`,
    `Last-Modified`) isn't sent again. One that isn't there any more (404, 410, or linked by none) is gone:
    kept, and removed with `--prune`; one that can't be had for now fails, and what is stored of it stays.

    Addresses in private networks are refused unless `allow_private`, whatever name or redirect leads there;
    no proxy is used. A request may take `timeout` seconds in all, an answer `max_mb` megabytes. The network
    is used by `ragbraid ingest` alone: without a path, or with that of a host, `https://example.org/`.
    """

    urls: tuple[str, ...] = ()
    sitemap: str | None = None
    depth: Annotated[int, Ge(0)] = 0
    max_pages: Annotated[int, Gt(0)] = 1000
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    delay: Annotated[float, Ge(0)] = field(default=0.5, metadata={"digest": False})
    timeout: Annotated[float, Gt(0)] = field(default=30.0, metadata={"digest": False})
    max_mb: Annotated[float, Gt(0)] = field(default=16.0, metadata={"digest": False})
    allow_private: bool = field(default=False, metadata={"digest": False})
    user_agent: str = field(default="ragbraid (a reader for one person's index)", metadata={"digest": False})

    blocking: ClassVar[bool] = True
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not self.urls and not self.sitemap:
            raise ValueError("neither `urls` nor `sitemap` is given, so there is nothing to read")
        for each in self._addresses():
            parts = urlsplit(each)
            if parts.username or parts.password:
                raise ValueError("an address holds a name or password, and would be stored with it")
            if address(each, each) is None:
                raise ValueError(f"{each!r} isn't an address such as https://example.org/page")
        if not self.user_agent.isprintable() or not self.user_agent.isascii():
            raise ValueError("user_agent wants plain ASCII")

    def roots(self) -> Sequence[str]:
        """The hosts that it reads."""
        return tuple(dict.fromkeys(host_of(each) for each in self._normal()))

    def scan(self, paths: Sequence[str], base: Path) -> Iterator[SourceRef | Skipped | Gone]:
        """Fetch the pages of these hosts, breadth first."""
        return self.scan_since(paths, base, {})

    def scan_since(
        self, paths: Sequence[str], base: Path, stamps: Mapping[str, str]
    ) -> Iterator[SourceRef | Skipped | Gone]:
        """`scan`; a page that is stored with its stamp is only sent where it has changed."""
        del base
        for path in paths:
            if path not in self.roots():
                raise InputError(
                    f"There is no site {path!r}.", f"This loader reads {', '.join(self.roots())}."
                )
        site, spool = self._site(frozenset(paths)), Spool()

        def keep(page: Page) -> SourceRef:
            held = _Held(site, spool, page.url)
            size = 0 if page.unchanged else held.put(page)
            return SourceRef(page.url, page.url, size, page.stamp, held)

        crawl = Crawl(site, self.depth, self.max_pages, self._wants, stamps, keep)
        mine = tuple(each for each in map(_normal, self.urls) if host_of(each) in site.hosts)
        maps = tuple(
            each for each in map(_normal, filter(None, [self.sitemap])) if host_of(each) in site.hosts
        )
        return crawl.pages(mine, maps) if paths else iter(())

    def fingerprint(self, ref: SourceRef) -> str:
        """The SHA-256 of the page as it was sent."""
        return _held(ref).sha256

    def load(self, ref: SourceRef) -> Iterator[Document]:
        """The page, read as `files` reads its format."""
        from ragbraid.load.formats import reader_for
        from ragbraid.load.reading import Settings

        held = _held(ref)
        reader = reader_for(held.name)
        if reader is None:
            raise LoadError("Its format isn't one that is read.")
        yield from reader(ref.origin, held.read(), Settings())

    def _site(self, hosts: frozenset[str]) -> Site:
        limits = Limits(self.timeout, int(self.max_mb * 1e6), self.allow_private)
        return Site(hosts, limits, self.delay, self.user_agent)

    def _wants(self, url: str) -> bool:
        path = urlsplit(url).path.lstrip("/")
        included = not self.include or globs(self.include).match_file(path)
        return included and not (self.exclude and globs(self.exclude).match_file(path))

    def _addresses(self) -> list[str]:
        return [*self.urls, *([self.sitemap] if self.sitemap else [])]

    def _normal(self) -> list[str]:
        return [_normal(each) for each in self._addresses()]


@dataclass(slots=True)
class _Held:
    """A page that waits to be loaded; one that was called unchanged, and is wanted after all, is fetched."""

    site: Site
    spool: Spool
    url: str
    _name: str = ""
    _sha256: str = ""
    _place: Spooled | None = None

    def put(self, page: Page) -> int:
        """Put the page's bytes away; how many they are."""
        data = in_utf8(page.response)
        self._name, self._place = PAGES[page.response.media_type], self.spool.put(data)
        self._sha256 = hashlib.sha256(data).hexdigest()
        return len(data)

    @property
    def name(self) -> str:
        """A name that tells the page's format."""
        self._have()
        return self._name

    @property
    def sha256(self) -> str:
        """The hash of its bytes, in hexadecimal."""
        self._have()
        return self._sha256

    def read(self) -> bytes:
        """Its bytes."""
        place = self._have()
        return self.spool.read(place.start, place.length)

    def _have(self) -> Spooled:
        if self._place is None:
            found = self.site.fetch(self.url)
            if isinstance(found, Absent):
                raise LoadError(f"It can't be read: {found.reason}.", "Look at it in a browser.")
            self.put(found)
        assert self._place is not None
        return self._place


def _held(ref: SourceRef) -> _Held:
    if isinstance(ref.held, Failed):
        raise LoadError(ref.held.error.message, ref.held.error.hint)
    if not isinstance(ref.held, _Held):
        raise LoadError(f"{ref.origin} isn't there any more.", "Ingest again.")
    return ref.held


def _normal(url: str) -> str:
    return address(url, url) or url
