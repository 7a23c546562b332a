"""llama.cpp's server, in this process: loaded, asked, tokenised with, closed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ragbraid.errors import GenerationError, MissingDependency, ModelError
from ragbraid.generate.llama_slots import SlotStore

_QUIET = -1
_KV = {"f16": 1, "q8_0": 8, "q4_0": 2}
"""ggml's numbers of these types."""


class LlamaServer:
    """A loaded model. Its own address is on the loopback alone and takes only this object's key."""

    def __init__(
        self,
        path: Path,
        *,
        context: int,
        parallel: int,
        threads: int,
        gpu_layers: int,
        cache_mb: int,
        kv_cache: str,
        speculation: str,
        draft: Path | None = None,
        store: SlotStore | None = None,
    ) -> None:
        try:
            import xllamacpp
        except ImportError as error:
            raise MissingDependency(
                "The llama-cpp generator needs xllamacpp, which isn't installed.",
                "Run `pip install 'ragbraid[local]'`.",
            ) from error
        self._key = secrets.token_hex(16)
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel = context * parallel, parallel
        params.n_gpu_layers, params.fit_params = gpu_layers, False
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.verbosity, params.warmup, params.ui = _QUIET, False, False
        params.n_threads_http, params.api_keys, params.endpoint_metrics = 1, [self._key], True
        params.cache_ram_mib = cache_mb
        params.cache_type_k = params.cache_type_v = _KV[kv_cache]
        kinds, kind = [], xllamacpp.common_speculative_type
        if speculation == "ngram":
            kinds.append(kind.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE)
        if draft is not None:
            kinds.append(kind.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE)
            drafting = params.speculative.draft
            drafting.mparams.path, drafting.n_gpu_layers = str(draft), gpu_layers
            drafting.cpuparams.n_threads = drafting.cpuparams_batch.n_threads = threads
        if kinds:
            params.speculative.types = kinds
        self._store = store
        if store is not None:
            store.prepare()
            params.slot_save_path = f"{store.folder}/"
        try:
            self._server: Any = xllamacpp.Server(params)
            # It comes back before its loop runs, and a stop that reaches the loop too early is lost: closing
            # would wait for ever. What the loop itself answers says that it runs.
            self._server.handle_metrics()
        except Exception as error:
            raise ModelError(
                f"llama.cpp can't load {path}: {str(error).strip() or type(error).__name__}.",
                "The model may be of an architecture that it doesn't know, or too large for memory.",
            ) from error
        self._demand_numbers(path)
        if store is not None:
            store.restore(self._act)

    def complete(self, request: Mapping[str, Any], each: Callable[[dict[str, Any]], bool]) -> None:
        """Run a completion, handing each chunk to `each`, which returns True to stop."""
        self._server.handle_completions(dict(request), each)

    def _demand_numbers(self, path: Path) -> None:
        """Raise `ModelError` where the model's probabilities aren't numbers: it would answer all the same."""
        told: list[Any] = []

        def each(chunk: dict[str, Any]) -> None:
            for choice in chunk.get("choices") or []:
                told.extend((choice.get("logprobs") or {}).get("content") or [])

        asked = {"prompt": [0], "n_predict": 1, "n_probs": 1, "temperature": 0.0, "cache_prompt": False}
        self._server.handle_completions({**asked, "stream": True}, each)
        if any(likely.get("logprob") is None for one in told for likely in one.get("top_logprobs") or []):
            self._server = None
            raise ModelError(f"The probabilities of {path} aren't numbers.", "Fetch it again.")

    def tokenize(self, text: str, *, control: bool, special: bool = False) -> list[int]:
        """Token ids; `control` reads control tokens in the text, `special` adds the model's BOS."""
        try:
            told = self._post("/tokenize", content=text, add_special=special, parse_special=control)
            return list(told["tokens"])
        except (OSError, HTTPException, ValueError, KeyError) as error:
            raise GenerationError(f"llama.cpp didn't tokenise the prompt: {error}.") from error

    def _act(self, slot: int, action: str, file: str) -> None:
        """Save or restore a slot; one that is busy, or a file of another kind, is left as it is."""
        with suppress(OSError, HTTPException, ValueError):
            self._post(f"/slots/{slot}?action={action}", timeout=5, filename=file)

    def _post(self, path: str, *, timeout: float = 60, **body: Any) -> Any:
        address = urlsplit(self._server.listening_address)
        connection = HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=timeout)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def close(self) -> None:
        """Stop its threads and free its memory, once the slots' states are kept, where they are."""
        if self._store is not None and self._server is not None:
            self._store.save(self._act)
        self._server = None
