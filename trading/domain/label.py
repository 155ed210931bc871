"""What a model may be asked: at which moment, and for what kind of answer. Training, settlement and pages share it."""

from dataclasses import dataclass
from typing import Final, Literal

EventKind = Literal["orb_complete", "break_closed"]

ORB_COMPLETE: Final = "orb_complete"
"""The moment at which the last minute of an opening range has closed."""

BREAK_CLOSED: Final = "break_closed"
"""The moment at which the first 1-minute bar whose close lies outside a complete range has closed."""

EVENT_KINDS: Final[tuple[EventKind, ...]] = (ORB_COMPLETE, BREAK_CLOSED)


@dataclass(frozen=True)
class Label:
    """One kind of question.

    `event` is the moment at which it is asked. A label of classes has `classes`, in the order of their probabilities;
    `subject` is the class that reasons, reliability and pages are about. A label of numbers has `targets`; `unit` is
    theirs, and the first of them is its subject. `by_rule` says that it is about a trade rule. `walk` is what the
    baseline that never learned is called: what a walk without drift would do.
    """

    name: str
    event: EventKind
    classes: tuple[str, ...] = ()
    subject: str = ""
    targets: tuple[str, ...] = ()
    unit: str = ""
    by_rule: bool = False
    walk: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the journal that hold the probabilities of `classes`."""
        return tuple(f"prob_{name.lower()}" for name in self.classes)


BREAK_DIRECTION: Final = Label("break_direction", ORB_COMPLETE, ("UP", "DOWN", "NONE"), "UP", walk="martingale")
TARGET_FIRST: Final = Label("target_first", BREAK_CLOSED, ("WIN", "MISS"), "WIN", by_rule=True, walk="fair game")
"""WIN: the target was touched before the stop and in time. MISS: the stop came first, or neither in time."""

NET_R: Final = Label("net_r", BREAK_CLOSED, targets=("r",), unit="R", by_rule=True, walk="zero before costs")
"""What the trade earns after costs, in R."""

RANGE_AHEAD: Final = Label(
    "range_ahead", ORB_COMPLETE, targets=("range", "rise", "fall"), unit="log ORB", walk="20-day mean"
)
"""How far the price travels in the four hours after a range, and how far up and down from its close: the log of that
distance (a tick more) over the range's size."""

LABELS: Final = {label.name: label for label in (BREAK_DIRECTION, TARGET_FIRST, NET_R, RANGE_AHEAD)}
"""Every kind of question by its name."""


def label_named(name: str | None) -> Label:
    """Return the label called `name`; what was logged before labels had names is about the direction."""
    return LABELS[name or BREAK_DIRECTION.name]
