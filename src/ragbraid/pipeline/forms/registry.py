"""The forms of a step, by the key that tells each."""

from __future__ import annotations

from collections.abc import Mapping

from ragbraid.pipeline.forms.agent import AGENT
from ragbraid.pipeline.forms.branch import BRANCH
from ragbraid.pipeline.forms.cached import CACHE
from ragbraid.pipeline.forms.calls import TYPE, USE
from ragbraid.pipeline.forms.form import Form
from ragbraid.pipeline.forms.loop import LOOP
from ragbraid.pipeline.forms.mapped import MAP
from ragbraid.pipeline.forms.narrow import ONLY
from ragbraid.pipeline.forms.route import ROUTE

FORMS: Mapping[str, Form] = {
    each.key: each for each in (TYPE, USE, BRANCH, LOOP, MAP, ROUTE, ONLY, AGENT, CACHE)
}
