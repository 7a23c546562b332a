"""The pages agree with the files they speak of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from blocks import blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *(ROOT / "pipelines").glob("*.md")]
PAGES += (ROOT / "reference").glob("*.md")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)[^)]*\)|!\[([^\]]*)\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere_and_pictures_have_words(page: Path) -> None:
    for link, words, picture in LINK.findall(page.read_text("utf-8")):
        target = link or picture
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
        assert link or words, f"{page.name}: the picture {picture} has no alternative text"


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
