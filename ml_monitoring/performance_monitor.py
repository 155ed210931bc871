"""How good the logged predictions were: scores with intervals beside baselines, and their worth after costs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml_models import scores
from ml_models.baselines import best_baseline
from ml_models.intervals import Estimate, mean_interval, mean_interval_t
from ml_models.score_table import SkillScore, score_table, skill
from ml_models.value_scores import Forecast, best_value_baseline, plain_value_scores, value_scores, value_skills
from ml_models.verdicts import Verdict, describe_skill
from ml_monitoring.judged import Judged
from ml_monitoring.judged_values import Numbers
from ml_monitoring.rolling import RollingMean, rolling_mean
from ml_monitoring.sentences import describe_help, describe_taken

Floats = npt.NDArray[np.float64]

ROLLING_DAYS: Final = 40
"""Trading days in a window of the rolling skill."""

SKILLS: Final[tuple[SkillScore, ...]] = ("log_loss", "brier", "accuracy")
_LOSSES: Final[dict[str, Callable[[npt.NDArray[np.int64], Floats], Floats]]] = {
    "log_loss": scores.log_losses,
    "brier": scores.brier_losses,
}


@dataclass(frozen=True)
class Worth:
    """Net R of the plain rule, of the rule with the advice, and of the difference, an event; and how they added up.

    `days`, `plain`, `advised` are the running sums by trading day. `taken` is the net R of a trade that the advice
    takes: `kept` of `traded` breaks. `verdict` says whether those trades earned, `help` whether the advice helped.
    """

    plain_mean: Estimate
    advised_mean: Estimate
    difference: Estimate
    taken: Estimate
    days: npt.NDArray[np.datetime64]
    plain: Floats
    advised: Floats
    traded: int
    kept: int
    verdict: Verdict
    help: Verdict


@dataclass(frozen=True)
class Performance:
    """Scores of the model, what its baselines scored, and the skill over the better baseline, with what that says."""

    scores: dict[str, Estimate]
    baseline_scores: dict[str, dict[str, float]]
    baseline: str
    skills: dict[str, Estimate]
    verdict: Verdict


def performance(judged: Judged) -> Performance | None:
    """Return scores and skill of `judged`; None without a matured prediction."""
    if len(judged) == 0:
        return None
    if judged.numbers is not None:
        return _of_numbers(judged, judged.numbers)
    baseline = best_baseline(judged.actual, judged.baselines)
    theirs = judged.baselines[baseline]
    skills = {str(name): skill(judged.actual, judged.probs, theirs, judged.days, score=name) for name in SKILLS}
    return Performance(
        scores=score_table(judged.actual, judged.probs, judged.days, judged.classes),
        baseline_scores={
            name: _score_values(judged.actual, probs, judged.classes) for name, probs in judged.baselines.items()
        },
        baseline=baseline,
        skills=skills,
        verdict=describe_skill(skills["log_loss"], "log_loss", baseline),
    )


def _of_numbers(judged: Judged, numbers: Numbers) -> Performance:
    """Return scores and skill of numbers; with several targets the names end in theirs."""
    found: dict[str, Estimate] = {}
    beside: dict[str, dict[str, float]] = {name: {} for name in numbers.baselines}
    skills: dict[str, Estimate] = {}
    points = {name: each[:, 0] for name, each in numbers.baselines.items()}
    baseline = best_value_baseline(numbers.actual[:, 0], points)
    for place, target in enumerate(numbers.targets):
        actual, end = numbers.actual[:, place], f"_{target}" if len(numbers.targets) > 1 else ""
        forecast = numbers.forecast(place)
        theirs = {name: Forecast(each[:, place]) for name, each in numbers.baselines.items()}
        found |= {name + end: each for name, each in value_scores(actual, forecast, judged.days).items()}
        for name, each in theirs.items():
            beside[name] |= {score + end: value for score, value in plain_value_scores(actual, each.point).items()}
        gained = value_skills(actual, forecast, theirs[baseline], judged.days)
        skills |= {name + end: each for name, each in gained.items()}
    first = next(iter(skills))
    return Performance(found, beside, baseline, skills, describe_skill(skills[first], first, baseline))


def rolling_skill(judged: Judged, window: int = ROLLING_DAYS, score: str = "log_loss") -> RollingMean:
    """Return the skill over the walk without drift in every trailing window of `window` trading days with predictions.

    In nats saved an event (`log_loss`) or squared error saved an event (`brier`); positive is better. Of numbers it is
    the squared (`log_loss`) or absolute error (`brier`) of the first target.
    """
    return rolling_mean(saved(judged, score), judged.days, window)


def skill_by_range(judged: Judged) -> dict[str, Estimate]:
    """Return the skill over the walk without drift (nats saved an event, Student's t by day) of each opening range."""
    gain = saved(judged, "log_loss")
    marks = {name: judged.orb == name for name in sorted(set(judged.orb.tolist()))}
    return {name: mean_interval_t(gain[mark], judged.days[mark]) for name, mark in marks.items()}


def worth(judged: Judged) -> Worth | None:
    """Return what the advice would have been worth, after costs; None when nothing was traded."""
    traded = judged.where(~np.isnan(judged.r_net))
    if len(traded) == 0:
        return None
    difference = mean_interval(traded.r_net_advised - traded.r_net, traded.days)
    taken = mean_interval(traded.r_net[traded.kept], traded.days[traded.kept])
    days, place = np.unique(traded.days, return_inverse=True)
    plain, advised = _running(place, traded.r_net), _running(place, traded.r_net_advised)
    kept = int(traded.kept.sum())
    return Worth(
        plain_mean=mean_interval(traded.r_net, traded.days),
        advised_mean=mean_interval(traded.r_net_advised, traded.days),
        difference=difference,
        taken=taken,
        days=days,
        plain=plain,
        advised=advised,
        traded=len(traded),
        kept=kept,
        verdict=describe_taken(taken, len(traded)),
        help=describe_help(difference, kept, float(plain[-1]), float(advised[-1])),
    )


def _running(day: npt.NDArray[np.intp], values: Floats) -> Floats:
    sums: Floats = np.cumsum(np.bincount(day, weights=values)).astype(np.float64)
    return sums


def saved(judged: Judged, score: str) -> Floats:
    """Return (n,): how much less than the walk each event cost."""
    if judged.numbers is not None:
        actual, power = judged.numbers.actual[:, 0], 2 if score == "log_loss" else 1
        theirs = np.abs(actual - judged.numbers.baselines[judged.label.walk][:, 0])
        mine = np.abs(actual - judged.numbers.forecast(0).point)
        return np.asarray(theirs**power - mine**power)
    losses = _LOSSES[score]
    return losses(judged.actual, judged.baselines[judged.label.walk]) - losses(judged.actual, judged.probs)


def _score_values(actual: npt.NDArray[np.int64], probs: Floats, classes: tuple[str, ...]) -> dict[str, float]:
    """Return the scores of `score_table` without their intervals."""
    values = {
        "accuracy": scores.accuracy(actual, probs),
        "balanced_accuracy": scores.balanced_accuracy(actual, probs),
        "log_loss": scores.log_loss(actual, probs),
        "brier": scores.brier(actual, probs),
        "auc": scores.auc(actual, probs),
    }
    for name, precision, recall in zip(
        classes, scores.precision(actual, probs), scores.recall(actual, probs), strict=True
    ):
        values[f"precision_{name}"] = float(precision)
        values[f"recall_{name}"] = float(recall)
    return values
