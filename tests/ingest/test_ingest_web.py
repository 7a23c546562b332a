"""A site on its way into an index, and its pages as they come, change, move and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loading import Bench

from site_server import SiteServer, serving

NOW = ""


@pytest.fixture
def site() -> Iterator[SiteServer]:
    with serving() as made:
        made.page("/", "/one", "/two", text="first words")
        made.page("/one", text="words of one")
        made.page("/two", text="words of two")
        yield made


@pytest.fixture
def bench(tmp_path: Path, site: SiteServer) -> Iterator[Bench]:
    loader = {"type": "web", "urls": [f"{site.url}/"], "depth": 1, "allow_private": True, "delay": 0}
    made = Bench(tmp_path, {"type": "files"}, loader)
    yield made
    made.pipeline.close()


def test_pages_come_change_and_go(bench: Bench, site: SiteServer) -> None:
    assert bench.ingest(NOW) == {"new": 3, "embedded": 3}
    assert bench.search("two")[0].source == f"{site.url}/two"
    assert bench.ingest(NOW) == {"unchanged": 3}
    site.page("/one", text="other words")
    assert bench.ingest(NOW) == {"unchanged": 2, "changed": 1, "embedded": 1}
    del site.pages["/two"]
    assert bench.ingest(NOW) == {"unchanged": 2, "gone": 1}
    assert bench.search("two")[0].source == f"{site.url}/two"
    assert bench.ingest(NOW, prune=True) == {"unchanged": 2, "removed": 1}
    site.page("/", text="without links")
    assert bench.ingest(f"{site.url}/", prune=True)["removed"] == 1
    assert bench.sources() == [f"{site.url}/"]
    assert bench.ingest(NOW, prune=True) == {"unchanged": 1}


def test_what_can_not_be_had_for_now_is_kept(bench: Bench, site: SiteServer) -> None:
    bench.ingest(NOW)
    site.pages["/two"] = (503, {}, b"")
    assert bench.ingest(NOW, prune=True) == {"unchanged": 2, "failed": 1}
    site.pages["/"] = (500, {}, b"")
    assert bench.ingest(NOW, prune=True) == {"failed": 1, "skipped": 1}, "its links aren't known"
    assert len(bench.sources()) == 3
    assert [each.source for each in bench.report.skipped] == [site.url]
    site.pages["/robots.txt"] = "User-agent: *\nDisallow: /"
    assert bench.ingest(NOW, prune=True) == {"skipped": 1}
    assert len(bench.sources()) == 3


def test_a_listed_page_that_is_not_there_is_told(tmp_path: Path, site: SiteServer) -> None:
    loader = {"type": "web", "urls": [f"{site.url}/nowhere"], "allow_private": True, "delay": 0}
    bench = Bench(tmp_path, loader)
    assert bench.ingest(NOW) == {"skipped": 1}
    assert bench.report.skipped[0].reason == "it isn't there: the server answers 404"


def test_a_page_that_moved_keeps_what_was_embedded(bench: Bench, site: SiteServer) -> None:
    bench.ingest(NOW)
    site.pages["/two"] = (301, {"Location": "/zwei"}, b"")
    site.page("/zwei", text="words of two")
    site.pages["/zwei"] = str(site.pages["/zwei"]).replace("/zwei", "/two")
    assert bench.ingest(NOW) == {"unchanged": 2, "renamed": 1}
    assert f"{site.url}/zwei" in bench.sources()


def test_an_entity_tag_saves_the_page_unless_the_steps_changed(tmp_path: Path, site: SiteServer) -> None:
    site.pages["/one"] = (200, {"Content-Type": "text/html", "ETag": '"1"'}, b"<p>words of one</p>")
    loader = {"type": "web", "urls": [f"{site.url}/one"], "allow_private": True, "delay": 0}
    assert Bench(tmp_path, loader).ingest(NOW) == {"new": 1, "embedded": 1}
    site.asked.clear()
    assert Bench(tmp_path, loader).ingest(NOW) == {"unchanged": 1}
    assert site.asked == ["/robots.txt", "/one"]
    assert Bench(tmp_path, {**loader, "exclude": ["x"]}).ingest(NOW) == {"changed": 1}
    assert Bench(tmp_path, {**loader, "exclude": ["x"]}).ingest(NOW) == {"unchanged": 1}
