"""llama-cpp-python as LangChain's, LlamaIndex's and Haystack's documentation set it up, for `engines.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ragbraid.generate.gguf import find_file
from ragbraid.generate.protocol import Completion, Request
from ragbraid.types import ModelName, Usage


class PeerLlamaCpp:
    """One model, one request after another; its own cache of prompts is on."""

    scores_together = False

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._model: Any = None

    def warm_up(self) -> None:
        from llama_cpp import Llama, LlamaRAMCache

        path = str(find_file(ModelName("smollm2-135m-instruct"), None))
        self._model = Llama(path, n_ctx=4096, n_threads=self._threads, n_batch=512, verbose=False)
        self._model.set_cache(LlamaRAMCache())
        self._model("water", max_tokens=1)

    def count_tokens(self, prompt: str) -> int:
        return len(self._model.tokenize(prompt.encode()))

    def stream(self, request: Request) -> Iterator[str]:
        for each in self._model(request.prompt, max_tokens=request.max_tokens, temperature=0.0, stream=True):
            yield each["choices"][0]["text"]

    def generate(self, requests: Sequence[Request]) -> list[Completion]:
        found = []
        for each in requests:
            told = self._model(each.prompt, max_tokens=each.max_tokens, temperature=0.0)
            used = told["usage"]["completion_tokens"]
            found.append(Completion(told["choices"][0]["text"], usage=Usage(0, used, 1)))
        return found

    def close(self) -> None:
        self._model.close()
