"""Connections that say nothing, or little, more of them than a server bears."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from served import PIPELINE, client, process, until, write

from soaking import FULL, count

SILENT = count(330, 10_000)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no ulimit")
def test_silent_connections_neither_stall_the_server_nor_last(tmp_path: Path) -> None:
    file = write(tmp_path, PIPELINE + "serve: {body_timeout: 3}\n")
    handles = None if FULL else 600  # of which half are for connections
    with process(file, handles=handles) as served, client(served.url) as http, ExitStack() as held:
        until(lambda: http.get("/readyz").status_code == 200)
        address = (http.base_url.host, http.base_url.port or 80)
        for number in range(SILENT):
            silent = held.enter_context(socket.create_connection(address, timeout=30))
            if number % 2:
                silent.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
        assert http.get("/healthz").status_code == 200
        refused = http.get("/api/sources")
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_connections")
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        told = http.get("/v1/models").json()["error"]
        assert (told["type"], told["code"]) == ("server_error", "too_many_connections")
        until(lambda: http.get("/api/sources").status_code == 200, 60)
        assert silent.recv(1) == b""  # the server has closed it
