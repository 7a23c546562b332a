"""Text in and out of a model whose tokenizer transformers reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from ragbraid.errors import MissingDependency, ModelError
from ragbraid.generate.ends import ENDS
from ragbraid.generate.hf.constraint import Holder
from ragbraid.generate.hf.quietly import quietly
from ragbraid.generate.prompting import prompt_tokens
from ragbraid.generate.protocol import Constraint
from ragbraid.models.reasons import reason
from ragbraid.types import Message


class Tokenized:
    """A tokenizer with what surrounds it. Implements `answering.Text` and `tree_scoring.Encoder`.

    `ends` are the tokens that the model's files say end an answer, `begin` those that begin every text: by
    default what the tokenizer puts there. `template` is the chat template, by default the tokenizer's.
    """

    def __init__(
        self,
        tokenizer: Any,
        name: str,
        ends: Sequence[int | None],
        *,
        begin: Sequence[int] | None = None,
        template: str | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.holders: Callable[[Constraint], Holder] | None = None
        self._name, self._ends = name, ends
        self._begin = list(tokenizer("")["input_ids"][:1] if begin is None else begin)
        self._template = template or tokenizer.chat_template

    @cached_property
    def stops(self) -> Sequence[int]:
        """The tokens that end an answer."""
        known = sorted(number for token, number in self.tokenizer.get_vocab().items() if token in ENDS)
        told = [*self._ends, self.tokenizer.eos_token_id, *known]
        return tuple(dict.fromkeys(int(each) for each in told if each is not None))

    def prompt(self, prompt: tuple[Message, ...] | str) -> list[int]:
        """The tokens of a prompt, chat template and beginning of text included."""
        bos, eos = (str(each or "") for each in (self.tokenizer.bos_token, self.tokenizer.eos_token))
        return prompt_tokens(
            prompt,
            lambda piece: self.encode(piece.text, control=piece.control),
            template=self._template,
            bos=bos,
            eos=eos,
            begin=self._begin,
            model=self._name,
        )

    def encode(self, text: str, *, control: bool) -> list[int]:
        """Token ids; without `control`, what looks like a control token is plain text."""
        encoded = self.tokenizer(text, add_special_tokens=False, split_special_tokens=not control)
        return [int(each) for each in encoded["input_ids"]]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of many texts without control tokens."""
        return [self.encode(text, control=False) for text in texts]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens; control tokens have none, and half a character is a replacement sign."""
        return str(
            self.tokenizer.decode(list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False)
        )


def load_tokenizer(folder: Path, **kept: Any) -> Any:
    """transformers' tokenizer of a folder. Raises `ModelError`, and `MissingDependency` without it."""
    try:
        import transformers
    except ImportError as error:
        raise MissingDependency(
            "Tokenizers of models in folders need transformers, which isn't installed.",
            "Run `pip install 'ragbraid[local]'`.",
        ) from error
    try:
        with quietly():
            return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, **kept)
    except MissingDependency:
        raise
    except Exception as error:  # it raises whatever its parsers do
        raise ModelError(
            f"The tokenizer in {folder} can't be loaded: {reason(error)}.",
            "Name another model, or fetch it again.",
        ) from error
