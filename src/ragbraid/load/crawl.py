"""Which pages a site has: those that are named, those that a sitemap lists, and those that they link to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from ragbraid.errors import LoadError
from ragbraid.load.html_links import leads_to_a_page, links, sitemap
from ragbraid.load.site import PAGES, SITEMAPS, Absent, Page, Site, host_of
from ragbraid.load.web_text import html_of
from ragbraid.types import Gone, Skipped, SourceRef

_MOST_SITEMAPS = 200
_BLIND = "not all of its pages could be looked for, so none counts as gone because nothing links to it"

Keep = Callable[[Page], SourceRef]
"""Puts a fetched page away until it is loaded."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Stands for a page that can't be had now: reading it raises the error."""

    error: LoadError


@dataclass(slots=True)
class Crawl:
    """One pass over a site, breadth first; a page is fetched once, and named by where it is in the end."""

    site: Site
    depth: int
    most: int
    wants: Callable[[str], bool]
    stamps: Mapping[str, str]
    keep: Keep
    _named: set[str] = field(default_factory=set)
    _queued: set[str] = field(default_factory=set)
    _blind: dict[str, str] = field(default_factory=dict)
    """Hosts of which not every page was seen, and why."""

    def pages(self, urls: tuple[str, ...], sitemaps: tuple[str, ...]) -> Iterator[SourceRef | Skipped | Gone]:
        """Everything that was found, and at the end the hosts that weren't looked at as a whole."""
        queue: deque[tuple[str, int]] = deque()
        for url in urls:
            self._queue(queue, url, 0)
        yield from self._listed(queue, sitemaps)
        count = 0
        while queue:
            url, depth = queue.popleft()
            if count >= self.most:
                said = f"it has more than {self.most} pages (`max_pages`), and not all were read"
                self._blind.update({host_of(each): said for each in (url, *(each for each, _ in queue))})
                break
            count += 1
            yield from self._page(queue, url, depth)
        for host, reason in sorted(self._blind.items()):
            yield Skipped(host.rstrip("/"), reason)

    def _page(
        self, queue: deque[tuple[str, int]], url: str, depth: int
    ) -> Iterator[SourceRef | Skipped | Gone]:
        # The links of a page are wanted even where it is unchanged.
        stamp = self.stamps.get(url, "") if depth >= self.depth else ""
        try:
            found = self.site.fetch(url, stamp)
        except LoadError as error:
            if depth < self.depth:
                self._blind.setdefault(host_of(url), _BLIND)
            if url not in self._named:
                self._named.add(url)
                yield SourceRef(url, url, held=Failed(error))
            return
        if isinstance(found, Absent):
            if found.kind == "gone":
                yield Gone(url, found.reason)
            elif depth == 0 or found.kind == "forbidden":
                yield Skipped(url, found.reason)
            return
        if found.url in self._named:
            return
        self._named.add(found.url)
        if found.unchanged:
            yield self.keep(found)
            return
        text = html_of(found.response) if PAGES[found.response.media_type] == "page.html" else ""
        linked = links(text, found.url)
        if depth < self.depth:
            for each in linked.urls:
                self._queue(queue, each, depth + 1)
        if linked.index:
            yield self.keep(found)
        else:
            yield Skipped(found.url, "it asks not to be indexed (its meta tag for robots)")

    def _queue(self, queue: deque[tuple[str, int]], url: str, depth: int) -> None:
        if url in self._queued or host_of(url) not in self.site.hosts:
            return
        if depth == 0 or (self.wants(url) and leads_to_a_page(url)):
            self._queued.add(url)
            queue.append((url, depth))

    def _listed(
        self, queue: deque[tuple[str, int]], sitemaps: tuple[str, ...]
    ) -> Iterator[SourceRef | Skipped]:
        """Queue what the sitemaps list, and the sitemaps that these list."""
        waiting = deque(sitemaps)
        seen: set[str] = set()
        while waiting and len(seen) < _MOST_SITEMAPS:
            url = waiting.popleft()
            if url in seen:
                continue
            seen.add(url)
            try:
                found = self.site.fetch(url, types=SITEMAPS)
            except LoadError as error:
                self._blind.setdefault(host_of(url), _BLIND)
                yield SourceRef(url, url, held=Failed(error))
                continue
            if isinstance(found, Absent):
                self._blind.setdefault(host_of(url), _BLIND)
                yield Skipped(url, f"the sitemap can't be read: {found.reason}")
                continue
            listed, are_sitemaps = sitemap(found.response.body, found.url)
            for each in listed:
                if are_sitemaps:
                    waiting.append(each)
                elif self.wants(each):
                    self._queue(queue, each, 0)
