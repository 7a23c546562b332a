"""What xberg finds in a file; runs in the parser's process alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any

from ragbraid.load.mail_reading import mail_date

_PLAIN = ("application/pdf", "application/vnd.ms-outlook", "application/msword")
"""What is wanted as plain text; all else comes as Markdown."""
_PAGED = ("application/pdf", "application/vnd.openxmlformats-officedocument.presentationml.presentation")
"""What has pages that citations name."""


def read(data: bytes, question: Mapping[str, Any]) -> dict[str, Any]:
    """Content, pages and properties of the file, as JSON can hold them; or an `error`, in xberg's words."""
    return _loop().run_until_complete(_extract(data, question["mime_type"], question.get("ocr")))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


async def _extract(data: bytes, mime_type: str, ocr: Mapping[str, Any] | None) -> dict[str, Any]:
    import xberg

    config = xberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=ocr is None,
        force_ocr=ocr is not None and ocr["force"],
        ocr=None if ocr is None else _tesseract(xberg, ocr),
        output_format="plain" if mime_type in _PLAIN or ocr is not None else "markdown",
        escape_markdown=False,
        pages=xberg.PageConfig(extract_pages=mime_type in _PAGED),
        # The tables of a PDF are in its pages' text anyway; finding them takes half the time of a page.
        pdf_options=xberg.PdfConfig(extract_tables=False),
        content_filter=xberg.ContentFilterConfig(include_footnotes=True, strip_repeating_text=False),
        html_options=xberg.ConversionOptions(
            extract_metadata=False,
            autolinks=False,
            inline_data_media="alt_text_only",
            # Its own clearing takes a page's header, where its title may be, and what lies in a form: with
            # some frameworks the whole page.
            preprocessing=xberg.PreprocessingOptions(
                enabled=True, remove_navigation=False, remove_forms=False
            ),
            exclude_selectors=["nav", "[role=navigation]"],
        ),
        extraction_timeout_secs=None,  # whoever waits ends this process
    )
    found = await xberg.extract(xberg.ExtractInput(kind="bytes", bytes=data, mime_type=mime_type), config)
    if not found.results:
        return {"error": "; ".join(str(error) for error in found.errors)}
    return _answer(found.results[0])


def _tesseract(xberg: Any, ocr: Mapping[str, Any]) -> Any:
    """Tesseract and nothing else: xberg would go on with another that it fetches by network."""
    languages = list(ocr["languages"])
    config = xberg.TesseractConfig(language=languages, use_cache=False)
    stage = xberg.OcrPipelineStage(
        backend="tesseract", priority=1, language=languages, tesseract_config=config
    )
    return xberg.OcrConfig(
        backend="tesseract",
        language=languages,
        tesseract_config=config,
        tessdata_path=ocr["data"],
        pipeline=xberg.OcrPipelineConfig(stages=[stage], quality_thresholds=xberg.OcrQualityThresholds()),
    )


def _answer(result: Any) -> dict[str, Any]:
    pages = list(result.pages or ())
    about = result.metadata
    mail, pdf = (about.format.email, about.format.pdf) if about.format is not None else (None, None)
    return {
        "content": result.content,
        "pages": [page.content for page in pages],
        "notes": [page.speaker_notes for page in pages],
        "title": about.title,
        "language": about.language,
        "authors": list(about.authors or ()),
        "subject": about.subject,
        "keywords": list(about.keywords or ()),
        "created": about.created_at if mail is None else mail_date(about.created_at or ""),
        "modified": about.modified_at,
        "scanned": list(pdf.scanned_pages or ()) if pdf is not None else [],
        "attached": list(mail.attachments) if mail is not None else [],
    }
