"""The `sparse-encoder` embedder."""

from __future__ import annotations

import hashlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.embed.batches import by_length
from ragbraid.embed.engines import Device, choose
from ragbraid.embed.model_files import ModelFiles
from ragbraid.embed.probes import COSINE_LEAST, PROBES, cosines
from ragbraid.embed.protocol import Purpose, SparseVector
from ragbraid.errors import MissingDependency, ModelError
from ragbraid.models.locate import locate
from ragbraid.models.memory import Memory, Need
from ragbraid.models.reasons import reason
from ragbraid.models.sizes import parameters
from ragbraid.models.weights import Weights
from ragbraid.types import ModelName

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class SparseEncoder:
    """Gives texts weights over the model's vocabulary, with a sparse model of sentence-transformers.

    SPLADE and its kin (Formal and others, SIGIR 2021), also those that look a question's terms up without a
    model. `max_active_dims` keeps so many of a text's largest weights; the model's own files may say.
    Prefixes of questions and passages and the most tokens of a text come from there, too. `revision` is that
    of a model from the hub. `device` auto takes a GPU where there is one. `batch_tokens` bounds the tokens of
    one forward pass, each of which takes four bytes for every term of the vocabulary. After `idle` seconds
    without a text the weights are put away, and the next text loads them again.
    """

    blocking: ClassVar[bool] = True

    model: ModelName
    revision: str | None = None
    max_active_dims: Annotated[int, Ge(1)] | None = None
    device: Device = field(default="auto", metadata={"digest": False})
    batch_tokens: Annotated[int, Ge(1)] = field(default=2048, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> SparseEncoderRuntime:
        """The running embedder. Its files are read at first need, its weights at the first text."""
        return SparseEncoderRuntime(self)


class SparseEncoderRuntime:
    """Implements `SparseEmbedder`. A passage over the limit is refused; a query is cut, with a note."""

    def __init__(self, options: SparseEncoder) -> None:
        self._options = options
        self._weights: Weights[Any] = Weights(options.model, self._load, need=self._need, idle=options.idle)
        self._computing = threading.Lock()
        self._half = False
        """Whether products of matrices are computed in bfloat16: on a GPU, where that is as exact."""

    @cached_property
    def _files(self) -> ModelFiles:
        path = locate(self._options.model, self._options.revision, kind="embedder")
        if path.is_file():
            raise ModelError(
                f"{path} is one file, and a sparse embedder's model is a folder.",
                "Name the folder of a sparse model of sentence-transformers.",
            )
        return ModelFiles(path)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """That of the model, or of its way for passages."""
        folder = self._files.folder
        own = [folder, *sorted(each.parent for each in folder.rglob("tokenizer.json"))]
        found = next((each for each in own if (each / "tokenizer.json").exists()), folder)
        return ModelFiles(found).tokenizer

    @cached_property
    def identity(self) -> str:
        """The model's name and a fingerprint of its files and of what is set here."""
        name = self._options.model.replace("\\", "/").rstrip("/").rpartition("/")[2]
        own, most = self._files.fingerprint, self._options.max_active_dims
        if most is not None:
            own = hashlib.sha256(f"{own} {most}".encode()).hexdigest()[:12]
        return f"{name}@{own}"

    def embed_sparse(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> list[SparseVector]:
        """One vector per text, in the order of `texts`.

        Raises `ModelError` for a passage over the model's limit, and `Cancelled` between two batches.
        """
        found: dict[int, SparseVector] = {}
        if not texts:
            return []
        lengths = self._lengths(texts, purpose)
        with self._weights.use() as model:
            self._demand_short(model, lengths, purpose, context)
            for rows in by_length(lengths, self._options.batch_tokens):
                if context is not None:
                    context.check()
                with self._computing:
                    computed = self._encode(model, [texts[row] for row in rows], purpose)
                found.update(zip(rows, _vectors(computed), strict=True))
        return [found[row] for row in range(len(texts))]

    def warm_up(self) -> None:
        """Load the weights now."""
        with self._weights.use():
            pass

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._weights.memory = memory

    def close(self) -> None:
        """Give the weights' memory back."""
        self._weights.close()

    def _lengths(self, texts: Sequence[str], purpose: Purpose) -> list[int]:
        prefix = self._files.prefix(purpose)
        return [len(each.ids) for each in self._tokenizer.encode_batch([prefix + each for each in texts])]

    def _demand_short(
        self, model: Any, lengths: list[int], purpose: Purpose, context: Context | None
    ) -> None:
        most = _most_tokens(model)
        long = [at for at, length in enumerate(lengths) if most is not None and length > most]
        if not long or most is None:
            return
        if purpose == "passage":
            raise ModelError(
                f"Passage {long[0] + 1} of {len(lengths)} has {lengths[long[0]]} tokens, and "
                f"{self._options.model} sees {most}.",
                "Split into smaller chunks (the splitter's max_tokens), or take a model with a longer limit.",
            )
        if context is not None:
            context.note("cut", {"texts": len(long), "first_tokens": lengths[long[0]], "kept_tokens": most})

    def _encode(self, model: Any, texts: list[str], purpose: Purpose) -> Any:
        import torch

        encode = model.encode_query if purpose == "query" else model.encode_document
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self._half):
            return encode(
                texts,
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_sparse_tensor=True,
                save_to_cpu=True,
                max_active_dims=self._options.max_active_dims,
            )

    def _load(self) -> Any:
        try:
            from sentence_transformers import SparseEncoder as Library
        except ImportError as error:
            raise MissingDependency(
                "The sparse-encoder embedder needs sentence-transformers, which isn't installed.",
                "Run `pip install 'ragbraid[local]'`.",
            ) from error
        folder = self._files.folder
        _demand_sparse(folder, self._files)
        device = choose(self._files, "torch", self._options.device).device
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = Library(str(folder), device=device, local_files_only=True)
        except Exception as error:
            raise ModelError(
                f"The model in {folder} can't be loaded: {reason(error)}.",
                "Fetch it again, or name another model.",
            ) from error
        model.eval()
        self._half = device == "cuda" and self._is_as_exact(model)
        return model

    def _is_as_exact(self, model: Any) -> bool:
        """Whether products in bfloat16 give the vectors that those in float32 give, on this device."""
        limit, found = _most_tokens(model) or 256, []
        texts = [each[: 2 * limit] for each in PROBES]
        for self._half in (False, True):
            found.append(self._encode(model, texts, "passage").to_dense().float().numpy())
        return bool(cosines(*found).min() >= COSINE_LEAST)

    def _need(self) -> Need:
        folder = self._files.folder
        weights = sum(
            parameters(each) for each in {folder, *(at.parent for at in folder.rglob("*.safetensors"))}
        )
        logits = self._options.batch_tokens * self._tokenizer.get_vocab_size()
        return Need(
            4 * (weights + 2 * logits), device=choose(self._files, "torch", self._options.device).device
        )


def _demand_sparse(folder: Path, files: ModelFiles) -> None:
    """Raise `ModelError` for a dense model, to which the library would add random weights."""
    kinds = {name for name, _ in files.modules}
    if "Pooling" in kinds or (kinds == {"Transformer"} and not _for_masks(files)):
        raise ModelError(
            f"{folder} is no sparse model.", "Name a SPLADE model, or use type: sentence-transformer."
        )


def _for_masks(files: ModelFiles) -> bool:
    return any(str(each).endswith("ForMaskedLM") for each in files.config.get("architectures") or ())


def _most_tokens(model: Any) -> int | None:
    """The most tokens of a passage that the model sees, special ones included."""
    first = model[0]
    ways = getattr(first, "sub_modules", None)
    if ways is not None and "document" in ways:
        first = ways["document"][0]
    most = getattr(first, "max_seq_length", None)
    return None if most is None or most > 1 << 30 else int(most)


def _vectors(computed: Any) -> Iterator[SparseVector]:
    """The rows of a sparse tensor of shape (texts, vocabulary)."""
    import numpy as np

    whole = computed.coalesce()
    (rows, terms), weights = whole.indices().numpy(), whole.values().float().numpy()
    ends = np.searchsorted(rows, np.arange(whole.shape[0] + 1))
    for low, high in pairwise(ends.tolist()):
        own = weights[low:high]
        if not np.isfinite(own).all():
            raise ModelError("The model gave sparse vectors that aren't numbers.", "Fetch it again.")
        kept = own != 0
        yield SparseVector(terms[low:high][kept].astype(np.int32), own[kept].astype(np.float32))
