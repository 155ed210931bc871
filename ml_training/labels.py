"""What a recipe's events came to, as labels: the classes that are answered, and what is said of those left out.

The outcomes themselves are of `ml_data.outcomes`, where settlement takes them from too.
"""

import numpy as np

from ml_data.features.base import Floats, Ints
from ml_training.recipe import Classes, Recipe
from trading.domain.label import BREAK_DIRECTION
from trading.domain.trade_rule import TradeRule

UP, DOWN, NONE = range(3)


def answered_classes(codes: Ints, recipe: Recipe) -> tuple[tuple[str, ...], str]:
    """Return the classes that `recipe` answers, and a sentence about what that leaves out.

    `codes` (n,) index the label's classes. The untouched window's rows must not be among them: it decides nothing.
    """
    if recipe.asked == BREAK_DIRECTION:
        return _directions(codes, recipe.classes or Classes(weigh_rarest_below=0.0))
    shares = np.bincount(codes, minlength=len(recipe.asked.classes)) / len(codes)
    told = ", ".join(f"{name} {share:.1%}" for name, share in zip(recipe.asked.classes, shares, strict=True))
    return recipe.asked.classes, (
        f"Of {len(codes):,} trades by {recipe.rule} before the untouched window: {told}. WIN is the target before the "
        f"stop; MISS the stop first, both in one bar, or neither before {_end(recipe.trade_rule)}."
    )


def value_note(values: Floats, recipe: Recipe) -> str:
    """Return a sentence about the numbers (n, T) that a recipe learns, from the rows before the untouched window."""
    means = ", ".join(
        f"{target} {mean:+.3f} (standard deviation {spread:.3f})"
        for target, mean, spread in zip(recipe.asked.targets, values.mean(axis=0), values.std(axis=0), strict=True)
    )
    about = f" of {recipe.rule}" if recipe.rule else ""
    return (
        f"Before the untouched window the mean{about} over {len(values):,} events is, in {recipe.asked.unit}: {means}."
    )


def none_share(codes: Ints, class_count: int) -> float:
    """Return how often NONE happened in `codes` (n,); 0 of a model without that class."""
    return float((codes == NONE).mean()) if class_count > NONE else 0.0


def _directions(codes: Ints, rule: Classes) -> tuple[tuple[str, ...], str]:
    rows = int((codes == NONE).sum())
    found = f"{rows:,} of {len(codes):,} ranges before the untouched window ({rows / len(codes):.1%}) never broke"
    asked = f"{rule.none_least_rows:,} rows and {rule.none_least_share:.0%}"
    if rows >= rule.none_least_rows and rows >= rule.none_least_share * len(codes):
        return BREAK_DIRECTION.classes, f"NONE is answered: {found}, and the recipe asks for {asked}."
    return BREAK_DIRECTION.classes[:NONE], (
        f"NONE is not answered: {found}, and the recipe asks for {asked}. The model says which way a range breaks if "
        "it breaks; ranges that never broke are in no figure here."
    )


def _end(rule: TradeRule | None) -> str:
    return "the range's session ends" if rule is not None and rule.window == "session" else "the day is over"
