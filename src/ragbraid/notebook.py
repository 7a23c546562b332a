"""An answer as a notebook shows it: what documents hold is escaped, so that it can be nothing but text."""

from __future__ import annotations

from html import escape

from ragbraid.place import place
from ragbraid.types import Answer, Citation


def answer_html(answer: Answer) -> str:
    """The answer's text, the short answer, and each quote with its source, the short answer marked in it."""
    parts = [f'<p style="white-space: pre-line">{escape(answer.text)}</p>']
    if answer.short:
        parts.append(f"<p>In short: <mark>{escape(answer.short)}</mark></p>")
    if answer.citations:
        shown = "".join(
            f'<li>{escape(_place(each))}<blockquote style="white-space: pre-line">{_marked(each, answer)}'
            "</blockquote></li>"
            for each in answer.citations
        )
        parts.append(f"<p>Sources</p><ol>{shown}</ol>")
    return f"<div>{''.join(parts)}</div>"


def _place(citation: Citation) -> str:
    found = place(citation.source, citation.page, citation.line, citation.last_line)
    return f"{found}, characters {citation.start}–{citation.end}"


def _marked(citation: Citation, answer: Answer) -> str:
    """A quote with the short answer marked where it was taken from it."""
    quote, short = citation.quote, answer.short_citation
    if (
        short is None
        or (short.source, short.content_hash) != (citation.source, citation.content_hash)
        or not citation.start <= short.start <= short.end <= citation.end
    ):
        return escape(quote)
    start, end = short.start - citation.start, short.end - citation.start
    return f"{escape(quote[:start])}<mark>{escape(quote[start:end])}</mark>{escape(quote[end:])}"
