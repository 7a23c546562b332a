"""What a page links to, what it says to robots, and the pages that a sitemap lists."""

from __future__ import annotations

import html
import mimetypes
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

_LOC = re.compile(r"<loc>", re.IGNORECASE)
_LOC_ENDS = re.compile(r"</loc>", re.IGNORECASE)
_HIDDEN = ("script", "style", "textarea", "title", "template")
_TOKEN = re.compile(
    rf"<!--|<(?P<hidden>{'|'.join(_HIDDEN)})(?=[\s/>])|<(?P<tag>a|area|base|meta)(?=[\s/])", re.IGNORECASE
)
_ENDS = {"-->": re.compile("-->")} | {f"</{each}": re.compile(f"</{each}", re.IGNORECASE) for each in _HIDDEN}
_ATTRIBUTE = re.compile(
    r"""[\s/]*(?P<name>[^\s"'<>/=]{1,100})"""
    r"""(?:\s{0,20}=\s{0,20}(?P<value>"[^"]{0,4000}"|'[^']{0,4000}'|[^\s"'<>]{1,4000}))?"""
)
_MOST_TAGS = 100_000
_NO_PAGE = ("image", "audio", "video", "font")
_NO_PAGES = {"application/zip", "application/javascript", "text/javascript", "text/css", "application/gzip"}
_LONGEST_SITEMAP = 50 * 1024 * 1024
_LONGEST_URL = 2000


@dataclass(slots=True)
class Links:
    """The addresses that a page links to, in its order, and whether it asks not to be kept or followed."""

    urls: list[str] = field(default_factory=list)
    index: bool = True


def links(text: str, url: str) -> Links:
    """The links of a page at `url`. What it doesn't want followed it doesn't link to."""
    hrefs: list[str] = []
    robots: set[str] = set()
    base = None
    for tag, given in _tags(text):
        if tag == "base":
            base = base or given.get("href")
        elif tag == "meta" and given.get("name", "").lower() in ("robots", "ragbraid"):
            robots |= {each.strip() for each in given.get("content", "").lower().split(",")}
        elif given.get("href") and "nofollow" not in given.get("rel", "").lower().split():
            hrefs.append(given["href"])
    found = Links(index="noindex" not in robots and "none" not in robots)
    if not {"nofollow", "none"} & robots:
        start = (address(base, url) if base else None) or url
        urls = (address(each, start) for each in hrefs)
        found.urls = list(dict.fromkeys(each for each in urls if each is not None))
    return found


def address(href: str, base: str) -> str | None:
    """A link as an absolute address in one form, without its fragment; None where it leads to no page."""
    try:
        parts = urlsplit(urljoin(base, href.strip()))
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii") if parts.hostname else ""
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in ("http", "https") or not host or len(href) > _LONGEST_URL:
        return None
    standard = {"http": 80, "https": 443}[parts.scheme]
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port not in (None, standard) else ""
    safe = "/%:@!$&'()*+,;=~-._"
    path = quote(parts.path or "/", safe=safe)
    return urlunsplit((parts.scheme, netloc, path, quote(parts.query, safe=f"{safe}?[]"), ""))


def leads_to_a_page(url: str) -> bool:
    """Whether a link may be one to a text; pictures, films, archives and the like aren't asked for."""
    kind = mimetypes.guess_type(urlsplit(url).path)[0] or ""
    return kind.partition("/")[0] not in _NO_PAGE and kind not in _NO_PAGES


def sitemap(data: bytes, url: str) -> tuple[list[str], bool]:
    """The addresses that a sitemap lists, and whether these are sitemaps in turn."""
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(47).decompress(data, _LONGEST_SITEMAP)
        except zlib.error:
            return [], False
    text = data.decode("utf-8", "replace")
    found = (address(html.unescape(each), url) for each in _locations(text))
    return list(dict.fromkeys(each for each in found if each is not None)), "<sitemapindex" in text


def _locations(text: str) -> Iterator[str]:
    at = 0
    while (begin := _LOC.search(text, at)) and (end := _LOC_ENDS.search(text, begin.end())):
        at = end.end()
        yield text[begin.end() : end.start()].strip().removeprefix("<![CDATA[").removesuffix("]]>").strip()


def _tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The tags that matter here with their attributes, outside of comments and scripts.

    Each step goes on from the end of the last, so that it takes time in proportion to the page, whatever is
    on it; Python's own parser takes the square of it for pages made to that end.
    """
    at = 0
    for _ in range(_MOST_TAGS):
        found = _TOKEN.search(text, at)
        if found is None:
            return
        name = (found["tag"] or "").lower()
        if not name:
            ends = "-->" if found["hidden"] is None else f"</{found['hidden'].lower()}"
            ending = _ENDS[ends].search(text, found.end())
            if ending is None:
                return
            at = ending.end()
            continue
        attributes: dict[str, str] = {}
        at = found.end()
        while attribute := _ATTRIBUTE.match(text, at):
            at = attribute.end()
            value = attribute["value"] or ""
            value = value[1:-1] if value[:1] in ("'", '"') else value
            attributes.setdefault(attribute["name"].lower(), html.unescape(value))
        yield name, attributes
