"""Features that know their future, planted to see that the look-ahead audit names them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_data.features.base import Compute, Feature, FeatureGroup, Floats, Inputs, Ints
from trading.domain.label import ORB_COMPLETE, EventKind

OUTCOME: Final = "planted_outcome"


@dataclass(frozen=True)
class Plant:
    """One cheat: the feature's name, what it is called and told as, and what computes it for a kind of event."""

    feature: str
    name: str
    told: str
    compute: Callable[[EventKind], Compute]

    def group(self, kind: EventKind) -> FeatureGroup:
        """Return the cheat as a group of one feature, for events of `kind`."""
        feature = Feature(self.feature, "of the future", f"A cheat, for the canaries: {self.told}.", "it is open")
        return FeatureGroup(self.feature, "the future", (feature,), self.compute(kind))


def _outcome(*, states_it: bool) -> Callable[[EventKind], Compute]:
    """Return what tells how an event's own range will break, or what its plain trade will earn.

    `states_it`: whether it declares when its input was known (after the decision) or hides that.
    """

    def of_kind(kind: EventKind) -> Compute:
        def compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
            future = inputs.directions if kind == ORB_COMPLETE else inputs.reference_r
            out[:, 0] = future[inputs.day, inputs.opening]
            newest[:] = inputs.decided + states_it

        return compute

    return of_kind


def _late_clock(_: EventKind) -> Compute:
    def compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
        row = np.minimum(inputs.now_row, len(inputs.close) - 1)
        out[:, 0] = inputs.close[row]
        newest[:] = inputs.decided

    return compute


def _unclosed_trade(_: EventKind) -> Compute:
    def compute(inputs: Inputs, out: Floats, newest: Ints) -> None:
        for event, (day, opening) in enumerate(zip(inputs.day, inputs.opening, strict=True)):
            out[event, 0] = np.nansum(inputs.reference_r[day, : opening + 1])
        newest[:] = inputs.decided

    return compute


PLANTS: Final = (
    Plant(OUTCOME, "a hidden leak", "an outcome that hides when it was known", _outcome(states_it=False)),
    Plant(OUTCOME, "a stated leak", "an outcome that says when it was known", _outcome(states_it=True)),
    Plant("planted_late_clock", "a late clock", "a bar that a clock one minute late takes for closed", _late_clock),
    Plant("planted_open_trade", "an open trade", "the result of a trade that is still open", _unclosed_trade),
)
HIDDEN, STATED, LATE_CLOCK, OPEN_TRADE = PLANTS
