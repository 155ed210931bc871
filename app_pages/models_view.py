"""What the Models page says, as values: the shelf as a table, sentences. Pure: documents in, words and frames out."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from app_pages.health_view import SHAPES, marked, plain
from app_pages.health_window import day_name
from app_pages.models_queries import ShelfRow
from ml_models.calibrator import Calibrator
from ml_models.importance import FeatureImportance
from ml_models.intervals import Estimate
from ml_models.metrics import read_estimate
from ml_models.published import PublishedVersion
from ml_models.verdicts import State, Verdict, counted, describe_skill, evidence
from ml_monitoring.comparison import NET_R, Comparison

BLOCKS: Final = {"walk_forward": "Walk-forward", "untouched": "Untouched window"}
GAINS: Final = {
    "log_loss": "Log loss saved, nats",
    "brier": "Brier score saved",
    "accuracy": "Accuracy gained, points",
    "squared_error": "Squared error saved",
    "absolute_error": "Absolute error saved",
    "pinball": "Quantile loss saved",
    NET_R: "Net R with the advice",
}
MOST: Final = 12
"""Inputs that the importance chart shows."""


def version_frame(rows: Sequence[ShelfRow], answered: Mapping[str, int]) -> pd.DataFrame:
    """Return the versions side by side; `answered` counts each one's forecasts in the journal."""
    return pd.DataFrame([_line(row, answered.get(str(row.summary.version), 0)) for row in rows])


def _line(row: ShelfRow, answered: int) -> dict[str, object]:
    summary, found = row.summary, row.published
    line: dict[str, object] = {
        "Version": str(summary.version),
        "Alias": ", ".join(summary.standing) or "–",
        "Made (UTC)": "?" if summary.created_at is None else f"{summary.created_at:%Y-%m-%d %H:%M}",
    }
    if found is None:
        return {**line, "Learned from": f"✕ damaged: {row.problem}"}
    learned = found.metadata.ranges[0] if found.metadata.ranges else None
    return {
        **line,
        "Learned from": "?"
        if learned is None
        else f"{day_name(learned.first_day)} to {day_name(learned.last_day)}, {counted(learned.events, 'event')}",
        **{f"{title}: skill": skill_words(found.skill(block)) for block, title in BLOCKS.items()},
        "Calibration": calibration_words(found.calibrator),
        "Trials": found.metadata.trials,
        "Forecasts stored": answered,
    }


def skill_words(found: tuple[str, Estimate] | None) -> str:
    """Return a skill with its mark, interval and n.

    >>> skill_words(("log_loss", Estimate(-0.01, -0.02, -0.001, 498, 310.2, 83)))
    '✕ −0.0100 (−0.0200 to −0.0010), n 498'
    """
    if found is None or math.isnan(found[1].value):
        return "–"
    estimate = found[1]
    interval = "no interval" if math.isnan(estimate.low) else f"{estimate.low:+.4f} to {estimate.high:+.4f}"
    return plain(f"{SHAPES[state_of(estimate)]} {estimate.value:+.4f} ({interval}), n {estimate.n:,}")


def state_of(estimate: Estimate) -> State:
    """Return what the interval says of zero."""
    if estimate.low > 0:
        return "good"
    return "bad" if estimate.high < 0 else "cannot tell"


def calibration_words(calibrator: Calibrator) -> str:
    """Return what was done to the raw answer.

    >>> calibration_words(Calibrator("temperature", temperature=1.25)), calibration_words(Calibrator())
    ('temperature 1.25', 'as fitted')
    """
    if calibrator.kind == "temperature":
        return f"temperature {calibrator.temperature:.3g}"
    if calibrator.kind == "conformal":
        return f"conformal {100 * calibrator.level:.0f} % on {calibrator.events:,} events"
    return "Platt" if calibrator.kind == "platt" else "as fitted"


def shelf_sentence(rows: Sequence[ShelfRow]) -> str:
    """Return what the newest version that can be read says of itself, walk-forward; Markdown."""
    newest = next((row.published for row in rows if row.published is not None), None)
    if newest is None:
        return "✕ No version on this shelf can be read: `hub models verify` says why."
    found = newest.skill("walk_forward")
    if found is None:
        return f"… {newest.version} was published without figures."
    baseline = str(newest.metrics["walk_forward"].get("best_baseline", "best"))
    verdict = describe_skill(found[1], found[0], baseline)
    trials = counted(newest.metadata.trials, "trial")
    tail = "." if newest.metadata.trials == 1 else "; the best of many looks better than it is."
    said = verdict.sentence[0].lower() + verdict.sentence[1:]
    return marked(Verdict(verdict.state, f"{newest.version}, walk-forward: {said} {trials} up to it{tail}"))


def skill_sentence(published: Sequence[PublishedVersion]) -> str:
    """Return how many versions are better or worse than their baseline, and the newest one's untouched window."""
    states = [state_of(found[1]) for each in published if (found := each.skill("walk_forward")) is not None]
    words: dict[State, str] = {"good": "better", "bad": "worse", "cannot tell": "not to be told from it"}
    tally = ", ".join(f"{states.count(state)} {word}" for state, word in words.items() if state in states)
    counts = f"Walk-forward, of {counted(len(states), 'version')} against the best baseline: {tally}."
    window = published[0].skill("untouched")
    if window is None:
        return counts
    name = published[0].version
    return f"{counts} The newest, {name}, on its untouched window: {skill_words(window)}."


def shap_unit(published: PublishedVersion) -> str:
    """Return what SHAP values of a version are counted in."""
    found = published.skill("walk_forward")
    return "log-odds" if found is None or found[0].startswith("log_loss") else "the answer's unit"


def comparison_frame(found: Comparison) -> pd.DataFrame:
    """Return the gains of one version over the other, each with its interval."""
    return pd.DataFrame(
        [
            {
                "Gain an event": GAINS.get(name, name),
                "": SHAPES[state_of(estimate)],
                "Value": plain(_number(name, estimate.value)),
                "95 % interval": plain(f"{_number(name, estimate.low)} to {_number(name, estimate.high)}"),
                "n": estimate.n,
                "worth": estimate.n_effective,
                "days": estimate.days,
            }
            for name, estimate in found.gains.items()
        ]
    )


def _number(name: str, value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{100 * value:+.1f}" if name == "accuracy" else f"{value:+.4f}"


def left_out(found: Comparison) -> str:
    """Return which matured forecasts are in no number of the comparison."""
    return (
        f"Paired by event, intervals by trading day. Left out: {found.only_version:,} that {found.version} alone "
        f"answered, {found.only_other:,} that {found.other} alone answered."
    )


def importance_frame(found: Sequence[FeatureImportance]) -> pd.DataFrame:
    """Return the first inputs for the chart; `low` and `high` are the least and largest of the folds."""
    return pd.DataFrame(
        [
            {
                "feature": each.name,
                "shap": each.mean_abs_shap,
                "low": min(each.shap_by_fold, default=math.nan),
                "high": max(each.shap_by_fold, default=math.nan),
                "gain": each.gain_share,
                "permutation": math.nan if each.permutation is None else each.permutation.value,
            }
            for each in found[:MOST]
        ]
    )


def importance_sentence(found: Sequence[FeatureImportance], unit: str) -> str:
    """Return what the version looked at most, as a share of all that moved its answers; `unit` is the SHAP values'."""
    total = sum(each.mean_abs_shap or 0.0 for each in found)
    if not found or total <= 0:
        return "… What it looked at was not measured, or it looks at nothing."
    first = found[0]
    shares = [(each.mean_abs_shap or 0.0) / total for each in found]
    half = next(count for count in range(1, len(found) + 1) if sum(shares[:count]) >= 0.9)
    said = (
        f"{first.name} makes up {100 * shares[0]:.0f} % of all movement (mean |SHAP| {first.mean_abs_shap:.3f} "
        f"{unit}) and {100 * first.gain_share:.0f} % of the gain; {counted(half, 'input')} of {len(found)} make "
        "up 90 %."
    )
    if len(first.shap_by_fold) > 1:
        said += f" Over {len(first.shap_by_fold)} folds it lay between {min(first.shap_by_fold):.3f} and "
        said += f"{max(first.shap_by_fold):.3f}."
    return said


def shuffled_sentences(found: Sequence[FeatureImportance]) -> list[str]:
    """Return what shuffling each input cost, in one sentence; none where it was not measured."""
    measured = [(each.name, each.permutation) for each in found if each.permutation is not None]
    if not measured:
        return []
    name, most = max(measured, key=lambda item: item[1].value)
    told_apart = sum(estimate.low > 0 for _, estimate in measured)
    read = sum(estimate.value != 0 for _, estimate in measured)
    return [
        f"Shuffled, {name} costs most: {most.value:+.4f} an event {evidence(most, '{:+.4f}')}. Of {read} inputs that "
        f"are read {told_apart} cost more than nothing at 95 %; about {max(1, round(0.025 * read))} would by chance."
    ]


def selective_frame(published: PublishedVersion) -> pd.DataFrame:
    """Return the selective prediction curve for the chart: coverage, threshold, net R with its interval, n."""
    part = published.metrics.get("selective")
    points = part.get("points", []) if isinstance(part, dict) else []
    rows = [(each["coverage"], each["threshold"], read_estimate(each["net_r"])) for each in points]
    return pd.DataFrame(
        [
            {"coverage": coverage, "threshold": threshold, "r": net.value, "low": net.low, "high": net.high, "n": net.n}
            for coverage, threshold, net in rows
        ]
    )


def told(published: PublishedVersion) -> list[str]:
    """Return what the version's own figures say of trials and calibration, in sentences."""
    return [plain(each) for part in ("trials", "calibration") for each in published.told(part)]
