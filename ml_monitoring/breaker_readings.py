"""How each code of the circuit breaker reads: pure, from facts that the edge has gathered. What cannot be told says so.

The lines of the codes that look at outcomes have a false-alarm rate: docs/stages.md states it, measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ml_data.breaker_log import BreakerEvent
from ml_models.intervals import day_numbers, day_sums
from ml_models.metadata import Metadata
from ml_models.reliability import reliability
from ml_monitoring.breaker import CALIBRATION, CHANGE, DAMAGED, DRAWDOWN, EXPIRED, MISSING, STALE, Reading
from ml_monitoring.judged import Judged
from ml_monitoring.looks import Look
from ml_monitoring.wealth import advised_r
from trading.settings import BreakerSettings

LACKING: Final = ("missing_inputs", "stale_bars", "schema_mismatch")
"""Codes of refusals that say that a forecast's inputs were not there, or not those that the version learned from."""

CALIBRATION_DAYS: Final = 30
"""Trading days with live outcomes before calibration is looked at."""

LOOK_EVERY: Final = 5
"""Calibration is looked at through whole blocks of so many trading days: each look is a chance to be wrong."""

HORIZON_DAYS: Final = 90
"""Trading days within which the chance of a drawdown without cause is told."""

_LEAST_DAYS, _DRAWS = 20, 2000


@dataclass(frozen=True)
class Feed:
    """How old the data are: the newest bar's close, and the minutes of open market since; None: no bar is stored."""

    newest: datetime | None
    missed: int
    spoken: bool


def stale_data(feed: Feed, last: BreakerEvent | None, settings: BreakerSettings) -> Reading:
    """Return how old the newest bar is; `spoken`: this version has made a live forecast, or is above shadow."""
    line = float(settings.stale_minutes)
    if not feed.spoken:
        said = "It has made no live forecast yet, so nobody hears what it says of old bars."
        return Reading(STALE, "cannot tell", "newest bar", math.nan, line, said)
    if feed.newest is None:
        return Reading(STALE, "unreadable", "newest bar", math.nan, line, "No bar is stored.")
    over = feed.missed > line
    said = (
        f"The newest bar closed {feed.newest:%Y-%m-%d %H:%MZ}; the market has been open for {feed.missed:,} minutes "
        f"since, where {settings.stale_minutes} may pass."
    )
    fresh = timedelta(minutes=settings.fresh_minutes)
    since = last.happened_at if last is not None and last.kind == "recovering" else None
    recovered = not over and since is not None and feed.newest >= since + fresh
    return Reading(STALE, "over" if over else "within", "newest bar", float(feed.missed), line, said, recovered)


def expired_model(version: str, metadata: Metadata, today: date) -> Reading:
    """Return how many days a version is past the last on which it may answer."""
    expires = metadata.expires_on
    if expires is None:
        return Reading(EXPIRED, "within", version, 0.0, 0.0, "It may answer on any day.")
    past = max(0, (today - expires).days)
    said = metadata.expired_sentence(version) if past else f"It may answer until {expires}."
    return Reading(EXPIRED, "over" if past else "within", version, float(past), 0.0, said)


def damaged_model(version: str, problems: Sequence[str]) -> Reading:
    """Return whether a version's files are those that were published."""
    said = f"{version} is damaged: {problems[0]}" if problems else "Its files are those that were published."
    return Reading(DAMAGED, "over" if problems else "within", version, float(len(problems)), 0.0, said)


def unreadable(code: str, subject: str, why: str) -> Reading:
    """Return the reading of a code whose evidence cannot be read."""
    return Reading(code, "unreadable", subject, math.nan, math.nan, why)


def missing_features(refusals: Sequence[str | None], last: BreakerEvent | None, settings: BreakerSettings) -> Reading:
    """Return how many of the newest live forecasts (newest first; None: answered) were refused for want of inputs.

    The edge gives those since the code's last trip or re-arm.
    """
    lacking = [code in LACKING for code in refusals]
    newest = lacking[: settings.missing_of]
    count, line = sum(newest), float(settings.missing_most)
    whole = settings.whole_events
    recovered = len(lacking) >= whole and not any(lacking[:whole])
    tripped = last is not None and last.kind in ("trip", "recovering")
    over = count > line and not tripped
    said = (
        f"{count} of the last {len(newest)} live forecasts lacked inputs, where {settings.missing_most} of "
        f"{settings.missing_of} may."
    )
    if tripped:
        said = f"{lacking.index(True) if any(lacking) else len(lacking)} of {whole} forecasts since had every input."
    return Reading(MISSING, "over" if over else "within", "inputs", float(count), line, said, recovered)


def calibration_lost(live: Judged, settings: BreakerSettings) -> Reading:
    """Return how often a right forecaster's worst bin would be as far off as ours: a p-value, and its level.

    Looked at through whole blocks of `LOOK_EVERY` days, so that to look daily is no more than to look weekly.
    """
    level, subject = settings.calibration_level, "worst bin"
    if live.label.targets:
        said = "It says numbers, whose calibration is not tested yet."
        return Reading(CALIBRATION, "cannot tell", subject, math.nan, level, said)
    days = np.unique(live.days)
    through = len(days) // LOOK_EVERY * LOOK_EVERY
    if through < CALIBRATION_DAYS:
        said = f"{len(days)} trading days with live outcomes; it takes {CALIBRATION_DAYS}."
        return Reading(CALIBRATION, "cannot tell", subject, math.nan, level, said)
    seen = live.where(live.days <= days[through - 1])
    p = reliability(seen.probs[:, 0], np.asarray(seen.actual == 0), seen.days).p_value
    said = (
        f"A right forecaster's worst bin is as far off in {100 * p:.1f} % of draws; below {100 * level:g} % it trips "
        f"(n {len(seen):,} on {through} days)."
    )
    if math.isnan(p):
        return unreadable(CALIBRATION, subject, "The test of calibration gives no number.")
    return Reading(CALIBRATION, "over" if p < level else "within", subject, p, level, said)


def error_change_point(look: Look) -> Reading:
    """Return what the CUSUM of losses says."""
    state = {"alarm": "over", "quiet": "within"}.get(look.state, "cannot tell")
    return Reading(CHANGE, state, look.subject, look.value, look.line, look.sentence)  # type: ignore[arg-type]


def drawdown(live: Judged, own: Judged, settings: BreakerSettings) -> Reading:
    """Return the deepest fall from a peak of what the advised trades of `live` came to, in R, oldest first.

    `own` are all settled forecasts of the version: from their days the chance is drawn that one which earns nothing on
    average would fall as deep within `HORIZON_DAYS` days.
    """
    line, values = settings.max_drawdown_r, advised_r(live)
    if np.isnan(values).any():
        said = f"The result of {int(np.isnan(values).sum()):,} advised trades is not known."
        return unreadable(DRAWDOWN, "advised trades", said)
    deepest = deepest_fall(values)
    trades = int((values != 0).sum())
    chance = fall_by_chance(advised_r(own), own.days, line)
    by_chance = (
        f"{_LEAST_DAYS} own days are needed to say how often chance alone gets there."
        if math.isnan(chance)
        else f"One that earns exactly nothing gets there within {HORIZON_DAYS} days in {100 * chance:.0f} of 100 draws."
    )
    said = f"The {trades:,} advised trades fell {deepest:.1f} R from their peak, where {line:g} R may be. {by_chance}"
    return Reading(DRAWDOWN, "over" if deepest > line else "within", "advised trades", deepest, line, said)


def deepest_fall(values: NDArray[np.float64]) -> float:
    """Return the deepest fall of the running sum from its peak, from 0 on.

    >>> deepest_fall(np.array([1.0, -2.0, 0.5, -1.0, 4.0]))
    2.5
    """
    total = np.concatenate([[0.0], np.cumsum(values)])
    return float((np.maximum.accumulate(total) - total).max())


def fall_by_chance(values: NDArray[np.float64], days: NDArray[Any], line: float, *, seed: int = 0) -> float:
    """Return the share of draws of `HORIZON_DAYS` own days, their mean moved to 0, that fall by more than `line`.

    Whole days are drawn, so trades of one day go together. NaN below 20 days.
    """
    number = day_numbers(days)
    if len(days) == 0 or number.max() + 1 < _LEAST_DAYS:
        return math.nan
    by_day = day_sums(np.nan_to_num(values), number)
    drawn = np.random.default_rng(seed).choice(by_day - by_day.mean(), size=(_DRAWS, HORIZON_DAYS))
    total = np.concatenate([np.zeros((_DRAWS, 1)), np.cumsum(drawn, axis=1)], axis=1)
    falls = (np.maximum.accumulate(total, axis=1) - total).max(axis=1)
    return float((falls > line).mean())
