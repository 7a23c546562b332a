"""The pages agree with the files they speak of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from blocks import FENCE, blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "pipelines").glob("*.md")]
PAGES += (ROOT / "reference").glob("*.md")
PAGES += [*(ROOT / "examples").glob("*/README.md"), *(ROOT / "connectors").glob("*/README.md")]
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+ (.*)$", re.M)


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`: each heading in small letters, with hyphens for spaces."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_and_pictures_have_words(page: Path) -> None:
    for picture, words, link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        assert words or not picture, f"{page.name}: the picture {link} has no alternative text"
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.is_file(), f"{page.name} links to {link}, which is no file"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}: no such heading"


def named(nav: Any) -> list[str]:
    """The pages that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    return [page for each in (nav.values() if isinstance(nav, dict) else nav) for page in named(each)]


def test_the_sites_navigation_names_each_page_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert sorted(named(site["nav"])) == sorted(page.relative_to(ROOT).as_posix() for page in PAGES)


def test_the_site_builds_without_a_warning_and_asks_no_server_for_anything(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="Material for MkDocs isn't installed")
    left_out = shutil.ignore_patterns("build", ".*", "__pycache__", "src")
    shutil.copytree(ROOT, tmp_path, dirs_exist_ok=True, ignore=left_out)  # the wheels' tests read ROOT
    python = [f'VENV_PYTHON="{sys.executable}"', "-o", ".venv/.made-dev"]
    done = subprocess.run(
        ["make", "docs", *python], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    built = list((tmp_path / "build" / "site").rglob("*.html"))
    assert len(built) > len(PAGES)
    asked = re.compile(r"<(?:script|img|link rel=.?(?:style|preconnect))[^>]*(?:src|href)=.?https?:")
    assert [page.name for page in built if asked.search(page.read_text("utf-8"))] == []


def test_the_readme_shows_the_default_pipeline() -> None:
    shown = [each.text for each in blocks((ROOT / "README.md").read_text("utf-8")) if each.lang == "yaml"]
    default = yaml.safe_load((ROOT / "pipelines" / "local.yaml").read_text("utf-8"))
    for cosmetic in ("name", "description"):
        del default[cosmetic]
    assert [yaml.safe_load(each) for each in shown] == [default]


def test_the_table_of_pipelines_has_each_of_them() -> None:
    page = (ROOT / "docs" / "pipelines.md").read_text("utf-8")
    listed = re.findall(r"^\| \[`([\w-]+\.yaml)`\]", page, re.M)
    assert sorted(listed) == sorted(file.name for file in (ROOT / "pipelines").glob("*.yaml"))
