"""Pictures of text: read by OCR where Tesseract is installed, named with the mend where it isn't."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import writing
from reading import load

from ragbraid.errors import LoadError
from ragbraid.load import tesseract
from ragbraid.load.files import Files
from ragbraid.types import Skipped, SourceRef

needs_tesseract = pytest.mark.skipif(tesseract.folder() is None, reason="Tesseract isn't installed")


def drawn(*lines: str) -> Any:
    """A picture of words as a page scanner sees them."""
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (560, 40 + 40 * len(lines)), 255)
    for number, each in enumerate(lines):
        ImageDraw.Draw(picture).text((20, 20 + 40 * number), each, fill=0, font=ImageFont.load_default(28))
    return picture


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def partly() -> bytes:
    """A page with text, and one that is a picture of it."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen import canvas

    target = io.BytesIO()
    page = canvas.Canvas(target)
    page.drawString(72, 700, "The first page has a layer of text.")
    page.showPage()
    page.drawImage(ImageReader(drawn("The harbour is deep.")), 20, 400, 560, 80)
    page.save()
    return target.getvalue()


@needs_tesseract
def test_a_page_that_is_a_picture_is_read_beside_one_that_is_text(tmp_path: Path) -> None:
    document = load(tmp_path, "a.pdf", partly())
    assert document.text.startswith("The first page has a layer of text.")
    assert document.text[document.pages[1] :] == "The harbour is deep."
    assert document.metadata["ocr"] is True
    assert document.warnings == ()
    assert "ocr" not in load(tmp_path, "b.pdf", writing.pdf(["Text alone"])).metadata


@needs_tesseract
def test_images_of_a_file_are_pages(tmp_path: Path) -> None:
    pictures = [drawn("The ferry leaves at nine."), drawn("The church is old.")]
    data = saved(pictures[0], "TIFF", save_all=True, append_images=pictures[1:])
    document = load(tmp_path, "a.tiff", data)
    assert document.text == "The ferry leaves at nine.\n\nThe church is old."
    assert document.pages == (0, document.text.index("The church"))
    assert document.metadata == {"ocr": True}


@needs_tesseract
def test_a_photo_without_words_is_known_and_named(tmp_path: Path) -> None:
    document = load(tmp_path, "a.png", saved(drawn(), "PNG"))
    assert (document.text, document.warnings) == ("", ("1 image without a description",))


def test_a_scan_says_what_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(LoadError, match="no text layer") as caught:
        load(tmp_path, "a.pdf", writing.scan())
    assert "apt-get install tesseract-ocr" in str(caught.value)
    document = load(tmp_path, "b.pdf", partly())
    assert document.warnings[0].startswith("page 2 is a picture, and wasn't read. OCR isn't installed.")
    with pytest.raises(LoadError, match="OCR isn't installed"):
        load(tmp_path, "b.pdf", partly(), ocr="force")
    with pytest.raises(LoadError, match=r"no text layer.*OCR is off.*Set `ocr: auto`"):
        load(tmp_path, "a.pdf", writing.scan(), ocr="off")


def test_image_files_are_named_where_nobody_can_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(saved(drawn(), "PNG"))
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    (skipped,) = Files().scan([str(tmp_path)], tmp_path)
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("it is an image, and OCR isn't installed. Install Tesseract: apt-get")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "eng.traineddata").write_bytes(b"")
    (found,) = Files(exclude=("data",)).scan([str(tmp_path)], tmp_path)
    assert isinstance(found, SourceRef)
    (skipped,) = Files(exclude=("data",), ocr="off").scan([str(tmp_path)], tmp_path)
    assert isinstance(skipped, Skipped)


def test_a_language_that_is_not_there_is_never_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deu.traineddata").write_bytes(b"")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    with pytest.raises(LoadError, match="no data for the language 'chi_sim'") as caught:
        load(tmp_path, "a.png", saved(drawn(), "PNG"), ocr_languages=("deu", "chi_sim"))
    assert "tesseract-ocr-chi-sim" in str(caught.value)
    assert "here are deu" in str(caught.value)
