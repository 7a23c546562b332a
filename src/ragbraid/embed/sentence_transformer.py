"""The `sentence-transformer` embedder."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Ge, Gt

from ragbraid.context import Context
from ragbraid.embed.batches import by_length, of_one_length
from ragbraid.embed.engines import Device, Engine, choose, load
from ragbraid.embed.model_files import ModelFiles
from ragbraid.embed.parts import Parts
from ragbraid.embed.protocol import Purpose
from ragbraid.embed.tokens import Tokens, TokenStore
from ragbraid.errors import ModelError
from ragbraid.models.catalogue import MANY, catalogue
from ragbraid.models.locate import locate
from ragbraid.models.memory import Memory, Need
from ragbraid.models.sizes import parameters
from ragbraid.models.weights import Weights
from ragbraid.types import ModelName, Vectors

if TYPE_CHECKING:
    from tokenizers import Encoding

    from ragbraid.embed.encoder import Encoder


_DEFAULT = ModelName("all-minilm-l6-v2")


@dataclass(frozen=True, slots=True)
class SentenceTransformer:
    """Embeds texts with a sentence-transformers model on this machine.

    `max_tokens`, `query_prefix` and `passage_prefix` come from the model's own files where they aren't
    given; `revision` is that of a model from the hub. `device` auto takes a GPU where there is one. On
    the CPU `engine` auto takes OpenVINO where it is faster and its vectors equal torch's (cosine 0.9999
    at least, measured once on each machine), else torch. `dimensions` keeps only the first numbers of
    each vector, for models that were trained for it (Matryoshka; Kusupati et al. 2022). A static model, a
    table of tokens' vectors, is computed by numpy, whatever `engine` and `device` say. With `late`,
    chunks are pooled from the tokens of a stretch of the document as long as the model sees, at most
    2,048 tokens (late chunking, Günther et al. 2024), for models that take the mean of their tokens.
    `batch_tokens` bounds the tokens of one forward pass. The token vectors of passages that were ranked
    are kept for the next question, in half precision, up to `token_cache_mb` megabytes: about six
    passages of 220 tokens each. After `idle` seconds without a text the weights are put away, and the next
    text loads them again.
    """

    blocking: ClassVar[bool] = True

    model: ModelName = _DEFAULT
    revision: str | None = None
    max_tokens: Annotated[int, Ge(1)] | None = None
    query_prefix: str | None = None
    passage_prefix: str | None = None
    dimensions: Annotated[int, Ge(1)] | None = None
    late: bool = False
    engine: Engine = field(default="auto", metadata={"digest": False})
    device: Device = field(default="auto", metadata={"digest": False})
    batch_tokens: Annotated[int, Ge(1)] = field(default=4096, metadata={"digest": False})
    token_cache_mb: Annotated[int, Ge(0)] = field(default=256, metadata={"digest": False})
    idle: Annotated[float, Gt(0)] | None = field(default=None, metadata={"digest": False})

    def open(self) -> SentenceTransformerRuntime:
        """The running embedder. Its files are read at first need, its weights at the first `embed`."""
        return SentenceTransformerRuntime(self)


class SentenceTransformerRuntime:
    """Implements `TokenEmbedder`. A passage over the limit is refused; a query is cut, with a note."""

    def __init__(self, options: SentenceTransformer) -> None:
        self._options = options
        self._weights: Weights[Encoder] = Weights(
            options.model, self._load, need=self._need, idle=options.idle
        )
        self._kept = TokenStore(options.token_cache_mb * 2**20)
        self._computing = threading.Lock()

    @cached_property
    def _files(self) -> ModelFiles:
        path = locate(self._options.model, self._options.revision, kind="embedder")
        if path.is_file():
            raise ModelError(
                f"{path} is one file, and an embedder's model is a folder.",
                "Name the folder of a sentence-transformers model.",
            )
        return ModelFiles(path)

    @cached_property
    def identity(self) -> str:
        """The model's name and a fingerprint of its files and of what is set here."""
        options, name = self._options, self._options.model.replace("\\", "/").rstrip("/").rpartition("/")[2]
        own = (options.max_tokens, options.query_prefix, options.passage_prefix, options.dimensions)
        if own == (None,) * 4 and not options.late:
            return f"{name}@{self._files.fingerprint}"
        parts: tuple[Any, ...] = (
            self._files.fingerprint, self.max_tokens, self._prefix("query"), self._prefix("passage"),
        )  # fmt: skip
        if options.late:
            parts = (*parts, "late")
        if options.dimensions is not None:
            parts = (*parts, options.dimensions)
        return f"{name}@{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"

    @property
    def dimensions(self) -> int:
        """The length of a vector: what is set here, or what the model's files say."""
        wanted, most = self._options.dimensions, self._files.dimensions
        if wanted is not None and wanted > most:
            raise ModelError(
                f"dimensions is {wanted}, and {self._options.model} gives vectors of {most}.", "Lower it."
            )
        return wanted or most

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the catalogue gives for the model; empty for a model of many, or another."""
        known = catalogue().get(self._options.model)
        return () if known is None or MANY in known.languages else known.languages

    @cached_property
    def max_tokens(self) -> int:
        """The most tokens of a text that the model sees, without its special tokens."""
        special = self._files.tokenizer.num_special_tokens_to_add(is_pair=False)
        most, wanted = self._files.positions - special, self._options.max_tokens
        if wanted is not None and wanted > most:
            raise ModelError(
                f"max_tokens is {wanted}, and {self._options.model} takes {most} at most.", "Lower it."
            )
        return wanted or self._files.max_length - special

    @property
    def late(self) -> bool:
        """Whether parts of texts are embedded with what stands around them in view."""
        return self._options.late

    def tokenizer_json(self) -> str:
        """The model's tokenizer, without truncation or padding."""
        return str(self._files.tokenizer.to_str())

    def embed(
        self, texts: Sequence[str], purpose: Purpose = "passage", *, context: Context | None = None
    ) -> Vectors:
        """Unit vectors in the order of `texts`.

        Raises `ModelError` for a passage over `max_tokens`, and `Cancelled` between two batches.
        """
        import numpy as np

        vectors: Vectors = np.empty((len(texts), self.dimensions), np.float32)
        if not texts:
            return vectors
        if self._options.late and purpose == "passage":
            return self._embed_parts(texts, context)
        prefix = self._prefix(purpose)
        encodings = self._encode([prefix + text for text in texts], purpose == "query", context)
        with self._weights.use() as encoder:
            batches = by_length if purpose == "passage" else of_one_length
            for rows, batch in self._forward(encodings, encoder.sentences, context, batches):
                vectors[rows] = self._shortened(batch)
        return self._sound(vectors)

    def _embed_parts(self, texts: Sequence[str], context: Context | None) -> Vectors:
        import numpy as np

        if self._files.pooling != "mean":
            raise ModelError(
                f"{self._options.model} doesn't take the mean of its tokens, which `late` pools.",
                "Leave late out, or take another model.",
            )
        prefix, parts = self._prefix("passage"), Parts(texts)
        encodings = self._encode([prefix + each for each in parts.windows], False, context)
        vectors: Vectors = np.empty((len(texts), self.dimensions), np.float32)
        with self._weights.use() as encoder:
            for rows, batch in self._forward(encodings, encoder.states, context, unit=False):
                for row, states in zip(rows, batch, strict=True):
                    for at, vector in parts.pooled(parts.windows[row], states, encodings[row], len(prefix)):
                        vectors[at] = self._shortened(vector)
        return self._sound(vectors)

    def _shortened(self, vectors: Vectors) -> Vectors:
        """The first numbers of unit vectors, at unit length again."""
        import numpy as np

        if self.dimensions == vectors.shape[-1]:
            return vectors
        kept = vectors[..., : self.dimensions]
        found: Vectors = kept / np.linalg.norm(kept, axis=-1, keepdims=True).clip(1e-12)
        return found

    def _sound(self, vectors: Vectors) -> Vectors:
        import numpy as np

        if not np.isfinite(vectors).all():
            raise ModelError(f"{self._options.model} gave vectors that aren't numbers.", "Fetch it again.")
        return vectors

    def token_vectors(self, texts: Sequence[str], *, context: Context | None = None) -> list[Tokens]:
        """Each text's tokens with their states as unit vectors; a text over the limit is cut, with a note.

        The vectors are rounded to half precision, whether they were kept or are made now.
        """
        found = self._kept.find(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found |= self._made(missing, context)
        return [found[text] for text in texts]

    def _made(self, texts: Sequence[str], context: Context | None) -> dict[str, Tokens]:
        import numpy as np

        encodings = self._encode(texts, True, context)
        made: dict[str, Tokens] = {}
        with self._weights.use() as encoder:
            for rows, batch in self._forward(encodings, encoder.states, context, of_one_length):
                for row, states in zip(rows, batch, strict=True):
                    encoding = encodings[row]
                    own = [at for at, special in enumerate(encoding.special_tokens_mask) if not special]
                    made[texts[row]] = Tokens(
                        states[own].astype(np.float16).astype(np.float32),
                        [encoding.ids[at] for at in own],
                        [encoding.offsets[at] for at in own],
                    )
        # A text that was cut is made anew each time, or its note would be written once only.
        whole = {texts[row] for row, encoding in enumerate(encodings) if not encoding.overflowing}
        self._kept.keep({text: tokens for text, tokens in made.items() if text in whole})
        return made

    def warm_up(self) -> None:
        """Load the weights now."""
        with self._weights.use():
            pass

    def take_from(self, memory: Memory) -> None:
        """Load within this budget."""
        self._weights.memory = memory

    def close(self) -> None:
        """Give the weights' memory back."""
        self._kept.clear()
        self._weights.close()

    def _prefix(self, purpose: Purpose) -> str:
        options = self._options
        own = options.query_prefix if purpose == "query" else options.passage_prefix
        return self._files.prefix(purpose) if own is None else own

    def _encode(self, texts: Sequence[str], cut: bool, context: Context | None) -> list[Encoding]:
        tokenizer = self._files.tokenizer
        limit = self.max_tokens + tokenizer.num_special_tokens_to_add(is_pair=False)
        encodings: list[Encoding] = tokenizer.encode_batch(list(texts))
        long = [at for at, encoding in enumerate(encodings) if len(encoding.ids) > limit]
        if not long:
            return encodings
        tokens = len(encodings[long[0]].ids) - (limit - self.max_tokens)
        if not cut:
            raise ModelError(
                f"Passage {long[0] + 1} of {len(texts)} has {tokens} tokens, and {self._options.model} sees "
                f"{self.max_tokens}.",
                "Split into smaller chunks (the splitter's max_tokens), or take a model with a longer limit.",
            )
        if context is not None:
            context.note("cut", {"texts": len(long), "first_tokens": tokens, "kept_tokens": self.max_tokens})
        for at, encoding in zip(long, self._cutting.encode_batch([texts[at] for at in long]), strict=True):
            encodings[at] = encoding
        return encodings

    @cached_property
    def _cutting(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self.tokenizer_json())
        special = tokenizer.num_special_tokens_to_add(is_pair=False)
        tokenizer.enable_truncation(self.max_tokens + special)
        return tokenizer

    def _forward(
        self,
        encodings: list[Encoding],
        compute: Any,
        context: Context | None,
        batches: Callable[[Sequence[int], int], Iterator[list[int]]] = by_length,
        *,
        unit: bool = True,
    ) -> Iterator[tuple[list[int], Any]]:
        import numpy as np

        for rows in batches([len(each.ids) for each in encodings], self._options.batch_tokens):
            if context is not None:
                context.check()
            length = len(encodings[rows[0]].ids)
            ids = np.zeros((len(rows), length), np.int64)
            mask = np.zeros((len(rows), length), np.bool_)
            for at, row in enumerate(rows):
                own = encodings[row].ids
                ids[at, : len(own)], mask[at, : len(own)] = own, True
            with self._computing:
                states = compute(ids, mask)
            yield (
                rows,
                states / np.linalg.norm(states, axis=-1, keepdims=True).clip(1e-12) if unit else states,
            )

    def _load(self) -> Encoder:
        return load(self._files, self._options.engine, self._options.device)

    def _need(self) -> Need:
        device = choose(self._files, self._options.engine, self._options.device).device
        cache = self._options.token_cache_mb * 2**20 if device == "cpu" else 0
        return Need(4 * parameters(self._files.folder) + cache, device=device)
