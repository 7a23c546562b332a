"""A site on the loopback interface whose every answer a test decides, and which keeps what it was asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = str | bytes | tuple[int, Mapping[str, str], bytes] | Callable[[BaseHTTPRequestHandler], None]
"""HTML, the bytes of it, status with headers and body, or what writes to the socket itself."""


class SiteServer:
    """`pages` is path → answer; what isn't there is a 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.url = ""

    def page(self, path: str, *links: str, text: str = "some words") -> None:
        anchors = "".join(f'<a href="{each}">x</a>' for each in links)
        self.pages[path] = (
            f"<html><head><title>{path}</title></head><body><p>{text}</p>{anchors}</body></html>"
        )

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        self.headers.append(dict(handler.headers.items()))
        found = self.pages.get(handler.path, (404, {}, b"not here"))
        if callable(found):
            found(handler)
            return
        if not isinstance(found, tuple):
            body = found.encode() if isinstance(found, str) else found
            found = (200, {"Content-Type": "text/html"}, body)
        status, headers, body = found
        tag = headers.get("ETag")
        if tag and handler.headers["If-None-Match"] == tag:
            status, body = 304, b""
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if "Content-Length" not in headers and status != 304:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[SiteServer]:
    """A running site, with a context one that speaks TLS."""
    site = SiteServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                site.answer(self)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
