"""From a version's figures to an answer: probabilities, advice and every reason, whatever the question was."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ml_data.feature_matrix import every_group, features_of
from ml_data.features.base import Floats
from ml_inference.explanations import probability_points
from ml_models.loaded_version import LoadedVersion
from ml_models.quantiles import forecast_of, quantile_places, walk_of_outputs
from trading.domain.label import BREAK_DIRECTION
from trading.domain.prediction import BIAS_NONE, SKIP, TAKE, Answer, Reason
from trading.domain.trade_rule import rule_named
from trading.domain.walks import bounds_of, break_even, possible_ends


@dataclass(frozen=True)
class AdviceRule:
    """When an answer is advice: the lowest confidence for a direction, and a market order's slippage in ticks."""

    confidence_threshold: float
    slippage_ticks: float


def answer_of(version: LoadedVersion, row: Floats, walk: Floats, advice: AdviceRule) -> Answer:
    """Return what `version` says of one row (1, F) of features in its order, with every reason.

    `walk` (1, T) is what the walk says of each target; a version of classes does not need it.
    """
    if version.schema.outputs:
        return _numbers(version, row, walk, advice)
    classes, subject = version.schema.classes, version.schema.asked.subject
    (probabilities,), (margins,) = version.answered(row)
    by_class = dict(zip(classes, probabilities.tolist(), strict=True))
    best = int(np.argmax(probabilities))
    base, points = probability_points(version, version.contributions(row)[0], classes.index(subject))
    return Answer(
        probabilities=by_class,
        confidence=float(probabilities[best]),
        advice=_advice(version, row, by_class, advice),
        base=base,
        reasons=_reasons(version, row, points),
        raw_score=tuple(margins.tolist()),
    )


def _numbers(version: LoadedVersion, row: Floats, walk: Floats, advice: AdviceRule) -> Answer:
    """Return the numbers that `version` says: what it learned, added to what the walk says."""
    schema, label = version.schema, version.schema.asked
    raw = version.predict(row)
    said = raw + walk_of_outputs(label.targets, schema.outputs, walk)
    rule = None if schema.rule is None else rule_named(schema.rule)
    possible = bounds_of(label, rule, advice.slippage_ticks, schema.names, row)
    moved = version.calibrator.moved(schema.names, row)
    values = said[0].copy()
    interval: tuple[float, float] | None = None
    expected = 0.0
    for place, target in enumerate(label.targets):
        found = forecast_of(target, schema.outputs, said, version.calibrator.offsets[place], moved)
        rising = quantile_places(target, schema.outputs)
        values[rising] = np.sort(said[0, rising])
        if place == 0:
            low, high = possible_ends(possible, place, np.asarray(found.low), np.asarray(found.high))
            interval, expected = (float(low[0]), float(high[0])), float(found.point[0])
    shares, size = version.contributions(row)[0, 0], _size(version, expected)
    return Answer(
        probabilities={},
        confidence=None,
        advice=(TAKE if expected > 0 else SKIP) if label.by_rule else BIAS_NONE,
        size=size,
        base=float(shares[-1] + walk[0, 0]),
        reasons=_reasons(version, row, shares[:-1]),
        raw_score=tuple(raw[0].tolist()),
        expected=expected,
        values=dict(zip(schema.outputs, values.tolist(), strict=True)),
        interval=interval,
    )


def _size(version: LoadedVersion, expected: float) -> float | None:
    """Return the share of the rule's size for an expected net R; None of a version whose recipe advises none."""
    recipe: Any = version.metadata.extra.get("recipe") or {}
    stack = recipe.get("stack")
    return None if stack is None else float(np.clip(expected / stack["full_size_at"], 0.0, 1.0))


def _advice(version: LoadedVersion, row: Floats, by_class: dict[str, float], advice: AdviceRule) -> str:
    """Return the side that is sure enough; of a trade, whether it is called to win often enough to pay its costs."""
    schema = version.schema
    if schema.asked == BREAK_DIRECTION:
        likeliest = max(by_class, key=lambda name: by_class[name])
        return likeliest if by_class[likeliest] >= advice.confidence_threshold else BIAS_NONE
    needed = break_even(schema.asked, rule_named(str(schema.rule)), advice.slippage_ticks, schema.names, row)[0]
    return TAKE if by_class[schema.asked.subject] >= needed else SKIP


def _reasons(version: LoadedVersion, row: Floats, points: Floats) -> tuple[Reason, ...]:
    units = feature_units()
    names, values, shares = version.schema.names, row[0].tolist(), points.tolist()
    order = np.argsort(-np.abs(points), kind="stable").tolist()
    return tuple([Reason(names[i], values[i], units.get(names[i], ""), shares[i]) for i in order])


@lru_cache(maxsize=1)
def feature_units() -> dict[str, str]:
    """Return the unit of every feature by name."""
    return {feature.name: feature.unit for feature in features_of(every_group())}
