"""Requests made of the OpenAPI description, right and wrong ones: each has a status that is described."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from served import site, write

from ragbraid.pipeline.serving import Settings
from soaking import FULL, count

CASES = count(66, 100_000)
OPERATIONS = 22
"""About as many as there are."""


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with site(write(tmp_path_factory.mktemp("site")), Settings(timeout=20)) as made:
        yield made


@pytest.fixture(scope="module")
def described(http: httpx.Client) -> BaseSchema:
    told = http.get("/openapi.json").json()
    return schemathesis.openapi.from_dict(told)


def test_any_request_is_answered_as_described(http: httpx.Client, described: BaseSchema) -> None:
    operations = [each.ok() for each in described.get_all_operations()]
    assert len(operations) >= 18
    for operation in operations:
        demand_described(http, operation)


def demand_described(http: httpx.Client, operation: object) -> None:
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases = st.one_of(operation.as_strategy(generation_mode=each) for each in modes)  # type: ignore[attr-defined]
    allowed = {int(each) for each in operation.definition.raw["responses"]}  # type: ignore[attr-defined]

    @given(case=cases)
    @settings(
        max_examples=max(3, CASES // OPERATIONS), deadline=None, database=None, derandomize=not FULL,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def check(case: schemathesis.Case) -> None:
        try:
            answered = case.call(base_url=str(http.base_url))
        except requests.RequestException:  # h11 refuses a longer head and closes, which a client may not read
            assert len(case.as_curl_command()) > 30_000
        else:
            assert answered.status_code in allowed, f"{answered.status_code}: {case.as_curl_command()[:2000]}"

    check()
