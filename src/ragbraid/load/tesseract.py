"""Where Tesseract's language data lie: xberg brings Tesseract itself, and would fetch the data by network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import glob
from pathlib import Path

from ragbraid.errors import LoadError

_PLACES = (
    "/usr/share/tesseract-ocr/*/tessdata",
    "/usr/share/tesseract-ocr/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
    "/opt/local/share/tessdata",
    "C:/Program Files/Tesseract-OCR/tessdata",
)
INSTALL = (
    "Install Tesseract: apt-get install tesseract-ocr, brew install tesseract, or from"
    " https://tesseract-ocr.github.io."
)


def folder() -> Path | None:
    """The folder of language data; None where Tesseract isn't installed.

    `TESSDATA_PREFIX` names it where it is set, as it does for Tesseract.
    """
    given = os.environ.get("TESSDATA_PREFIX")
    if given:
        places = [given, os.path.join(given, "tessdata")]
    else:
        places = [place for each in _PLACES for place in sorted(glob(each), reverse=True)]
    return next((Path(each) for each in places if glob("*.traineddata", root_dir=each)), None)


def data(languages: Sequence[str]) -> Path:
    """The folder that has the data of all the languages. Raises `LoadError` with what mends it."""
    place = folder()
    if place is None:
        raise LoadError("OCR isn't installed.", INSTALL)
    there = sorted(each.name.removesuffix(".traineddata") for each in place.glob("*.traineddata"))
    lacking = [each for each in languages if each not in there]
    if lacking:
        known = ", ".join(each for each in there if each != "osd")
        raise LoadError(
            f"OCR has no data for the language {lacking[0]!r}.",
            f"Install them (on Debian: apt-get install tesseract-ocr-{lacking[0].replace('_', '-')}), or name"
            f" others in `ocr_languages`; here are {known}.",
        )
    return place
