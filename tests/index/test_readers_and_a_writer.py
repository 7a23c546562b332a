"""Eight readers, in threads and in processes, beside a writer: no error, nothing stale, no growth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from onlooker import acknowledged, look

from ragbraid.index.faiss import Faiss, FaissRuntime
from ragbraid.testing.index import EMBEDDER, change
from soaking import count

pytestmark = pytest.mark.timeout(count(300, 7200))
HERE = Path(__file__).parent
SECONDS = count(5, 300)


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files and memory as Linux tells them")
def test_eight_readers_and_a_writer(tmp_path: Path) -> None:
    index = Faiss(tmp_path / "index", EMBEDDER).open()
    index.declare(["number"])
    index.upsert([change(f"s{each}", [f"goat {each} on a hill"]) for each in range(200)])
    np_file = tmp_path / "acknowledged"
    np_file.write_bytes(bytes(8))
    known = acknowledged(tmp_path)
    _write(index, 0)
    path = os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")])
    command = [sys.executable, str(HERE / "onlooker.py"), str(tmp_path), str(SECONDS)]
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    with ThreadPoolExecutor(8) as pool:
        processes = [
            pool.submit(subprocess.run, command, capture_output=True, text=True, env=environment)
            for _ in range(4)
        ]
        threads = [pool.submit(look, tmp_path, SECONDS) for _ in range(4)]
        number = 0
        while not all(each.done() for each in (*processes, *threads)):
            number += 1
            _write(index, number)
            known[0] = number
            time.sleep(0.01)
    reports = [each.result() for each in threads]
    for each in processes:
        finished = each.result()
        assert finished.returncode == 0, finished.stderr
        reports.append(json.loads(finished.stdout))
    for report in reports:
        _judge(report)
    assert number > SECONDS  # it got its turn beside them
    assert index.check() == []
    index.close()


def _write(index: FaissRuntime, number: int) -> None:
    others = [change(f"s{number % 200}", [f"goat {number} on a hill"])]
    index.upsert([change("counter", [f"counter {number}"], metadata={"number": number}), *others])
    if number % 7 == 3:
        index.delete([f"s{(number + 50) % 200}"])


def _judge(report: dict[str, Any]) -> None:
    assert report["reads"] > 4 * SECONDS, report
    assert report["behind"] == 0, report
    warm, files = report["files"]
    assert files <= warm + 12, report  # a pool of eight connections, with their logs
    warm, memory = report["memory"]
    assert memory <= warm * 1.1 + 30_000, report
