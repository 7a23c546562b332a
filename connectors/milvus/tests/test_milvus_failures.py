"""A server that is away is told in a sentence."""

from __future__ import annotations

import socket

import pytest
from ragbraid_milvus import Milvus

from ragbraid.errors import IndexStoreError
from ragbraid.secret import Secret
from ragbraid.testing.index import EMBEDDER


def test_a_server_that_is_away() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    index = Milvus(Secret(url), EMBEDDER, Secret("geheim"), timeout=1).open()
    with pytest.raises(IndexStoreError, match="can't be reached") as error:
        index.count()
    assert "geheim" not in str(error.value)
    index.close()
