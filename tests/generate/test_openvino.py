from __future__ import annotations

import pytest

from ragbraid.generate.openvino import OpenVino, OpenVinoRuntime
from ragbraid.testing.generator import GeneratorConformance
from small_model import smollm

pytestmark = pytest.mark.model


class TestOpenVinoConforms(GeneratorConformance):
    holds_patterns = tells_alternatives = scores = True

    def make(self) -> OpenVinoRuntime:
        smollm()
        return OpenVino(context_tokens=1024, cache_mb=128).open()
