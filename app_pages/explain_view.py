"""What the pages say of reasons, in one sentence a figure. Pure."""

import math

import numpy as np
import pandas as pd

from app_pages.explain_queries import Explained, Floats, Near, Reasons
from app_pages.health_view import plain
from app_pages.label_words import ADVICES
from ml_models.verdicts import counted
from ml_monitoring.neighbours import Neighbours
from trading.domain.words import range_label


def sum_sentence(found: Explained) -> str:
    """Return that the stored reasons sum to the stored answer, or that they do not."""
    scale, unit = (1.0, f" {found.label.unit}") if found.label.targets else (100.0, " %")
    ends = f"{scale * found.base:.2f}{unit} without looking, {scale * found.answer:.2f}{unit} said"
    if not found.adds_up:
        gap = f"{ends}, {found.gap:.2g} apart"
        return f"✕ The stored reasons do not sum to the stored answer: {gap}. Run `hub audit replay`."
    rest = len(found.points)
    return plain(f"✓ The reasons of all {counted(rest, 'input')} sum to the answer ({ends}; {found.gap:.0e} apart).")


def near_frame(near: Neighbours) -> pd.DataFrame:
    """Return the nearest past ranges as a table, the nearest first."""
    return pd.DataFrame(
        [
            {
                "Day": each.trading_day,
                "Range": range_label(each.orb),
                "Distance": each.distance,
                "Came": ADVICES.get(each.actual, each.actual) if each.actual else plain(f"{each.value:+.2f}"),
                "Net R": each.r_net,
            }
            for each in near.found
        ]
    )


def near_sentence(near: Near) -> str:
    """Return what came of the nearest ranges, and by what they are near."""
    if near.neighbours is None:
        return "… The inputs were defined otherwise than today's, so no past range can be compared with these."
    weighed = "weighed by what the version looks at" if near.weighed else "all inputs alike: the version is not here"
    return plain(f"{near.neighbours.sentence} Near in standardised inputs, {weighed}.")


def swarm_sentence(found: Reasons) -> str:
    """Return which input moved the answers most, and which way its high values went."""
    means = np.abs(found.points).mean(axis=0)
    place = int(np.argmax(means))
    scale, unit = (1.0, found.label.unit) if found.label.targets else (100.0, "points")
    n = counted(len(found.points), "stored forecast")
    share = means[place] / means.sum() if means.sum() > 0 else math.nan
    moved = f"by {scale * means[place]:.2f} {unit} on average ({100 * share:.0f} % of all movement)"
    return (
        f"In the newest {n} {found.names[place]} moved the answer most, {moved}. The colour of ▼ marks low values of "
        "the input, that of ▲ high ones, among these."
    )


def dependence_sentence(found: Reasons, name: str) -> str:
    """Return how regularly an input's value goes with what it did to the answer (Spearman's rank correlation)."""
    place = found.names.index(name)
    x, points = found.x[:, place], found.points[:, place]
    keep = np.isfinite(x)
    if keep.sum() < 3 or np.ptp(x[keep]) == 0 or np.ptp(points[keep]) == 0:
        return f"… {name} did not vary, or moved nothing, in these {int(keep.sum()):,} forecasts."
    rank = float(np.corrcoef(_ranks(x[keep]), _ranks(points[keep]))[0, 1])
    way = "rises with it" if rank > 0.8 else "falls with it" if rank < -0.8 else "goes neither way throughout"
    missing = int((~keep).sum())
    told = f"; {missing:,} without a value are left out" if missing else ""
    seen = f"rank correlation {rank:+.2f} on {int(keep.sum()):,} forecasts{told}"
    return plain(
        f"What {name} does to the answer {way}: {seen}. It says what the model does, not what the market does."
    )


def _ranks(values: Floats) -> Floats:
    return np.asarray(pd.Series(values).rank().to_numpy(), dtype=np.float64)
