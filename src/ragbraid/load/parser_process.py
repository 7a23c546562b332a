"""The process that xberg runs in: documents come in on standard input, what is in them goes out.

It ends when its standard input does, so that it can't outlive whoever started it, and always without
Python's finalisation: xberg's threads drop Python objects then, which crashes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from io import FileIO
from queue import SimpleQueue
from typing import Any

from ragbraid.load import frames


def main() -> None:
    """Say that xberg is there, then answer one document after the other."""
    answers = FileIO(os.dup(1), "w")
    os.dup2(2, 1)  # what native code prints must not get between the answers
    documents: SimpleQueue[tuple[str, bytes]] = SimpleQueue()
    threading.Thread(target=_receive, args=(documents,), daemon=True).start()
    import xberg

    frames.send(answers, b"{}")
    loop = asyncio.new_event_loop()
    while True:
        mime_type, data = documents.get()
        try:
            answer = loop.run_until_complete(_extract(xberg, data, mime_type))
        except BaseException as error:  # a panic of xberg's is no `Exception`
            answer = {"error": str(error)}
        frames.send(answers, json.dumps(answer).encode())


def _receive(documents: SimpleQueue[tuple[str, bytes]]) -> None:
    """Take in what comes, also during a document's parsing, which the end of the pipe ends."""
    pipe = FileIO(0, closefd=False)
    try:
        while True:
            mime_type = frames.receive(pipe).decode()
            documents.put((mime_type, frames.receive(pipe)))
    finally:
        os._exit(0)


async def _extract(xberg: Any, data: bytes, mime_type: str) -> dict[str, Any]:
    is_pdf = mime_type == "application/pdf"
    config = xberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=True,
        output_format="plain" if is_pdf else "markdown",
        escape_markdown=False,
        pages=xberg.PageConfig(extract_pages=is_pdf),
        content_filter=xberg.ContentFilterConfig(include_footnotes=True, strip_repeating_text=False),
        html_options=xberg.ConversionOptions(
            extract_metadata=False, autolinks=False, inline_data_media="alt_text_only"
        ),
        extraction_timeout_secs=None,  # whoever waits ends this process
    )
    found = await xberg.extract(xberg.ExtractInput(kind="bytes", bytes=data, mime_type=mime_type), config)
    if not found.results:
        return {"error": "; ".join(str(error) for error in found.errors)}
    result = found.results[0]
    return {
        "content": result.content,
        "pages": [page.content for page in result.pages or ()],
        "title": result.metadata.title,
        "language": result.metadata.language,
    }


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(1)
