"""Where the trees of a model of classes begin: at the walk, put right where training rejects what it says.

The walk is plain on purpose: it spreads volatility evenly over the day, so where a session ends the trade it may call
far too many or too few. Started from such scores the trees would spend themselves on mending them.
"""

from dataclasses import replace

import numpy as np

from ml_models.scores import IntArray
from ml_models.walk_start import WalkStart
from ml_training.calibration import Calibration, choose_calibrator
from ml_training.dataset import Dataset
from ml_training.labels import none_share
from ml_training.recipe import Recipe
from trading.domain.label import label_named


def start_of(dataset: Dataset, rows: IntArray, recipe: Recipe) -> WalkStart | None:
    """Return where a fit that may learn from `rows` begins; None: at the classes' average."""
    if recipe.classes is None or recipe.classes.start == "average":
        return None
    codes, k = dataset.codes[rows], len(dataset.classes)
    plain = WalkStart.learned(dataset.asked, recipe.trade_rule, dataset.names, k, dataset.x[rows], none_share(codes, k))
    found = choose_calibrator(plain.scores(dataset.x[rows]), codes, dataset.days[rows], k)
    return _put_right(plain, found, np.bincount(codes, minlength=k) / len(codes))


def _put_right(plain: WalkStart, found: Calibration, shares: np.ndarray[tuple[int], np.dtype[np.float64]]) -> WalkStart:
    """Return `plain` with the numbers that `found` chose; where a constant was best, the classes' `shares` alone."""
    margins, calibrator = 1 if plain.class_count == 2 else plain.class_count, found.calibrator
    if found.losses and min(found.losses, key=lambda name: found.losses[name]) == "constant" and (shares > 0).all():
        logs = np.log(shares)
        return replace(plain, slope=0.0, intercept=tuple((logs[1:] - logs[0] if margins == 1 else logs).tolist()))
    if calibrator.kind == "temperature":
        return replace(plain, slope=1 / calibrator.temperature, intercept=(0.0,) * margins)
    if calibrator.kind == "platt":
        return replace(plain, slope=calibrator.slope, intercept=(calibrator.intercept,))
    return plain


def describe_start(start: WalkStart) -> str:
    """Return where a fit began, as a sentence."""
    walk = f"the {label_named(start.label).walk} ({', '.join(start.inputs)})"
    if not start.intercept:
        return f"Each fit started from {walk} and learned corrections to it."
    if start.slope == 0.0:
        return f"It started from the classes' frequencies: in training {walk} was no better on later days than those."
    intercept = ", ".join(f"{number:+.2f}" for number in start.intercept)
    return (
        f"It started from {walk}, whose log-odds were put right by what training says (times {start.slope:.2f}, plus "
        f"{intercept}), and learned corrections to it."
    )
