"""Which files are read, and with what: the tables of all families of formats, as one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ragbraid.load import (
    before_2007,
    books,
    hypertext,
    mail,
    notebook,
    office,
    pdf,
    pictures,
    plain,
    sheets,
)
from ragbraid.load.reading import Reader

READERS: Mapping[str, Reader] = {
    **plain.READERS,
    **hypertext.READERS,
    **pdf.READERS,
    **office.READERS,
    **before_2007.READERS,
    **sheets.READERS,
    **books.READERS,
    **mail.READERS,
    **notebook.READERS,
    **pictures.READERS,
}
"""The reader of each suffix, in lower case with its dot."""


def reader_for(name: str) -> Reader | None:
    """The reader for a file of this name; None where its format isn't read."""
    base = os.path.basename(name)  # pathlib takes ten times as long, and a folder may have many files
    suffix = os.path.splitext(base)[1]
    if suffix not in ("", "."):
        return READERS.get(suffix.lower())
    return plain.read_text if base.lower() in plain.NAMES else None
