"""The monitors that raise alarms, at the rate they state: drift of the forecasts, of the inputs, and loss of quality.

Each gives one look: alarm, quiet, or cannot tell. The forecasts are looked at first: inputs may drift without harm, and
no drift of forecasts is harmless. What false alarms a monitor has given is counted from its looks, one a week.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from ml_data.store import Store, sql
from ml_models.scores import FloatArray, log_losses
from ml_models.value_scores import inside
from ml_monitoring.change import FALSE_ALARMS, HORIZON_DAYS, MOST_CARRIED, Cusum, cusum
from ml_monitoring.drift import LEVEL, Drift, drift_of
from ml_monitoring.judged import Judged

WINDOW_DAYS: Final = 10
"""Trading days whose forecasts and inputs are compared with those before."""

REFERENCE_DAYS: Final = 60
"""A version's first trading days with outcomes, by which later ones are measured."""

FORECASTS, INPUTS, QUALITY = "forecast drift", "input drift", "quality"
MONITORS: Final = (FORECASTS, INPUTS, QUALITY)
RATES: Final = {FORECASTS: 0.07, INPUTS: LEVEL, QUALITY: FALSE_ALARMS * 5 / HORIZON_DAYS}
"""The chance of a false alarm that a monitor states for one look, a week after the last."""

LOG_LOSS, MISSES = "log loss", "miss rate of the interval"
"""What piles up where answers get worse: of classes, and of numbers."""

LookState = Literal["alarm", "quiet", "cannot tell"]


@dataclass(frozen=True)
class Look:
    """What one monitor found, looking through the trading day `through`: a row of `ml_drift`.

    `subject` stands out most; its `value` is above `line` where that is unusual. `rate` is the chance of a false alarm.
    """

    monitor: str
    through: date | None
    state: LookState
    subject: str
    value: float
    line: float
    rate: float
    sentence: str


@dataclass(frozen=True, eq=False)
class Monitoring:
    """What the monitors found of one version, and their looks in the order of `MONITORS`; None: not enough days."""

    forecasts: Drift | None
    inputs: Drift | None
    quality: Cusum | None
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Tally:
    """How many looks of one monitor could tell, how many false alarms they would bring, and how many there were."""

    monitor: str
    looks: int
    expected: float
    seen: int


def monitor(inputs: pa.Table, names: tuple[str, ...], judged: Judged) -> Monitoring:
    """Look at the rows of `ml_data.journal.logged_inputs` of one version, oldest first, and at what came of them.

    `names` are those of the features, in the order in which they were logged.
    """
    days = inputs["trading_day"].to_numpy().astype("datetime64[D]")
    chance = inputs["chance"].to_numpy().astype(np.float64)[:, None]
    features, moves = (_matrix(inputs, column, len(names)) for column in ("features", "reasons"))
    mean_moves = np.abs(moves).mean(axis=0) if days.size else np.full(len(names), np.nan)
    weight = dict(zip(names, mean_moves.tolist(), strict=True))
    forecasts = _drift(chance, days, ("forecast",), {"forecast": 1.0})
    drifted = _drift(features, days, names, weight)
    quality = cusum(losses_of(judged), judged.days, REFERENCE_DAYS) if len(judged) > 0 else None
    looks = (
        look_at_drift(FORECASTS, forecasts),
        look_at_drift(INPUTS, drifted),
        look_at_quality(quality, MISSES if judged.numbers is not None else LOG_LOSS),
    )
    return Monitoring(forecasts, drifted, quality, looks)


def look_at_drift(monitor: str, found: Drift | None) -> Look:
    """Return what a drift says: an alarm names what could matter most of all that drifts."""
    rate, what = RATES[monitor], "forecasts" if monitor == FORECASTS else "inputs"
    if found is None or not found.features:
        said = f"Drift of {what}: fewer than {WINDOW_DAYS} trading days are logged."
        return Look(monitor, None, "cannot tell", "", math.nan, math.nan, rate, said)
    first = (found.drifting or found.features)[0]
    through = found.last.astype(object)
    told = (through, first.name, first.ks, first.ks_line)
    span = f"the last {found.window} trading days (n {found.n:,})"
    if math.isnan(first.adjusted):
        said = (
            f"Drift of {what}: {found.lengths:.1f} earlier windows of {found.window} trading days lie side by side, "
            f"and 8 are needed to tell what is usual."
        )
        return Look(monitor, through, "cannot tell", *told[1:], rate, said)
    name = "the forecast" if monitor == FORECASTS else first.name
    off = f"{name} is {first.ks:.2f} off (KS), where 95 % of earlier windows are less than {first.ks_line:.2f}"
    if found.drifting:
        many = f"{len(found.drifting)} of {len(found.features)} inputs drift"
        said = f"{many if monitor == INPUTS else 'Forecasts drift'} in {span}: {off}."
        return Look(monitor, through, "alarm", *told[1:], rate, said)
    said = f"No drift of {what} in {span}; first by its weight: {off}."
    return Look(monitor, through, "quiet", *told[1:], rate, said)


def losses_of(judged: Judged) -> FloatArray:
    """Return (n,): what each event cost: log loss; of numbers, whether the interval missed what happened."""
    numbers = judged.numbers
    if numbers is None:
        return log_losses(judged.actual, judged.probs)
    return np.where(inside(numbers.actual[:, 0], numbers.low, numbers.high), 0.0, 1.0)


def look_at_quality(found: Cusum | None, what: str = LOG_LOSS) -> Look:
    """Return what the CUSUM of `what` says; an alarm stays open until a whole horizon has passed without another."""
    rate = RATES[QUALITY]
    if found is None:
        said = f"Quality: it takes {REFERENCE_DAYS} trading days with outcomes to know what is usual, and one to watch."
        return Look(QUALITY, None, "cannot tell", what, math.nan, math.nan, rate, said)
    through, now = np.datetime64(found.days[-1], "D").astype(object), float(found.path[-1])
    told = (through, what, now, found.threshold)
    if not found.can_tell:
        said = (
            f"Quality: a day keeps {100 * found.carried:.0f} % of the day before; above {100 * MOST_CARRIED:.0f} % "
            f"false alarms are more frequent than stated."
        )
        return Look(QUALITY, through, "cannot tell", *told[1:], rate, said)
    seen = f"{found.expected:.2f} false alarms expected in {len(found.days):,} days, {len(found.alarms)} seen"
    recent = [day for day in found.alarms if (found.days > day).sum() < HORIZON_DAYS]
    if recent:
        passed = f"the sum of excess losses passed {found.threshold:.1f} on {recent[-1]}"
        said = f"{what.capitalize()} has risen: {passed} ({seen})."
        return Look(QUALITY, through, "alarm", *told[1:], rate, said)
    stands = f"the sum of excess losses is {now:.1f}, alarm at {found.threshold:.1f}"
    said = f"{what.capitalize()} is as before: {stands} ({seen})."
    return Look(QUALITY, through, "quiet", *told[1:], rate, said)


def tallies(states: Sequence[tuple[str, LookState, float]]) -> tuple[Tally, ...]:
    """Return, by monitor, what its registered looks (monitor, state, rate) come to.

    >>> tallies([("quality", "quiet", 0.05), ("quality", "alarm", 0.05), ("quality", "cannot tell", 0.05)])
    (Tally(monitor='quality', looks=2, expected=0.1, seen=1),)
    """
    told = [(name, state, rate) for name, state, rate in states if state != "cannot tell"]
    return tuple(
        Tally(
            name,
            sum(each == name for each, _, _ in told),
            math.fsum(rate for each, _, rate in told if each == name),
            sum(each == name and state == "alarm" for each, state, _ in told),
        )
        for name in MONITORS
        if any(each == name for each, _, _ in told)
    )


def append_looks(
    store: Store, instrument: str, model: str, version: str, looks: Sequence[Look], looked_at: datetime
) -> int:
    """Write down the looks that are the first of their week; return how many there were."""
    rows = [
        {"instrument": instrument, "model": model, "version": version, **vars(look), "looked_at": looked_at}
        for look in looks
        if look.through is not None
    ]
    if not rows:
        return 0
    with store.journal_write() as cursor:
        cursor.register("fresh", pa.Table.from_pylist(rows, schema=_SCHEMA))
        written = cursor.execute(sql("append_looks")).fetchone()
        cursor.unregister("fresh")
    return 0 if written is None else int(written[0])


_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("instrument", "model", "version", "monitor")),
        ("through", pa.date32()),
        ("state", pa.string()),
        ("subject", pa.string()),
        ("value", pa.float64()),
        ("line", pa.float64()),
        ("rate", pa.float64()),
        ("sentence", pa.string()),
        ("looked_at", pa.timestamp("us", tz="UTC")),
    ]
)


def _drift(x: Any, days: Any, names: tuple[str, ...], importance: Mapping[str, float]) -> Drift | None:
    distinct = np.unique(days)
    if len(distinct) <= WINDOW_DAYS or not names:
        return None
    before = days < distinct[-WINDOW_DAYS]
    return drift_of(x, days, before, names, window=WINDOW_DAYS, importance=importance)


def _matrix(inputs: pa.Table, column: str, count: int) -> Any:
    """Return (n, count): a column of lists; a row of another length is NaN throughout."""
    lists = inputs[column].combine_chunks()
    lengths = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False), nan=0.0)
    flat = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    if (lengths == count).all():
        return flat.reshape(len(lengths), count)
    rows = np.full((len(lengths), count), np.nan)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(int)
    for row in np.flatnonzero(lengths == count):
        rows[row] = flat[starts[row] : starts[row] + count]
    return rows
