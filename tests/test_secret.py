from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import TypeAdapter

from ragbraid.secret import Secret


def test_never_shows_itself() -> None:
    secret = Secret("sesame")
    assert "sesame" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "sesame"
    with pytest.raises(TypeError, match="isn't written to disk"):
        pickle.dumps(secret)


def test_is_a_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_validates_from_a_string() -> None:
    adapter = TypeAdapter(Secret)
    assert adapter.validate_python("a") == adapter.validate_python(Secret("a")) == Secret("a")
    assert adapter.dump_json(Secret("sesame")) == b'"Secret(***)"'
    assert adapter.json_schema()["type"] == "string"


def test_can_be_copied_with_its_component() -> None:
    assert copy.deepcopy(Secret("a")) == Secret("a")
