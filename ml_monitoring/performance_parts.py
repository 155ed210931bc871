"""Where a model is good: skill by weekday and by how sure it was; and its log loss against what it expected itself."""

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_models.intervals import Estimate, mean_interval_t
from ml_models.scores import log_losses
from ml_models.verdicts import Verdict, at_the_present_value, evidence, further_days, no_interval
from ml_monitoring.judged import Bools, Floats, Judged
from ml_monitoring.performance_monitor import ROLLING_DAYS, saved
from ml_monitoring.rolling import RollingMean, rolling_mean

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FORMAT: Final = "{:+.4f}"
_GROUPS: Final = 3
_REGIMES: Final = ("calm,", "usual,", "volatile,")


@dataclass(frozen=True)
class Parts:
    """Skill over the walk (nats saved an event, Student's t by day) by parts; empty: none judged.

    A regime is a third of the events, from the calmest to the most volatile market (ATR(14) as a share of the price).

    `expectation` is the log loss above the entropy of the model's own forecasts, nats an event, and `rolling` the same
    over trailing windows: above zero the model is surer than it is right. None without classes.
    """

    by_weekday: dict[str, Estimate]
    by_confidence: dict[str, Estimate]
    by_regime: dict[str, Estimate]
    expectation: Estimate | None
    rolling: RollingMean | None


def parts(judged: Judged) -> Parts:
    """Return skill by parts, and log loss against its expectation."""
    if len(judged) == 0:
        return Parts({}, {}, {}, None, None)
    gain = saved(judged, "log_loss")
    weekday = (judged.days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    marks = {name: weekday == place for place, name in enumerate(WEEKDAYS)}
    by_weekday = {name: mean_interval_t(gain[mark], judged.days[mark]) for name, mark in marks.items() if mark.any()}
    if judged.label.targets:
        return Parts(by_weekday, {}, _by_regime(judged, gain), None, None)
    above = log_losses(judged.actual, judged.probs) - entropy(judged.probs)
    return Parts(
        by_weekday,
        {name: mean_interval_t(gain[mark], judged.days[mark]) for name, mark in _thirds(judged.probs).items()},
        _by_regime(judged, gain),
        mean_interval_t(above, judged.days),
        rolling_mean(above, judged.days, ROLLING_DAYS),
    )


def entropy(probs: Floats) -> Floats:
    """Return (n,): the log loss in nats that each forecast (n, K) expects of itself.

    >>> entropy(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4).tolist()
    [0.6931, 0.0]
    """
    logs = np.log(np.where(probs > 0, probs, 1.0))
    found: Floats = -(probs * logs).sum(axis=1) + 0.0
    return found


def describe_expectation(found: Estimate | None) -> Verdict | None:
    """Return whether the model is surer, or less sure, than it is right."""
    if found is None:
        return None
    missing = no_interval("Log loss against its expectation", found, _FORMAT)
    if missing:
        return Verdict("cannot tell", missing)
    said = f"{_FORMAT.format(found.value)} nats an event {evidence(found, _FORMAT)}"
    if found.low > 0:
        return Verdict("bad", f"Surer than it is right: log loss is above its own expectation by {said}.")
    if found.high < 0:
        return Verdict("bad", f"Less sure than it is right: log loss is below its own expectation by {said}.")
    wait = at_the_present_value(further_days(found))
    return Verdict("cannot tell", f"Log loss cannot be told from its own expectation: {said}; {wait}.")


def _thirds(probs: Floats) -> dict[str, Bools]:
    """Return three groups of as many forecasts each, from the least sure to the surest; fewer where they are alike."""
    return _in_thirds(probs.max(axis=1), "{:.0f} %")


def _by_regime(judged: Judged, gain: Floats) -> dict[str, Estimate]:
    """Return the skill in three groups of as many events each, from the calmest to the most volatile market."""
    if judged.volatility is None:
        return {}
    known = ~np.isnan(judged.volatility)
    if not known.any():
        return {}
    gained, days = gain[known], judged.days[known]
    thirds = _in_thirds(judged.volatility[known], "{:.2f} %")
    words = _REGIMES if len(thirds) == len(_REGIMES) else ("ATR",) * len(thirds)
    named = {f"{word} {edges}": mark for word, (edges, mark) in zip(words, thirds.items(), strict=True)}
    return {name: mean_interval_t(gained[mark], days[mark]) for name, mark in named.items()}


def _in_thirds(shares: Floats, words: str) -> dict[str, Bools]:
    """Return three groups of as many of `shares` each, the least first; fewer where they are alike."""
    edges = np.unique(np.quantile(shares, np.arange(1, _GROUPS) / _GROUPS))
    group: npt.NDArray[np.intp] = np.searchsorted(edges, shares, side="left")
    percent = [words.format(100 * edge) for edge in edges]
    names = [f"to {percent[0]}", *(f"{a} to {b}" for a, b in itertools.pairwise(percent))]
    names.append(f"above {percent[-1]}")
    return {name: group == place for place, name in enumerate(names) if (group == place).any()}
