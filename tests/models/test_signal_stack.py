"""Ctrl-C after OpenVINO was loaded here and closed elsewhere: an interrupt, and no segmentation fault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ragbraid.generate.openvino import OpenVino
from ragbraid.types import ModelName
from tiny_gguf import tiny_gguf

CHILD = """
import gc, mmap, os, signal, sys, threading
from ragbraid.generate.openvino import OpenVino
from ragbraid.generate.protocol import Request
from ragbraid.types import ModelName

signal.signal(signal.SIGINT, signal.default_int_handler)
held = []
for _ in range(3):
    runtime = OpenVino(ModelName(sys.argv[1]), context_tokens=512, cache_mb=8, threads=1).open()
    runtime.generate([Request("abc", 4)])
    runtime.score("abc", ["d"])
    box = [runtime]
    del runtime
    def close(box=box):
        box.pop().close()
        gc.collect()
    thread = threading.Thread(target=close)
    thread.start()
    thread.join()
    try:
        os.kill(os.getpid(), signal.SIGINT)
        signal.pause()
    except KeyboardInterrupt:
        held.append("interrupted")
print(*held)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="OpenVINO gives threads a signal stack on Linux alone")
def test_an_interrupt_after_a_generator_was_closed_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGBRAID_CONVERTED", str(tmp_path / "converted"))
    path = tiny_gguf(tmp_path / "tiny.gguf")
    OpenVino(ModelName(str(path))).open().prepare()
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(path)],
        env=dict(os.environ), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()) == (0, ["interrupted"] * 3), done.stderr[-2000:]
