"""What the models do in a command, written down once and then done again without ragbraid's pipeline.

    python tests/bench/model_work.py record FILE ingest docs   runs the command and writes down its model work
    python tests/bench/model_work.py replay FILE               does that work alone

The work is every batch of tokens that went through the embedder and every request to llama.cpp. What is
imported again is what anybody needs for it: torch, tokenizers, safetensors, xllamacpp, and our two thinnest
files over them, `embed/bert.py` and `generate/llama_server.py`. Nothing is hashed, searched or stored.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def record(file: Path, arguments: list[str]) -> None:
    from ragbraid.__main__ import main
    from ragbraid.embed.bert import Bert
    from ragbraid.generate.llama_server import LlamaServer

    work: dict[str, Any] = {"encoder": None, "batches": [], "server": None, "tokenized": [], "requests": []}

    def note_encoder(make: Any) -> Any:
        def made(self: Bert, folder: Path, config: dict[str, Any], device: str) -> None:
            work["encoder"] = {"folder": str(folder), "config": config, "device": device}
            make(self, folder, config, device)

        return made

    def note_batch(call: Any) -> Any:
        def called(self: Bert, ids: Any, mask: Any) -> Any:
            work["batches"].append({"ids": ids.tolist(), "mask": mask.tolist()})
            return call(self, ids, mask)

        return called

    def note_server(make: Any) -> Any:
        def made(self: LlamaServer, path: Path, **options: Any) -> None:
            work["server"] = {"path": str(path), "options": options}
            make(self, path, **options)

        return made

    def note_tokenized(call: Any) -> Any:
        def called(self: LlamaServer, text: str, **options: Any) -> Any:
            work["tokenized"].append({"text": text, "options": options})
            return call(self, text, **options)

        return called

    def note_request(call: Any) -> Any:
        def called(self: LlamaServer, request: dict[str, Any], each: Any) -> Any:
            work["requests"].append(request)
            return call(self, request, each)

        return called

    patched: list[tuple[Any, str, Any]] = [
        (Bert, "__init__", note_encoder), (Bert, "__call__", note_batch),
        (LlamaServer, "__init__", note_server), (LlamaServer, "tokenize", note_tokenized),
        (LlamaServer, "complete", note_request),
    ]  # fmt: skip
    for owner, name, wrap in patched:
        setattr(owner, name, wrap(getattr(owner, name)))
    sys.argv = ["ragbraid", *arguments]
    try:
        main()
    finally:
        file.write_text(json.dumps(work), "utf-8")


def replay(file: Path) -> None:
    work = json.loads(file.read_text("utf-8"))
    if work["encoder"]:
        _embed(work)
    if work["server"]:
        _generate(work)


def _embed(work: dict[str, Any]) -> None:
    import torch
    from tokenizers import Tokenizer

    from ragbraid.embed.bert import Bert

    folder = Path(work["encoder"]["folder"])
    Tokenizer.from_file(str(folder / "tokenizer.json"))
    bert = Bert(folder, work["encoder"]["config"], work["encoder"]["device"])
    with torch.inference_mode():
        for each in work["batches"]:
            bert(torch.tensor(each["ids"]), torch.tensor(each["mask"])).numpy()


def _generate(work: dict[str, Any]) -> None:
    from ragbraid.generate.llama_server import LlamaServer

    server = LlamaServer(Path(work["server"]["path"]), **work["server"]["options"])
    for each in work["tokenized"]:
        server.tokenize(each["text"], **each["options"])
    for request in work["requests"]:
        server.complete(request, lambda _: False)
    server.close()


if __name__ == "__main__":
    if sys.argv[1] == "record":
        record(Path(sys.argv[2]), sys.argv[3:])
    else:
        replay(Path(sys.argv[2]))
