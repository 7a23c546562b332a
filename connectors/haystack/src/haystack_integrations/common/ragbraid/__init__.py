"""What the components of this package share; importing it warns where Haystack's version wasn't tested."""

from haystack_integrations.common.ragbraid.values import (
    answer_of,
    as_document,
    as_generated_answer,
    hit_of_document,
)

from ragbraid.bridge.frameworks import warn_untested

TESTED = ("3.4", "3.5")
"""The first version of Haystack that was tested, and the first after it that wasn't."""

warn_untested("ragbraid-haystack", "haystack-ai", TESTED)

__all__ = ["TESTED", "answer_of", "as_document", "as_generated_answer", "hit_of_document"]
