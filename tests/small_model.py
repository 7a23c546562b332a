"""The small language model, where it is on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragbraid.errors import ModelMissing
from ragbraid.models.locate import locate
from ragbraid.types import Message


def smollm() -> Path:
    try:
        return locate("smollm2-135m-instruct")
    except ModelMissing as missing:
        pytest.skip(str(missing))


def user(text: str) -> tuple[Message, ...]:
    return (Message("user", text),)
