"""Advice: the one value by which a model may reach the rules, passed in at the edge, and what each stage lets it do."""

from dataclasses import dataclass
from typing import Final

from trading.domain.prediction import BIAS_NONE, TAKE

SHADOW: Final = "shadow"
AUTO: Final = "auto"
STAGES: Final = (SHADOW, "advisory", "hybrid", AUTO)
"""What a version may do, least first: be logged; speak; scale risk; send paper orders."""


@dataclass(frozen=True)
class Advice:
    """What a version in `stage` says of one opening range: `says` UP, DOWN, TAKE, SKIP, or NONE (not sure enough).

    `size` is the share of the rules' size that it advises, 0 to 1; None where it advises none.
    """

    model: str
    version: str
    stage: str
    says: str
    size: float | None = None

    @property
    def is_heard(self) -> bool:
        """Whether it may speak beside the rules."""
        return self.stage in STAGES[1:]

    @property
    def scales_risk(self) -> bool:
        """Whether it may make the risk of a trade smaller."""
        return self.stage in STAGES[2:]

    def takes(self, side: str) -> bool:
        """Return whether it would trade a break to `side` (UP, DOWN)."""
        return takes_the_break(self.says, side)


def takes_the_break(advice: str | None, direction: str | None) -> bool:
    """Return whether a trader who follows `advice` trades a break in `direction`.

    Unless it names the other side, or says to skip.

    >>> [takes_the_break(advice, "UP") for advice in ("UP", "DOWN", "NONE", None, "TAKE", "SKIP")]
    [True, False, True, True, True, False]
    """
    return advice is None or advice in (BIAS_NONE, TAKE, direction)
