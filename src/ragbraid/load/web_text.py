"""The bytes of a page as text: what its header says of its charset, beside what they say themselves."""

from __future__ import annotations

import codecs

from ragbraid.errors import LoadError
from ragbraid.load.decoding import decode, mark_of
from ragbraid.load.http_client import Response

_WESTERN = {"ascii", "cp1252", "iso8859-1"}
"""What servers say of anything, so that UTF-8 is believed first."""


def in_utf8(response: Response) -> bytes:
    """The body in UTF-8 where its header names another charset that fits; otherwise as it is."""
    body, charset = response.body, response.charset
    if charset is None or mark_of(body) is not None:
        return body
    try:
        name = codecs.lookup(charset).name
        if name == "utf-8" or (name in _WESTERN and _is_utf8(body)):
            return body
        return body.decode("cp1252" if name in _WESTERN else name).encode("utf-8")
    except (LookupError, UnicodeError, ValueError):
        return body


def html_of(response: Response) -> str:
    """The markup of a page, to find its links in; empty where it can't be decoded."""
    try:
        return decode(in_utf8(response), html=True).text
    except LoadError:
        return ""


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
