"""Pages of a site, from a real server on the loopback interface that lies, dawdles and leads astray."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ragbraid.errors import InputError, LoadError
from ragbraid.load import robots
from ragbraid.load.html_links import address, links, sitemap
from ragbraid.load.http_client import is_public
from ragbraid.load.protocol import Loader
from ragbraid.load.web import Web
from ragbraid.testing.loader import LoaderConformance
from ragbraid.types import Document, Gone, Skipped, SourceRef
from site_server import SiteServer, serving
from timing import least_seconds

HTML = {"Content-Type": "text/html"}


@pytest.fixture
def site() -> Iterator[SiteServer]:
    with serving() as made:
        yield made


class TestWebConforms(LoaderConformance):
    @pytest.fixture(autouse=True)
    def _site(self, site: SiteServer) -> None:
        site.page("/a")
        site.page("/b")
        self.site = site

    def loader(self) -> Loader:
        return web(self.site, "/a", "/b")

    def write(self, folder: Path) -> Sequence[str]:
        return [f"{self.site.url}/"]


def web(site: SiteServer, *paths: str, **settings: Any) -> Web:
    defaults: dict[str, Any] = {"allow_private": True, "delay": 0.0, "timeout": 5.0}
    return Web(tuple(site.url + each for each in paths), **{**defaults, **settings})


def found(loader: Web, stamps: dict[str, str] | None = None) -> list[SourceRef | Skipped | Gone]:
    return list(loader.scan_since(loader.roots(), Path(), stamps or {}))


def names(loader: Web) -> list[str]:
    refs = [each for each in found(loader) if isinstance(each, SourceRef)]
    return [each.origin.partition("//")[2].partition("/")[2] for each in refs]


def skipped(loader: Web) -> dict[str, str]:
    return {
        each.source.rpartition("/")[2]: each.reason for each in found(loader) if isinstance(each, Skipped)
    }


def document(loader: Web) -> Document:
    (ref,) = (each for each in found(loader) if isinstance(each, SourceRef))
    (read,) = loader.load(ref)
    return read


def failure(loader: Web) -> str:
    (ref,) = (each for each in found(loader) if isinstance(each, SourceRef))
    with pytest.raises(LoadError) as caught:
        list(loader.load(ref))
    with pytest.raises(LoadError):
        loader.fingerprint(ref)
    return str(caught.value)


def test_a_page_is_read_as_files_reads_html(site: SiteServer) -> None:
    site.pages["/a"] = (
        '<html lang="en"><title>Leave</title><script>no()</script><h1>Parental</h1><p>14 &lt;months&gt;.</p>'
    )
    read = document(web(site, "/a"))
    assert read.source == f"{site.url}/a"
    assert (read.metadata["title"], read.metadata["lang"]) == ("Leave", "en")
    assert "# Parental" in read.text
    assert "14 <months>." in read.text
    assert "no()" not in read.text


def test_links_are_followed_as_deep_as_asked_and_on_the_same_host_alone(site: SiteServer) -> None:
    site.page(
        "/", "one", "/two?x=1#part", "https://elsewhere.invalid/", "mailto:a@b", "pic.png", "../up", "#here"
    )
    site.page("/one", "/deep", "/")
    site.page("/two?x=1", "/one")
    site.page("/deep", "/deeper")
    site.page("/up")
    assert names(web(site, "/")) == [""]
    assert names(web(site, "/", depth=1)) == ["", "one", "two?x=1", "up"]
    assert names(web(site, "/", depth=2)) == ["", "one", "two?x=1", "up", "deep"]
    assert names(web(site, "/", depth=9, exclude=("one",))) == ["", "two?x=1", "up"]
    assert names(web(site, "/", depth=9, include=("/two",))) == ["", "two?x=1"]
    assert "/pic.png" not in site.asked
    assert max(map(site.asked.count, {*site.asked} - {"/robots.txt"})) <= 5, "each once a scan"


def test_there_is_a_limit_of_pages_and_then_none_counts_as_gone(site: SiteServer) -> None:
    for n in range(9):
        site.page(f"/{n}", f"/{n + 1}")
    loader = web(site, "/0", depth=99, max_pages=4)
    assert names(loader) == ["0", "1", "2", "3"]
    assert "max_pages" in next(iter(skipped(loader).values()))


def test_a_sitemap_lists_pages_and_further_sitemaps(site: SiteServer) -> None:
    def listing(*paths: str, kind: str = "urlset") -> bytes:
        entries = (f"<url><loc> {site.url}{each} </loc></url>" for each in paths)
        return f"<{kind}>{''.join(entries)}</{kind}>".encode()

    xml = {"Content-Type": "application/xml"}
    site.pages["/map.xml"] = (200, xml, listing("/one.xml", "/two.xml.gz", "/map.xml", kind="sitemapindex"))
    site.pages["/one.xml"] = (200, xml, listing("/a?x=1&amp;y=2", "/b"))
    site.pages["/two.xml.gz"] = (
        200,
        {"Content-Type": "application/gzip"},
        gzip.compress(listing("/c", "/b")),
    )
    for path in ("/a?x=1&y=2", "/b", "/c"):
        site.page(path, "/not-followed")
    loader = Web(sitemap=f"{site.url}/map.xml", allow_private=True, delay=0.0)
    assert names(loader) == ["a?x=1&y=2", "b", "c"]
    assert names(Web(sitemap=f"{site.url}/map.xml", exclude=("b",), allow_private=True, delay=0.0)) == [
        "a?x=1&y=2", "c"
    ]  # fmt: skip
    site.pages.pop("/map.xml")
    assert "the sitemap can't be read" in skipped(loader)["map.xml"]


def test_robots_txt_and_meta_tags_are_heeded(site: SiteServer) -> None:
    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /secret\nAllow: /secret/but\n"
    site.page("/", "/secret/a", "/secret/but", "/silent", "/leaf")
    site.page("/secret/a")
    site.page("/secret/but")
    site.pages["/silent"] = '<meta name="robots" content="noindex"><a href="/from-silent">x</a>words'
    site.pages["/leaf"] = '<meta name="robots" content="NoFollow"><a href="/never">x</a>words'
    site.page("/from-silent")
    site.page("/never")
    loader = web(site, "/", depth=3)
    assert names(loader) == ["", "secret/but", "leaf", "from-silent"]
    reasons = skipped(loader)
    assert "robots.txt" in reasons["a"]
    assert "not to be indexed" in reasons["silent"]
    assert not {"/secret/a", "/never"} & set(site.asked)


def test_a_site_whose_robots_txt_can_not_be_had_is_left_alone(site: SiteServer) -> None:
    site.pages["/robots.txt"] = (503, {}, b"")
    site.page("/a")
    site.page("/b")
    assert "Its robots.txt can't be had" in failure(web(site, "/a"))
    assert set(site.asked) == {"/robots.txt"}


def test_requests_keep_a_distance_and_say_who_asks(site: SiteServer) -> None:
    for each in "abc":
        site.page(f"/{each}")
    began = time.monotonic()
    names(web(site, "/a", "/b", "/c", delay=0.1, user_agent="me"))
    assert time.monotonic() - began >= 0.3
    assert {each["User-Agent"] for each in site.headers} == {"me"}


def test_what_is_unchanged_is_not_sent_again_and_is_there_all_the_same(site: SiteServer) -> None:
    site.pages["/a"] = (200, {**HTML, "ETag": '"v1"'}, b"<p>the text</p>")
    loader = web(site, "/a")
    (first,) = found(loader)
    assert isinstance(first, SourceRef)
    assert first.stamp == 'etag "v1"'
    (second,) = found(loader, {first.origin: first.stamp})
    assert isinstance(second, SourceRef)
    assert (second.stamp, second.size) == (first.stamp, 0)
    assert site.headers[-1]["If-None-Match"] == '"v1"'
    assert list(loader.load(second)) == list(loader.load(first)), "other steps want it nonetheless"
    assert loader.fingerprint(second) == loader.fingerprint(first)
    site.pages["/a"] = (200, {**HTML, "ETag": '"v2"'}, b"<p>new</p>")
    (third,) = found(loader, {first.origin: first.stamp})
    assert isinstance(third, SourceRef)
    assert third.stamp == 'etag "v2"'


def test_pages_that_are_not_there_are_gone_and_failing_ones_fail(site: SiteServer) -> None:
    site.page("/", "/deleted", "/closed")
    site.pages["/deleted"] = (410, {}, b"")
    site.pages["/closed"] = (403, {}, b"")
    every = found(web(site, "/", "/absent", depth=1))
    assert {each.source.rpartition("/")[2]: each.reason[-3:] for each in every if isinstance(each, Gone)} == {
        "absent": "404", "deleted": "410"
    }  # fmt: skip
    assert "403" in skipped(web(site, "/", depth=1))["closed"]
    for status in (500, 503, 429):
        site.pages["/bad"] = (status, {}, b"")
        assert f"The server answers {status}" in failure(web(site, "/bad"))


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("text/html; charset=windows-1251", "<p>Привет мир</p>".encode("cp1251")),
        ("text/html", '<meta charset="windows-1251"><p>Привет мир</p>'.encode("cp1251")),
        ("text/html; charset=utf-8", '<meta charset="windows-1251"><p>Привет мир</p>'.encode()),
        ("text/html; charset=iso-8859-1", "<p>Привет мир</p>".encode()),
        ("text/html; charset=nonsense", "<p>Привет мир</p>".encode()),
        ("text/html; charset=utf-8", "<p>Привет мир</p>".encode("utf-16")),
        ("text/html; charset=iso-2022-jp", "<p>Привет мир</p>".encode("iso-2022-jp")),
        ("text/plain; charset=koi8-r", "Привет мир".encode("koi8-r")),
    ],
)
def test_the_charset_of_header_and_meta(site: SiteServer, header: str, body: bytes) -> None:
    site.pages["/a"] = (200, {"Content-Type": header}, body)
    assert document(web(site, "/a")).text.strip() == "Привет мир"


def test_compressed_answers_and_bombs(site: SiteServer) -> None:
    packed = {**HTML, "Content-Encoding": "gzip"}
    site.pages["/a"] = (200, packed, gzip.compress(b"<p>the text</p>"))
    assert document(web(site, "/a")).text.strip() == "the text"
    site.pages["/a"] = (200, packed, gzip.compress(b"x" * 50_000_000))
    assert "larger than `max_mb`" in failure(web(site, "/a", max_mb=1.0))
    site.pages["/a"] = (200, packed, b"no gzip")
    assert "isn't compressed as it says" in failure(web(site, "/a"))


def test_types_that_are_no_text_are_left_out_without_reading_them(site: SiteServer) -> None:
    site.pages["/a"] = (200, {"Content-Type": "image/png", "Content-Length": "99999999999"}, b"x")
    assert skipped(web(site, "/a")) == {"a": "its type (image/png) isn't one that is read"}


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n")
    for _ in range(200):
        handler.wfile.write(b"x")
        time.sleep(0.02)


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(200):
        handler.wfile.write(b"H")
        time.sleep(0.02)


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        handler.wfile.write(b"x" * 65536)


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-hello\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (drip, "isn't answered within 0.3 seconds"),
        (drip_headers, "isn't answered within 0.3 seconds"),
        (silent, "isn't answered within 0.3 seconds"),
        (endless, "larger than `max_mb` (1 MB)"),
        (nonsense, "gives no proper answer"),
        ((200, {**HTML, "Content-Length": "5000"}, b"short"), "broke off before its end"),
        ((302, {"Location": "/a"}, b""), "leads on more than 5 times"),
    ],
)
def test_servers_that_dawdle_lie_or_lead_in_circles(site: SiteServer, answer: Any, said: str) -> None:
    site.pages["/robots.txt"] = ""
    site.pages["/a"] = answer
    began = time.monotonic()
    assert said in failure(web(site, "/a", timeout=0.3, max_mb=1.0))
    assert time.monotonic() - began < 3


def test_a_body_longer_than_its_length_is_cut_there(site: SiteServer) -> None:
    site.pages["/a"] = (200, {**HTML, "Content-Length": "11"}, b"<p>abcd</p><p>more</p>")
    assert document(web(site, "/a")).text.strip() == "abcd"


def test_redirects_are_followed_within_the_site_and_pages_named_by_their_end(site: SiteServer) -> None:
    site.pages["/old"] = (301, {"Location": "/new"}, b"")
    site.page("/new")
    site.pages["/out"] = (302, {"Location": "http://elsewhere.invalid/x"}, b"")
    site.pages["/file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    loader = web(site, "/old", "/new", "/out", "/file")
    assert names(loader) == ["new"]
    assert skipped(loader) == {
        "out": "it leads to another host (elsewhere.invalid)", "file": "it leads to no page"
    }  # fmt: skip


def test_private_addresses_are_refused_whatever_leads_there(
    site: SiteServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page("/a")
    assert "is in a private network (127.0.0.1)" in failure(web(site, "/a", allow_private=False))
    assert site.asked == []
    port = int(site.url.rpartition(":")[2])
    answers = iter([["8.8.8.8"], ["127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254", "10.0.0.1"]])
    connected: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in next(answers)]

    def connect(_: socket.socket, where: tuple[str, int]) -> None:
        connected.append(where[0])
        raise ConnectionRefusedError("no")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    loader = Web((f"http://rebinding.example:{port}/a",), delay=0.0)
    assert "can't be reached" in failure(loader)
    for _ in range(3):
        assert "is in a private network" in failure(loader)
    assert connected == ["8.8.8.8"], "what was checked is what is connected to, and nothing else"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
        ("127.0.0.1", False), ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.0.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("0.0.0.0", False), ("255.255.255.255", False),
        ("224.0.0.1", False), ("::1", False), ("fe80::1%eth0", False), ("fd00::1", False), ("::", False),
        ("::ffff:127.0.0.1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("ff02::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "neither `urls` nor `sitemap`"),
        ({"urls": ("example.org",)}, "'example.org' isn't an address"),
        ({"urls": ("ftp://example.org/",)}, "isn't an address"),
        ({"urls": ("https://me:secret@example.org/",)}, "name or password"),
        ({"sitemap": "/etc/passwd"}, "isn't an address"),
        ({"urls": ("https://example.org/",), "user_agent": "x\r\nCookie: y"}, "plain ASCII"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Web(**settings)
    assert "secret" not in str(caught.value)


def test_other_sites_than_its_own_are_refused(site: SiteServer) -> None:
    with pytest.raises(InputError, match=r"no site 'https://example\.org/'"):
        web(site, "/a").scan(["https://example.org/"], Path())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="a certificate is made by openssl")
def test_certificates_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as site:
        site.page("/a", text="a secure text")
        loader = Web((f"https://localhost:{site.url.rpartition(':')[2]}/a",), allow_private=True, delay=0.0)
        assert "certificate isn't trusted" in failure(loader)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert document(loader).text.strip() == "a secure text"
        by_number = Web((site.url.replace("http:", "https:"),), allow_private=True, delay=0.0)
        assert "certificate isn't trusted" in failure(by_number)


@pytest.mark.parametrize(
    ("rules", "allowed", "refused"),
    [
        ("User-agent: *\nDisallow: /", "", "/ /a"),
        ("User-agent: *\nDisallow:", "/ /a", ""),
        ("User-agent: other\nDisallow: /\n\nUser-agent: RagBraid\nDisallow: /x", "/ /a", "/x /xy"),
        ("User-agent: a\nUser-agent: ragbraid\nDisallow: /x\nUser-agent: *\nDisallow: /", "/a", "/x"),
        ("User-agent: *\nDisallow: /*.pdf$\nDisallow: /a*/b", "/x.pdf?y /a/c", "/x.pdf /ax/b /a/x/b/c"),
        ("User-agent: *\nAllow: /a/b\nDisallow: /a\nAllow: /a", "/a /a/b/c", ""),
        ("User-agent: *\nDisallow: /%7Eme # his\nDisallow: /ü", "/me", "/~me /%7eme/x /%C3%BC"),
        ("\ufeffUser-agent: *\r\nDisallow: /x\r\n", "/", "/x"),
        ("nonsense\n<html>\nDisallow: /x", "/x", ""),
    ],
)
def test_rules_of_robots_txt(rules: str, allowed: str, refused: str) -> None:
    parsed = robots.parse(rules.encode(), "ragbraid")
    assert [each for each in allowed.split() if not parsed.allows(each)] == []
    assert [each for each in refused.split() if parsed.allows(each)] == []


def test_a_hostile_pattern_takes_no_time() -> None:
    pattern = "/" + "*a" * 2000 + "b$"
    parsed = robots.parse(f"User-agent: *\nDisallow: {pattern}\nCrawl-delay: 9999".encode(), "ragbraid")
    assert parsed.allows("/" + "a" * 5000)
    assert parsed.delay == 30.0


def test_links_are_found_as_browsers_find_them() -> None:
    text = """<!-- <a href="/comment"> --><script>"<a href='/script'>"</script><A
        class=x HREF = '/quoted?a=1&amp;b=2' ><a href=/bare><a data-x="<a href='/inside'>" href="/after">
        <area href="/area"><a name=x><abbr href="/no"><a href="/rel" rel="nofollow noopener"><a
        href="unclosed
        """
    assert links(text, "https://h/").urls == [
        f"https://h/{each}" for each in ("quoted?a=1&b=2", "bare", "after", "area")
    ]
    assert links('<base href="/b/"><a href="c">', "https://h/a/").urls == ["https://h/b/c"]


@pytest.mark.parametrize(
    "part", ["<!--", "<![", "<a ", "</", "<!", "&", "<a href='", '<a href="', "<script>", "<a b=' ", "<loc> "]
)
def test_hostile_markup_takes_no_time(part: str) -> None:
    def read() -> None:
        links(part * 50_000, "https://h/")
        sitemap(part.encode() * 50_000, "https://h/")

    assert least_seconds(read, 1) < 5, "the square of it would be an hour"


@hypothesis_settings(deadline=None)
@given(st.text(st.sampled_from("<>a !-/='\"hrefscipt"), max_size=200))
def test_any_markup_has_links_or_none(text: str) -> None:
    links(text, "https://h/")


@hypothesis_settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_rules_or_none(data: bytes) -> None:
    robots.parse(b"User-agent: *\n" + data, "ragbraid").allows("/a?b")


@hypothesis_settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_an_address_or_none(href: str, text: str) -> None:
    found_address = address(href, "https://example.org/a/b")
    if found_address is not None:
        assert found_address.isascii()
        assert found_address.startswith(("http://", "https://"))
        assert address(found_address, found_address) == found_address
    links(f'<a href="{href}">{text}<base href="{text}">', "https://example.org/")
