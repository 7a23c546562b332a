"""Takes pictures of the page that `ragbraid serve` shows, for docs/serve.md.

Run it from the repository's root, with Chromium and the two small models fetched:
.venv/bin/python tests/docs/page_pictures.py. They are GIFs, since no loader of ragbraid's reads these: so
the documentation that the demo ingests is the same with Tesseract and without.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests" / "serve")]  # as pytest's pythonpath

from PIL import Image  # noqa: E402
from served import serving  # noqa: E402

from browser import browser  # noqa: E402
from ragbraid import Pipeline  # noqa: E402
from ragbraid.serve.app import build  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

PICTURES = ROOT / "docs" / "pictures"
QUESTION = "Can a pipeline file run code by itself?"
WIDTH = 1180


def main() -> None:
    """Take the pictures anew."""
    with tempfile.TemporaryDirectory() as folder:
        file = _ingested(Path(folder))
        with serving(build([Pipeline.load(file).open()])) as url, browser() as opened:
            for name, scheme, height, show in (
                ("page-answer", "light", 920, _answer),
                ("page-document", "dark", 760, _document),
                ("page-pipeline", "light", 860, _pipeline),
            ):
                options: Any = {"color_scheme": scheme, "viewport": {"width": WIDTH, "height": height}}
                page = opened.new_page(**options)
                page.goto(url)
                page.get_by_role("textbox", name="Question").fill(QUESTION)
                for _ in range(2):  # the second time nothing has to be warmed up
                    page.keyboard.press("Enter")
                    page.locator("article:not([aria-busy])").wait_for()
                show(page)
                _keep(page.screenshot(), PICTURES / f"{name}.gif")
                page.close()


def _ingested(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("pictures"))
    file = folder / "ragbraid.yaml"
    shutil.copy(ROOT / "pipelines" / "local.yaml", file)
    with Pipeline.load(file) as pipeline:
        pipeline.ingest([folder / "docs"])
    return file


def _answer(page: Page) -> None:
    page.get_by_text("Why these passages?").click()
    page.get_by_role("button", name="Good answer").click()
    page.mouse.move(0, 0)


def _document(page: Page) -> None:
    page.locator("a.cite").first.click()
    page.locator("#document mark").wait_for()


def _pipeline(page: Page) -> None:
    page.locator("nav").get_by_role("link", name="Pipeline").click()
    page.locator("figure .time").first.wait_for()


def _keep(picture: bytes, path: Path) -> None:
    found = Image.open(io.BytesIO(picture)).convert("RGB")
    found.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
