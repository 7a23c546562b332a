"""What the models do in a command, written down once and then done again without ragbraid's pipeline.

    python tests/bench/model_work.py record FILE ingest docs   runs the command and writes down its model work
    python tests/bench/model_work.py replay FILE               does that work alone

The work is every batch of tokens that went through the embedder and every pass of the language model that
scored the short answer. What is imported again is what anybody needs for it: openvino, tokenizers, and our
two thinnest files over them, `embed/openvino_encoder.py` and `generate/ov/scoring.py`. Nothing is hashed,
searched or stored.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

Calls = list[tuple[str, list[Any]]]


def record(file: Path, arguments: list[str]) -> None:
    from ragbraid.__main__ import main
    from ragbraid.embed.openvino_encoder import OpenVinoEncoder
    from ragbraid.generate.ov.scoring import _OpenVinoModel

    work: dict[str, Calls] = {"encoder": [], "scorer": []}

    def noted(name: str, owner: Any, method: str) -> None:
        call = getattr(owner, method)

        def noting(self: Any, *given: Any) -> Any:
            if method != "__init__":
                work[name].append((method, [np.asarray(each).tolist() for each in given]))
            elif name == "scorer":
                work[name].append((method, [str(given[0]), dict(given[1])]))
            else:
                work[name].append((method, [str(given[0].folder), given[1]]))
            return call(self, *given)

        setattr(owner, method, noting)

    for method in ("__init__", "_output"):
        noted("encoder", OpenVinoEncoder, method)
    for method in ("__init__", "cut", "forward"):
        noted("scorer", _OpenVinoModel, method)
    sys.argv = ["ragbraid", *arguments]
    try:
        main()
    finally:
        file.write_text(json.dumps(work), "utf-8")


def replay(file: Path) -> None:
    work: dict[str, Calls] = json.loads(file.read_text("utf-8"))
    if work["encoder"]:
        _embed(work["encoder"])
    if work["scorer"]:
        _score(work["scorer"])


def _embed(calls: Calls) -> None:
    from tokenizers import Tokenizer

    from ragbraid.embed.model_files import ModelFiles
    from ragbraid.embed.openvino_encoder import OpenVinoEncoder

    (_, (folder, pooling)), *passes = calls
    Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    encoder = OpenVinoEncoder(ModelFiles(Path(folder)), pooling)
    for _, (which, ids, mask) in passes:
        encoder._output(which, np.array(ids, np.int64), np.array(mask, np.bool_))


def _score(calls: Calls) -> None:
    from ragbraid.generate.ov.scoring import _OpenVinoModel

    (_, (folder, properties)), *passes = calls
    model = _OpenVinoModel(Path(folder), properties)
    for method, given in passes:
        if method == "cut":
            model.cut(*given)
        else:
            tokens, places, mask, rows, pairs = given
            model.forward(tokens, places, np.array(mask, np.float32), rows, pairs)


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(Path(sys.argv[2]), sys.argv[3:])
    else:
        replay(Path(sys.argv[2]))
