"""What the standard library finds in a message; runs in the parser's process alone.

Its parser of headers can take very long over ones that are made for that.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import email
import email.message
import email.policy
import email.utils
import mimetypes
from collections.abc import Mapping
from typing import Any

from ragbraid.errors import LoadError
from ragbraid.load.decoding import decode

_HEADERS = ("Subject", "From", "To", "Cc", "Date")
_TRIPS = (ValueError, IndexError, AttributeError, TypeError, LookupError, RecursionError)
"""What the parser of headers raises for broken ones."""


def read(data: bytes, _question: Mapping[str, Any]) -> dict[str, Any]:
    """Headers, plain and HTML body as far as there are, and what is attached, with its bytes in base64."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    headers = {name: _header(message, name) for name in _HEADERS}
    if not any(headers.values()):
        return {"error": "it has no headers of a message"}
    bodies: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attached: list[dict[str, str]] = []
    _gather(message, bodies, attached)
    return {
        "headers": headers,
        "date": mail_date(headers["Date"]),
        "plain": "\n\n".join(bodies["text/plain"]),
        "html": "\n".join(bodies["text/html"]),
        "attached": attached,
    }


def mail_date(text: str) -> str | None:
    """The time that a header tells, as ISO 8601 in UTC where it names a zone; None where it's none."""
    try:
        when = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when.astimezone(datetime.UTC).isoformat() if when.tzinfo else when.isoformat()


def _header(message: email.message.Message[Any, Any], name: str) -> str:
    try:
        return " ".join(str(message[name] or "").split())
    except _TRIPS:
        return ""


def _gather(part: Any, bodies: dict[str, list[str]], attached: list[dict[str, str]]) -> None:
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = part.get_payload()
        if isinstance(inner, list) and inner:
            attached.append(_attachment(part, "message.eml", inner[0].as_bytes()))
        return
    if part.is_multipart():
        for each in part.get_payload():
            _gather(each, bodies, attached)
        return
    data = part.get_payload(decode=True) or b""
    if kind in bodies and part.get_content_disposition() != "attachment":
        bodies[kind].append(_text(part, data, kind == "text/html"))
    elif data and not (kind.startswith("image/") and _inline(part)):
        attached.append(_attachment(part, "", data))


def _inline(part: Any) -> bool:
    """Whether it belongs to the body, as logos in signatures do."""
    return part["Content-ID"] is not None or part.get_content_disposition() == "inline"


def _attachment(part: Any, name: str, data: bytes) -> dict[str, str]:
    with contextlib.suppress(*_TRIPS):
        name = (
            part.get_filename() or name or f"part{mimetypes.guess_extension(part.get_content_type()) or ''}"
        )
    return {"name": name, "type": part.get_content_type(), "data": base64.b64encode(data).decode()}


def _text(part: Any, data: bytes, html: bool) -> str:
    """A body in the charset that it declares, where it is that; else as any other file is decoded."""
    try:
        return data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeError):
        pass
    try:
        return decode(data, html=html).text
    except LoadError:
        return data.decode("latin-1").replace("\0", "")
