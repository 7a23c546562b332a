"""The page at `/` in a real browser: each thing that people do there."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas
from served import client, ended, serving, write

from browser import browser
from ragbraid import Pipeline
from ragbraid.evaluate.feedback import read_feedback
from ragbraid.pipeline.engine import Engine
from ragbraid.pipeline.serving import Settings
from ragbraid.serve.app import build
from ragbraid.serve.keys import add
from ragbraid.serve.page.routes import CSP

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PIPELINE = """\
ragbraid: 1
name: hr
description: What people ask about their work.
components:
  embedder: {type: testing/hash-embedder}
  index: {type: faiss, path: index, embedder: embedder}
  generator: {type: testing/echo-generator}
  slow: {type: testing/echo-generator, delay: 0.15}
ingest:
  - {type: files}
  - {type: recursive-splitter, max_tokens: 60}
  - index
search:
  - {type: dense, index: index, candidates: 30}
  - {type: lexical, index: index, candidates: 30}
  - {type: rrf, hits: [dense, lexical]}
  - {type: maxsim, embedder: embedder}
ask:
  - search
  - {type: quote, generator: generator, embedder: embedder}
flows:
  prose:
    inputs: {question: str}
    steps:
      - {use: search, question: question}
      - {type: compose, generator: slow, unsupported: keep}
"""
EVIL = """\
---
title: <img src=x onerror=alert(1)>
---
😀😀 Run the tool <input> with --to <output> for wages.

</div><script>alert(2)</script> Wages are paid on the last day of the month.
"""
ROOM = "A hotel room costs at most 120 euros."
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "docs").mkdir()
    (folder / "docs" / "wages.md").write_text(EVIL, "utf-8")
    pdf = Canvas(str(folder / "docs" / "travel.pdf"))
    for text in ("Trains are booked by the office.", ROOM):
        pdf.drawString(72, 700, text)
        pdf.showPage()
    pdf.save()
    return write(folder, PIPELINE).parent


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with _served(folder) as address:
        yield address


def _served(folder: Path, settings: Settings | None = None) -> Any:
    loaded = Pipeline.load(folder / "ragbraid.yaml", allow=["ragbraid.testing"], engine=Engine())
    return serving(build([loaded], settings))


@pytest.fixture
def opened(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages of browsers that know nothing; none of them may run or report what isn't the page's."""
    contexts, amiss = [], []

    def new(address: str, **options: Any) -> Page:
        context = chromium.new_context(accept_downloads=True, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: amiss.append(str(error)))
        page.on("dialog", lambda dialog: amiss.append(dialog.message))
        page.on("console", lambda told: amiss.append(told.text) if told.type == "error" else None)
        page.goto(address)
        return page

    yield new
    for each in contexts:
        each.close()
    assert [each for each in amiss if "Failed to load resource" not in each] == []


def ask(page: Page, question: str) -> None:
    page.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Enter")


def answered(page: Page, question: str) -> Any:
    ask(page, question)
    page.locator("article:not([aria-busy])").wait_for()
    return page.locator("article")


def test_a_citation_of_the_answer_opens_the_document_at_the_passage(
    url: str, opened: Callable[..., Page]
) -> None:
    page = opened(url)
    article = answered(page, "How long is parental leave?")
    assert article.locator(".short").inner_text().startswith("Parental leave is 14 months")
    assert article.locator(".prose").inner_text() == "Parental leave is 14 months. 1"
    assert article.locator(".place").inner_text().strip() == "docs/leave.md:1"
    cited = article.get_by_role("link", name="Source 1: docs/leave.md:1").first
    cited.focus()
    page.keyboard.press("Enter")
    assert page.locator("#document mark").inner_text() == "Parental leave is 14 months."
    assert page.get_by_role("dialog").get_by_role("heading").inner_text() == "docs/leave.md"
    page.keyboard.press("Escape")
    page.locator("#document").wait_for(state="hidden")
    assert article.is_visible()
    # The address follows once the sheet is closed, and only then is there something to go back to.
    page.wait_for_function("() => !location.hash.startsWith('#/document')")
    page.go_back()  # an address is all that it takes
    assert page.locator("#document mark").inner_text() == "Parental leave is 14 months."


def test_a_pdf_opens_at_its_page(url: str, opened: Callable[..., Page]) -> None:
    page = opened(url)
    article = answered(page, "How much is a hotel room?")
    assert article.locator(".place").inner_text().strip().startswith("docs/travel.pdf, page ")
    article.locator(".cite").first.click()
    assert page.locator("#document mark").inner_text().strip().endswith(ROOM)
    assert "docs/travel.pdf, page 2" in page.locator("#document header").inner_text()
    assert page.locator("#document .page").all_inner_texts() == ["Page 1", "Page 2"]


def test_what_a_document_holds_is_text_and_nothing_else(url: str, opened: Callable[..., Page]) -> None:
    page = opened(url)
    article = answered(page, "When are wages paid?")
    article.get_by_text("Why these passages?").click()
    assert "<input> with --to <output>" in article.locator(".why").inner_text()
    article.locator(".cite").first.click()
    sheet = page.locator("#document")
    sheet.locator("mark").wait_for()
    assert "Wages are paid on the last day" in sheet.locator("mark").inner_text()  # behind wide characters
    assert "</div><script>alert(2)</script>" in sheet.inner_text()
    assert "<img src=x onerror=alert(1)>" in sheet.inner_text()
    page.keyboard.press("Escape")
    answered(page, "<script>alert(3)</script>")
    page.get_by_role("link", name="Sources").click()
    page.get_by_text("<img src=x onerror=alert(1)>").wait_for()
    assert page.locator("img").count() == 0


def test_a_refusal_is_said_as_such(url: str, opened: Callable[..., Page]) -> None:
    article = answered(opened(url), "Who composed the moonlight sonata?")
    assert "Your documents don’t answer this." in article.inner_text()
    assert article.locator(".cite").count() == 0


def test_escape_stops_the_answer_that_is_being_written(url: str, opened: Callable[..., Page]) -> None:
    page = opened(url)
    page.get_by_text("Settings to try").click()
    page.get_by_label("Flow").select_option("prose")
    ask(page, "How long is parental leave?")
    page.locator("article .prose:not(:empty)").wait_for()
    begun = page.locator("article").inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("status").get_by_text("Stopped.").wait_for()
    assert begun in page.locator("article").inner_text()
    with client(url) as http:
        assert http.post("/api/search", json={"question": "leave"}).status_code == 200
    page.get_by_role("button", name="Ask", exact=True).wait_for()


def test_what_goes_wrong_is_told_in_a_sentence(url: str, opened: Callable[..., Page], tmp_path: Path) -> None:
    page = opened(url)
    page.get_by_text("Settings to try").click()
    page.get_by_label("Only where").fill("lang: en")
    ask(page, "Any?")
    assert "write a JSON object" in page.locator("#filter-wrong").inner_text()
    page.get_by_label("Only where").fill('{"lang": {"$foo": 1}}')
    ask(page, "Any?")
    assert "$foo" in page.locator(".notice").inner_text()
    page.get_by_role("button", name="Back to the file’s").click()
    page.route("**/api/flows/**", lambda route: route.abort())
    page.get_by_role("button", name="Ask again").click()
    page.get_by_text("can’t be reached").wait_for()
    page.unroute("**/api/flows/**")
    (tmp_path / "ragbraid.yaml").write_text(PIPELINE, "utf-8")
    with _served(tmp_path) as empty:
        page = opened(empty)
        ask(page, "Anything?")
        assert "ingest" in page.locator(".notice").inner_text()


def test_each_stage_of_the_search_shows_what_it_thought_of_a_passage(
    url: str, opened: Callable[..., Page]
) -> None:
    article = answered(opened(url), "How long is parental leave?")
    article.get_by_text("Why these passages?").click()
    assert article.locator("thead th").all_inner_texts()[2:6] == ["dense", "lexical", "rrf", "maxsim"]
    first = article.locator("tbody tr").first
    assert first.get_by_role("link").inner_text() == "docs/leave.md:1"
    scores = first.locator(".score").all_inner_texts()
    assert len(scores) == 4
    assert all("#1" in each for each in scores)


def test_dropped_files_are_read_with_their_progress_and_can_be_removed(
    url: str, opened: Callable[..., Page], folder: Path
) -> None:
    page = opened(f"{url}/#/sources")
    page.locator("table.sources").wait_for()
    dropped = page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        "data.items.add(new File(['Dogs may come on Fridays.'], 'dogs.md')); return data; }"
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})
    page.locator("#uploads li", has_text="dogs.md").get_by_text("is in").wait_for()
    page.get_by_role("link", name="uploads/dogs.md").wait_for()
    scan = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(scan, "PDF")
    page.locator("#files").set_input_files(
        [
            {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": scan.getvalue()},
            {"name": "_meta.yaml", "mimeType": "text/plain", "buffer": b"x"},
        ]
    )
    assert "text" in page.locator("#uploads li", has_text="scan.pdf").locator(".wrong").inner_text()
    assert "name" in page.locator("#uploads li", has_text="_meta.yaml").locator(".wrong").inner_text()
    page.get_by_role("button", name="Remove uploads/dogs.md").click()
    assert (folder / "uploads" / "dogs.md").exists()
    page.get_by_role("button", name="Really remove uploads/dogs.md?").click()
    page.get_by_role("link", name="uploads/dogs.md").wait_for(state="detached")
    assert not (folder / "uploads" / "dogs.md").exists()


def test_settings_are_tried_and_what_was_asked_stays_in_the_browser(
    url: str, opened: Callable[..., Page]
) -> None:
    page = opened(url)
    assert answered(page, "How long is parental leave?").locator("tbody tr").count() > 1
    page.get_by_text("Settings to try").click()
    page.get_by_label("Passages to look at").fill("1")
    assert answered(page, "When are wages paid?").locator("tbody tr").count() == 1
    assert "k = 1" in page.locator("article .facts").inner_text()
    page.get_by_role("group", name="Rerankers").get_by_label("search.maxsim").uncheck()
    article = answered(page, "When are wages paid?")
    assert "k = 1, without search.maxsim" in article.locator(".facts").inner_text()
    article.get_by_text("Why these passages?").click()
    assert article.locator("thead th").all_inner_texts()[2:5] == ["dense", "lexical", "rrf"]
    assert "maxsim" not in article.locator("thead").inner_text()
    page.get_by_role("button", name="Back to the file’s").click()
    assert page.get_by_label("search.maxsim").is_checked()
    page.reload()
    asked = page.locator("#earlier .again")
    assert asked.all_inner_texts() == [*["When are wages paid?"] * 2, "How long is parental leave?"]
    asked.nth(2).click()
    assert "14 months" in page.locator("article .short").inner_text()
    page.get_by_role("button", name="Forget all").click()
    page.reload()
    page.locator("#flow option").first.wait_for(state="attached")
    assert page.locator("#history").is_hidden()


def test_a_large_number_in_a_filter_stays_what_it_is(url: str, opened: Callable[..., Page]) -> None:
    number = 2**60 + 7
    metadata = {"number": number, "tags": ["a", "b"]}
    rows = [{"id": "big", "text": "The cafeteria opens at noon.", "metadata": metadata}]
    with client(url) as http:
        ended(http, http.post("/api/ingest/rows", json={"rows": rows}).json())
    page = opened(url)
    page.get_by_text("Settings to try").click()
    for wanted, found in ((number, 1), (number + 1, 0)):
        page.get_by_label("Only where").fill(json.dumps({"number": wanted, "tags": {"$any": ["b"]}}))
        article = answered(page, "When does the cafeteria open?")
        assert article.locator("tbody tr").count() == found
    with client(url) as http:
        http.delete("/api/documents/uploads/big.txt")


def test_feedback_becomes_questions_with_labels(
    url: str, opened: Callable[..., Page], tmp_path: Path
) -> None:
    page = opened(url)
    answered(page, "How long is parental leave?")
    page.get_by_role("button", name="Good answer").click()
    article = answered(page, "When is payday?")
    page.get_by_role("button", name="Bad answer").click()
    page.get_by_label("What would have been right?").fill("on the last day of the month")
    article.get_by_text("Why these passages?").click()
    right = article.locator("tbody tr", has_text="Wages are paid").first
    right.get_by_role("button").click()
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export feedback").click()
    download.value.save_as(tmp_path / "feedback.jsonl")
    good, bad = read_feedback(tmp_path / "feedback.jsonl").questions
    assert (good.text, good.passages) == ("How long is parental leave?", ("Parental leave is 14 months.",))
    assert (bad.text, bad.answers) == ("When is payday?", ("on the last day of the month",))
    assert "Wages are paid on the last day" in bad.passages[0]


def test_the_pipeline_is_drawn_with_the_times_of_the_last_question(
    url: str, opened: Callable[..., Page]
) -> None:
    page = opened(f"{url}/#/pipeline")
    page.get_by_text("each step shows how long it took").wait_for()
    page.get_by_role("link", name="Ask", exact=True).click()
    answered(page, "How long is parental leave?")
    page.get_by_role("link", name="Pipeline").click()
    page.locator("figure .time").first.wait_for()
    assert page.locator("figcaption").all_inner_texts() == [
        "ask → answer", "search → hits", "ingest", "prose → answer",
    ]  # fmt: skip
    ask_, search, ingest, _ = page.locator("figure").all()
    assert ask_.locator(".time").count() == 2
    assert search.locator(".time").count() == 4
    assert ingest.locator(".time").count() == 0
    assert "dense" in (search.get_by_role("img").get_attribute("aria-label") or "")


def test_a_server_with_keys_asks_for_one(opened: Callable[..., Page], folder: Path, tmp_path: Path) -> None:
    key = add(tmp_path / "keys.yaml", "reader", flows=["ask", "search"])
    with _served(folder, Settings(keys=tmp_path / "keys.yaml")) as address:
        page = opened(address)
        page.get_by_label("API key").fill("rb-wrong")
        page.keyboard.press("Enter")
        page.get_by_text("This key is unknown").wait_for()
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        page.locator("#key").wait_for(state="hidden")
        assert "14 months" in answered(page, "How long is parental leave?").inner_text()
        assert page.locator("#flow option").all_text_contents() == ["ask"]
        page.reload()
        page.locator("#flow option").first.wait_for(state="attached")
        assert page.evaluate("JSON.stringify(localStorage)").find(key) < 0


@pytest.mark.parametrize("options", [{"color_scheme": "light"}, {"color_scheme": "dark", "viewport": PHONE}])
def test_everybody_can_use_it(url: str, opened: Callable[..., Page], options: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(url, reduced_motion="reduce", **options)

    def demand(view: str) -> None:
        found = axe.run(page)
        assert found.violations_count == 0, f"{view}: {found.generate_report()}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{view} is {wide} pixels too wide"

    demand("empty")
    article = answered(page, "How long is parental leave?")
    article.get_by_text("Why these passages?").click()
    page.get_by_text("Settings to try").click()
    page.get_by_role("button", name="Bad answer").click()
    demand("answer")
    article.locator(".cite").first.click()
    page.locator("#document mark").wait_for()
    demand("document")
    page.keyboard.press("Escape")
    answered(page, "Who composed the moonlight sonata?")
    demand("refusal")
    page.get_by_role("link", name="Sources").click()
    page.locator("table.sources").wait_for()
    demand("sources")
    page.get_by_role("link", name="Pipeline").click()
    page.locator("figure").first.wait_for()
    demand("pipeline")


def test_it_is_small_comes_at_once_and_lets_nothing_else_run(url: str, chromium: Browser) -> None:
    page = chromium.new_page()
    weights: list[int] = []
    page.on("response", lambda each: weights.append(len(each.body())))
    page.goto(url, wait_until="networkidle")
    assert len(weights) > 10
    assert sum(weights) <= 150_000
    with httpx.Client(base_url=url) as http:
        seconds = []
        for _ in range(20):
            begun = time.perf_counter()
            with http.stream("GET", "/") as response:
                seconds.append(time.perf_counter() - begun)
                response.read()
        assert min(seconds) <= 0.05
        assert response.headers["content-security-policy"] == CSP
        assert "unsafe" not in CSP
        again = http.get("/", headers={"If-None-Match": response.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert http.get("/page/app.js").headers["content-type"].startswith("text/javascript")
        assert http.get("/page/..%2froutes.py").status_code == 404
    markup = "() => { try { document.body.innerHTML = '<b>x</b>' } catch { return 'refused' } }"
    assert page.evaluate(markup) == "refused"
    page.close()
