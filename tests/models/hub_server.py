"""A hub on this machine: the addresses that a download needs, and what can go wrong with them."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0ff"
REPO = "o/tiny"
WEIGHTS = bytes(range(256)) * 4000
FILES = {
    "model.gguf": WEIGHTS,
    "config.json": b'{"a": 1}',
    "1_Pooling/config.json": b"{}",
    "onnx/config.json": b"unwanted",
    "other.gguf": b"unwanted" * 10,
}
LARGE = (".gguf",)


@dataclass
class Hub:
    """What the server does. `asked` has each request's path, range and token."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    wrong: dict[str, bytes] = field(default_factory=dict)
    """Files whose bytes aren't those that the hub promises."""
    cut_after: int | None = None
    """Every answer ends after so many bytes of a file."""
    pause: float = 0.0
    """Seconds between blocks of 64 kB."""
    stall: float = 0.0
    """Seconds before the first byte of a file."""
    statuses: dict[str, int] = field(default_factory=dict)
    tags: tuple[str, ...] = ("main",)
    """The revisions that the model has, all the same."""
    no_ranges: bool = False
    store: str = ""
    """Where files really are: another server, to which this one redirects."""
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    url: str = ""

    def listing(self) -> dict[str, object]:
        return {
            "id": REPO,
            "sha": COMMIT,
            "siblings": [self._entry(path, data) for path, data in self.files.items()],
        }

    def tree(self) -> list[dict[str, object]]:
        """The files once more, as huggingface_hub asks for them."""
        return [
            {"type": "file", "path": path, "size": len(data), "oid": sha1(data).hexdigest()}
            for path, data in self.files.items()
        ]

    def _entry(self, path: str, data: bytes) -> dict[str, object]:
        entry: dict[str, object] = {"rfilename": path, "size": len(data)}
        entry["blobId"] = sha1(b"blob %d\0" % len(data) + data).hexdigest()
        if path.endswith(LARGE):
            entry["lfs"] = {"sha256": sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        return entry

    def of(self, path: str) -> list[str | None]:
        """The ranges of the requests for a file."""
        return [asked for each, asked, _ in self.asked if each.endswith("/" + path)]


@contextmanager
def serving(certificate: tuple[Path, Path] | None = None) -> Iterator[Hub]:
    """A hub that answers at `url`; with a certificate and its key, by HTTPS."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((path, self.headers.get("Range"), self.headers.get("Authorization")))
            name = path.rpartition(f"/resolve/{COMMIT}/")[2]
            status = hub.statuses.get(name) or hub.statuses.get("*")
            if status:
                self._send(status, b"{}")
            elif path == f"/api/models/{REPO}/tree/{COMMIT}":
                self._send(200, json.dumps(hub.tree()).encode())
            elif path.startswith(f"/api/models/{REPO}/revision/"):
                if path.rpartition("/")[2] in hub.tags:
                    self._send(200, json.dumps(hub.listing()).encode())
                else:
                    self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            elif path.startswith(f"/{REPO}/resolve/{COMMIT}/") and name in hub.files:
                self._file(name)
            else:
                self._send(404, b"{}")

        def do_HEAD(self) -> None:
            """As huggingface_hub asks before it fetches a file."""
            data = hub.files[unquote(urlsplit(self.path).path).rpartition(f"/resolve/{COMMIT}/")[2]]
            told = {"X-Repo-Commit": COMMIT, "ETag": f'"{sha256(data).hexdigest()}"'}
            self._send(200, b"", {**told, "Content-Length": str(len(data))})

        def _file(self, name: str) -> None:
            if hub.store:
                self.send_response(302)
                self.send_header("Location", hub.store + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            time.sleep(hub.stall)
            data = hub.wrong.get(name, hub.files[name])
            wanted = self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and not hub.no_ranges else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            rest = data[start:]
            if hub.cut_after is not None and len(rest) > hub.cut_after:
                self.wfile.write(rest[: hub.cut_after])
                self.close_connection = True
                return
            for first in range(0, len(rest), 65536):
                self.wfile.write(rest[first : first + 65536])
                time.sleep(hub.pause)

        def _send(self, status: int, body: bytes, headers: Mapping[str, str] = MappingProxyType({})) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # a client that is killed is part of the game
            pass

    server = Server(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        hub.url = f"https://localhost:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
