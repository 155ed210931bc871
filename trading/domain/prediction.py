"""A prediction: what a model version said of an event, before anything after the event was known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from trading.domain.label import BREAK_DIRECTION

MISSED: Final = "missed"
"""The refusal of an event whose bars were there too late for a live answer, or that came while nobody was there."""

BIAS_NONE: Final = "NONE"
"""The advice of a model that is not sure enough: take the rules as they are."""

TAKE: Final = "TAKE"
SKIP: Final = "SKIP"
"""The advice on a break: trade it by the rule, or leave it alone."""


@dataclass(frozen=True)
class Reason:
    """One input's share in a prediction: `points` that it moved the answer up or down.

    Of a probability 0.01 is a point; of an expected R they are R.
    """

    feature: str
    value: float
    unit: str
    points: float


@dataclass(frozen=True)
class Answer:
    """What a version says of one row of features.

    `probabilities` by class; `confidence` is the largest of them. `reasons` are all inputs, the largest move first;
    their points and `base` (what the model says without looking) sum to the probability of the label's subject, such as
    `probabilities["UP"]`. A version of numbers has no probabilities: `values` are its outputs by name, in the schema's
    order, the quantiles of a target rising; `interval` is that of the first target, `expected` its point, and the
    reasons sum to that. `size` is the share of the rule's size that is advised, 0 to 1, of a version that advises one.
    """

    probabilities: dict[str, float]
    confidence: float | None
    advice: str
    base: float
    reasons: tuple[Reason, ...]
    raw_score: tuple[float, ...]
    expected: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)
    interval: tuple[float, float] | None = None
    size: float | None = None


@dataclass(frozen=True)
class Refusal:
    """Why there is no answer: a `code` (see `trading.errors.Refused`) and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True)
class PredictionRow:
    """One row of the journal, the columns of `ml_predictions` (docs/data.md); instants are UTC.

    A refused event has `refusal` and no `answer`. `features` are the full doubles the version was asked with.
    `baseline_prob_up` is the martingale's, of a question about the direction; `baselines` what was said without
    learning of every other. The last four tell the settings and the instrument's file that it was answered by; None:
    not recorded.
    """

    prediction_id: str
    instrument: str
    kind: str
    trading_day: str
    orb: str
    decided_at: datetime
    contract: str
    model: str
    version: str
    version_hash: str
    role: str
    stage: str
    replayed: bool
    features: tuple[float, ...]
    schema_hash: str
    max_input_time: datetime | None
    data_hash: str
    baseline_prob_up: float | None
    answer: Answer | None
    refusal: Refusal | None
    latency_ms: float
    label: str = BREAK_DIRECTION.name
    rule: str | None = None
    baselines: tuple[float, ...] = ()
    confidence_threshold: float | None = None
    stale_minutes: int | None = None
    slippage_ticks: int | None = None
    definitions_hash: str | None = None
