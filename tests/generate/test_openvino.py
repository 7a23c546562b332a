from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragbraid.generate.openvino import OpenVino, OpenVinoRuntime
from ragbraid.testing.generator import GeneratorConformance
from small_model import smollm
from soaking import count

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def runtime() -> Iterator[OpenVinoRuntime]:
    smollm()
    opened = OpenVino(context_tokens=1024, cache_mb=128).open()
    yield opened
    opened.close()


class TestOpenVinoConforms(GeneratorConformance):
    prompts, held = count(5, 1000), count(3, 1000)
    holds_patterns = tells_alternatives = scores = True

    @pytest.fixture
    def generator(self, runtime: OpenVinoRuntime) -> OpenVinoRuntime:
        return runtime
