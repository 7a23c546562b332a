"""Whatever ragbraid installs may be passed on with a program under Apache-2.0."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import pytest
from licences import allowed, licence, packages, spdx


def test_every_dependency_has_a_licence_that_is_allowed() -> None:
    found = packages()
    assert {"numpy", "pydantic", "rich"} <= set(found)
    assert {name: licence(each) for name, each in found.items() if not allowed(licence(each))} == {}


def test_what_is_compiled_into_the_extraction_library_is_allowed() -> None:
    library = packages().get("xberg")
    if library is None:
        pytest.skip("xberg isn't installed")
    assert licence(library) == "MIT"
    (bill,) = (each for each in library.files or [] if each.name.endswith("cyclonedx.json"))
    components = json.loads(bill.locate().read_text("utf-8"))["components"]
    assert len(components) > 500
    said = {each["name"]: _licences(each) for each in components}
    assert {name: texts for name, texts in said.items() if not texts or not all(map(allowed, texts))} == {}


def _licences(component: dict[str, Any]) -> list[str]:
    """What CycloneDX says of a component: an expression, a name of SPDX's, or the whole text."""
    listed = component.get("licenses", [])
    return [each.get("expression") or _single(each["license"]) for each in listed]


def _single(licence: dict[str, Any]) -> str:
    return licence.get("id") or spdx(b64decode(licence["text"]["content"]).decode())


@pytest.mark.parametrize(
    ("expression", "right"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("ISC AND (Apache-2.0 OR ISC)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("", False),
    ],
)
def test_an_alternative_may_be_chosen_and_a_demand_not(expression: str, right: bool) -> None:
    assert allowed(expression) is right
