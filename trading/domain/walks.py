"""What a walk without drift would do with an event: the baselines that never learn anything.

Each follows from features that are logged with the prediction, so it can be made again from the journal.
"""

import math
from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trading.domain.label import RANGE_AHEAD, TARGET_FIRST, Label
from trading.domain.trade_rule import TradeRule

Floats: TypeAlias = NDArray[np.float64]

RANGE_OF_A_WALK: Final = math.sqrt(8.0 / math.pi)
"""Mean high minus low of a walk, in standard deviations of where it ends (Feller 1951)."""

_TERMS: Final = np.arange(1, 201, dtype=np.float64)
_LEAST: Final = 0.001
"""No event is called rarer than this: the spread is only a guess, and one wrong certainty would cost 36 nats."""

MARTINGALE: Final = "martingale_up"

ATR_SCALED: Final = "ATR-scaled"
"""The baseline that says as many ATR(14) as ever."""

HEAP: Final = 0.1
"""R: how near to its stop or its target an interval's end counts as there."""


def walk_inputs(label: Label, rule: TradeRule | None) -> tuple[str, ...]:
    """Return the features that `walk_columns` and `break_even` read for a label."""
    if label == RANGE_AHEAD:
        return (*(f"{target}_ahead_20d" for target in label.targets), "range_size_atr")
    if rule is None:
        return (MARTINGALE,)
    return (*chance_inputs(label, rule), f"costs_{rule.stop}_r", "atr_14")


def chance_inputs(label: Label, rule: TradeRule | None) -> tuple[str, ...]:
    """Return the features that `walk_chances` reads for a label."""
    return walk_inputs(label, None) if rule is None else (f"risk_{rule.stop}_atr", f"{rule.window}_left")


def walk_chances(label: Label, rule: TradeRule | None, names: Sequence[str], x: Floats) -> Floats:
    """Return (n,): P(first class) of the walk for rows `x` (n, F) of features `names`: P(UP), or P(WIN).

    NaN where a feature that it needs is missing.
    """
    inputs = _columns(names, x, chance_inputs(label, rule))
    return inputs[0] if rule is None else fair_win(rule.reward, spread_in_r(*inputs))


def walk_columns(label: Label, rule: TradeRule | None, slippage: float, names: Sequence[str], x: Floats) -> Floats:
    """Return (n, 1): what the walk says of the label's subject, for rows `x` (n, F) of features `names`.

    Of a range ahead (n, 4): what came of each target on the 20 days before, and the log of ATR(14) over the range's
    size, from which `ATR-scaled` is told.

    A probability, or of a net R minus the costs: before them a trade earns 0. `slippage` is the instrument's, in ticks
    a market order. NaN where a feature that it needs is missing.
    """
    if label == RANGE_AHEAD:
        *before, size = _columns(names, x, walk_inputs(label, rule))
        return np.column_stack([*before, -np.log(size)])
    if rule is None or label == TARGET_FIRST:
        return walk_chances(label, rule, names, x)[:, None]
    risk, left, lost, atr = _columns(names, x, walk_inputs(label, rule))
    win = fair_win(rule.reward, spread_in_r(risk, left))
    return np.asarray(win * slippage / (risk * atr) - lost)[:, None]  # a win slips once less


def costs_in_r(
    label: Label, rule: TradeRule, slippage: float, names: Sequence[str], x: Floats
) -> tuple[Floats, Floats]:
    """Return (n,) each: what a lost and what a won trade of `rule` costs, in R; a target is a limit and slips nothing.

    `slippage` is the instrument's, in ticks a market order.
    """
    risk, _, lost, atr = _columns(names, x, walk_inputs(label, rule))
    return lost, lost - slippage / (risk * atr)


def bounds_of(label: Label, rule: TradeRule | None, slippage: float, names: Sequence[str], x: Floats) -> Floats:
    """Return (n, 2 T): the lowest and highest value that each target of a label can take, for rows `x` (n, F).

    A stopped trade loses its R and its costs; one that reaches its target earns the reward less its costs.
    """
    if rule is None or label.targets != ("r",):
        return np.tile([-np.inf, np.inf], (len(x), len(label.targets)))
    lost, won = costs_in_r(label, rule, slippage, names, x)
    return np.column_stack([-1.0 - lost, rule.reward - won])


def possible_ends(possible: Floats, target: int, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the ends of a target's interval (n,) held to what is `possible` (n, 2 T), as `bounds_of` tells it.

    An end that comes within `HEAP` of what is possible is that: the results of stopped trades lie in one heap and
    differ by their costs alone, so an interval that ends inside of it would hold or miss half of all trades by a hair.
    """
    least, most = possible[:, 2 * target], possible[:, 2 * target + 1]
    return np.where(low <= least + HEAP, least, low), np.where(high >= most - HEAP, most, high)


def break_even(label: Label, rule: TradeRule, slippage: float, names: Sequence[str], x: Floats) -> Floats:
    """Return (n,): from which P(WIN) on the trades of `rule` earn something after costs, when all others are stopped.

    1 / (1 + reward) without costs; each R of costs moves it up.
    """
    lost, won = costs_in_r(label, rule, slippage, names, x)
    chances: Floats = (1.0 + lost) / (1.0 + rule.reward + lost - won)
    return chances


def _columns(names: Sequence[str], x: Floats, wanted: Sequence[str]) -> list[Floats]:
    places = list(names)
    return [x[:, places.index(name)] for name in wanted]


def spread_in_r(risk_atr: Floats, left: Floats) -> Floats:
    """Return the standard deviation, in R, of where a walk is when time is up.

    `risk_atr` is entry to stop in ATR, `left` the time left as a share of a day. The day's deviation is ATR(14) over
    `RANGE_OF_A_WALK`; volatility is spread evenly over the day, which it is not: the baseline is plain on purpose.
    """
    result: Floats = np.sqrt(np.maximum(left, 0.0)) / (RANGE_OF_A_WALK * risk_atr)
    return result


def fair_win(reward: float, spread: Floats) -> Floats:
    """Return (n,) P(a walk without drift touches `reward` before -1, in time); `spread` (n,) is its deviation by then.

    With all the time in the world 1 / (1 + reward), the fair game; less where time may run out first (the first
    passage of a walk between two barriers, Cox and Miller 1965, 5.7). Costs change what a win is worth, never how
    often it comes. NaN in, NaN out.

    >>> fair_win(1.0, np.array([10.0, 1.0, 0.5, 0.01])).round(3)
    array([0.5  , 0.315, 0.046, 0.001])
    >>> fair_win(2.0, np.array([50.0])).round(3)
    array([0.333])
    """
    width = 1.0 + reward
    decay = np.exp(-0.5 * (np.pi * np.asarray(spread)[:, None] * _TERMS / width) ** 2)
    waves = (-1.0) ** _TERMS * np.sin(np.pi * _TERMS / width) / _TERMS
    chances = 1.0 / width + 2.0 / np.pi * (decay * waves).sum(axis=1)
    result: Floats = np.where(np.isnan(spread), np.nan, np.clip(chances, _LEAST, 1.0 / width))
    return result
