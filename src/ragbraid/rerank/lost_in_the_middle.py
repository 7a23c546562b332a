"""The best hits where a model looks: at the beginning and at the end."""

from __future__ import annotations

from dataclasses import dataclass

from ragbraid.types import Hit


@dataclass(frozen=True, slots=True)
class LostInTheMiddle:
    """Puts the best hits at both ends of the prompt and the worst in its middle.

    Models use what stands first and last in a long context better than what stands between. The first k hits
    are laid out as first, third, fifth … fourth, second; scores stay. It belongs right before `compose`, for
    what comes out isn't ordered by score. Source: Liu et al., Lost in the Middle, TACL 2024.
    """

    def __call__(self, hits: list[Hit], k: int) -> list[Hit]:
        """The first k hits, the best at the ends."""
        best = hits[:k]
        return [*best[::2], *reversed(best[1::2])]
