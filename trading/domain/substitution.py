"""Why a replay of an event comes out otherwise than it was logged: the causes, and the stages that tell them apart.

A forecast passes stages: bars give features, a version answers them, settings make advice of the answer, a trade is
filled. A cause is found by putting one stage of the replay after the other in the place of the live one: what changes
with a stage is that stage's doing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final


@dataclass(frozen=True)
class Cause:
    """One reason for a difference: its name in the journal, and what people are told behind a number of events."""

    name: str
    words: str


MISSED_LIVE: Final = Cause("missed", "missed live")
ONLY_LIVE: Final = Cause("only_live", "that a replay does not meet")
ONLY_REPLAY: Final = Cause("only_replay", "never logged")
DATA_REVISED: Final = Cause("data_revised", "by revised or late bars")
FEATURE_DIFFERS: Final = Cause("feature_differs", "by other inputs of the same bars")
MODEL_DIFFERS: Final = Cause("model_differs", "by another version")
THRESHOLD_DIFFERS: Final = Cause("threshold_differs", "by other settings")
FILL_DIFFERS: Final = Cause("fill_differs", "by other costs or ticks")
UNEXPLAINED: Final = Cause("unexplained", "without a known cause")

CAUSES: Final = (
    MISSED_LIVE,
    ONLY_LIVE,
    ONLY_REPLAY,
    DATA_REVISED,
    FEATURE_DIFFERS,
    MODEL_DIFFERS,
    THRESHOLD_DIFFERS,
    FILL_DIFFERS,
    UNEXPLAINED,
)
"""Every cause in causal order: an event that differs for several is counted under the first of them."""


@dataclass(frozen=True)
class Said:
    """What was said of an event, by the version of that hash: the journal's answer columns, or a refusal's code."""

    version_hash: str
    code: str | None
    answer: Mapping[str, Any] = field(default_factory=dict)

    @property
    def advice(self) -> str | None:
        """The advice; None of a refusal."""
        return self.answer.get("advice")

    @property
    def size(self) -> float | None:
        """The share of the rule's size that is advised, where the version advises one."""
        return self.answer.get("advised_size")


@dataclass(frozen=True)
class Stage:
    """What is said once one more stage is the replay's (None: nothing, there is no event), where that differs."""

    cause: Cause
    why: str
    said: Said | None


@dataclass(frozen=True)
class Substituted:
    """One event: what was logged of it (None: nothing), and each stage that changes something, in their order.

    `contract` is the replay's, None where it meets no event; `logged_contract` the row's, None without one.
    """

    instrument: str
    kind: str
    trading_day: date
    orb: str
    decided_at: datetime
    prediction_id: str
    label: str | None
    rule: str | None
    logged_contract: str | None
    contract: str | None
    logged: Said | None
    stages: tuple[Stage, ...]

    @property
    def replay(self) -> Said | None:
        """What a replay says in the end."""
        return self.stages[-1].said if self.stages else self.logged

    @property
    def event(self) -> str:
        """What people call the event."""
        return f"{self.instrument} {self.trading_day} {self.orb}"
