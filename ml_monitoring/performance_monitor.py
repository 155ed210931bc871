"""How good the logged predictions were: scores with intervals beside baselines, and their worth after costs."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_models.baselines import best_baseline
from ml_models.intervals import Estimate, mean_interval, mean_interval_t
from ml_models.score_table import score_table, skill
from ml_models.scores import log_losses
from ml_models.verdicts import Verdict, describe_skill, further_days
from ml_monitoring.judged import MARTINGALE, Judged

Floats = npt.NDArray[np.float64]

ROLLING_DAYS: Final = 40
"""Trading days in a window of the rolling skill."""

SKILLS: Final = ("log_loss", "brier", "accuracy")


@dataclass(frozen=True)
class RollingSkill:
    """Skill over trailing windows, one value a trading day: nats saved an event, and the band of 95 %."""

    days: npt.NDArray[np.datetime64]
    value: Floats
    low: Floats
    high: Floats
    n: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Worth:
    """Net R of the plain rule, of the rule with the advice, and of the difference, an event; and how they added up.

    `days`, `plain`, `advised` are the running sums by trading day. `kept` of `traded` breaks were taken with advice.
    """

    plain_mean: Estimate
    advised_mean: Estimate
    difference: Estimate
    days: npt.NDArray[np.datetime64]
    plain: Floats
    advised: Floats
    traded: int
    kept: int
    verdict: Verdict


@dataclass(frozen=True)
class Performance:
    """Scores of the model and of its baselines, and the skill over the better baseline, with what that says."""

    scores: dict[str, Estimate]
    baseline_scores: dict[str, dict[str, Estimate]]
    baseline: str
    skills: dict[str, Estimate]
    verdict: Verdict


def performance(judged: Judged) -> Performance | None:
    """Return scores and skill of `judged`; None without a matured prediction."""
    if len(judged) == 0:
        return None
    baseline = best_baseline(judged.actual, judged.baselines)
    theirs = judged.baselines[baseline]
    skills = {name: skill(judged.actual, judged.probs, theirs, judged.days, score=name) for name in SKILLS}
    return Performance(
        scores=score_table(judged.actual, judged.probs, judged.days, judged.classes),
        baseline_scores={
            name: score_table(judged.actual, probs, judged.days, judged.classes)
            for name, probs in judged.baselines.items()
        },
        baseline=baseline,
        skills=skills,
        verdict=describe_skill(skills["log_loss"], "log_loss", baseline),
    )


def rolling_skill(judged: Judged, window: int = ROLLING_DAYS) -> RollingSkill:
    """Return the skill over the martingale in every trailing window of `window` trading days with predictions.

    Nats saved an event, interval by day (cluster t). Windows before the first full one are left out.
    """
    saved = log_losses(judged.actual, judged.baselines[MARTINGALE]) - log_losses(judged.actual, judged.probs)
    days = np.unique(judged.days)
    ends = days[window - 1 :]
    estimates = []
    for index, _ in enumerate(ends):
        inside = (judged.days >= days[index]) & (judged.days <= ends[index])
        estimates.append(mean_interval_t(saved[inside], judged.days[inside]))
    return RollingSkill(
        days=ends,
        value=np.array([each.value for each in estimates]),
        low=np.array([each.low for each in estimates]),
        high=np.array([each.high for each in estimates]),
        n=np.array([each.n for each in estimates], dtype=np.int64),
    )


def skill_by_range(judged: Judged) -> dict[str, Estimate]:
    """Return the skill over the martingale (nats an event) of each opening range."""
    names = sorted(set(judged.orb.tolist()))
    parts = {name: judged.where(judged.orb == name) for name in names}
    return {name: skill(part.actual, part.probs, part.baselines[MARTINGALE], part.days) for name, part in parts.items()}


def worth(judged: Judged) -> Worth | None:
    """Return what the advice would have been worth, after costs; None when nothing was traded."""
    traded = judged.where(~np.isnan(judged.r_net))
    if len(traded) == 0:
        return None
    difference = mean_interval(traded.r_net_advised - traded.r_net, traded.days)
    days, place = np.unique(traded.days, return_inverse=True)
    kept = traded.r_net_advised != 0.0
    return Worth(
        plain_mean=mean_interval(traded.r_net, traded.days),
        advised_mean=mean_interval(traded.r_net_advised, traded.days),
        difference=difference,
        days=days,
        plain=np.cumsum(np.bincount(place, weights=traded.r_net)),
        advised=np.cumsum(np.bincount(place, weights=traded.r_net_advised)),
        traded=len(traded),
        kept=int(kept.sum()),
        verdict=_describe_worth(traded, kept),
    )


def _describe_worth(traded: Judged, kept: npt.NDArray[np.bool_]) -> Verdict:
    """Return whether the trades that the advice takes earn anything, after costs."""
    taken = mean_interval(traded.r_net[kept], traded.days[kept])
    share = f"{int(kept.sum()):,} of {len(traded):,} breaks"
    told = f"With the advice {share} are taken, at {taken.value:+.3f} R each after costs"
    if np.isnan(taken.low):
        return Verdict("cannot tell", f"{told}; {taken.days} days are too few for an interval.")
    told += f" (95 % interval {taken.low:+.3f} to {taken.high:+.3f} on {taken.days} days)"
    if taken.low > 0:
        return Verdict("good", f"{told}: they earned.")
    if taken.high < 0:
        return Verdict("bad", f"{told}: they lost.")
    more = further_days(taken)
    ahead = f"about {more:,.0f} further days at this value" if np.isfinite(more) else "no number of further days"
    return Verdict("cannot tell", f"{told}: not to be told from nothing; it would take {ahead}.")
