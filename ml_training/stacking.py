"""A blend of members, stacked on predictions of days that they had not seen.

Each member is a LightGBM regression of its own number on the same inputs: what the trade earns beyond its costs,
whether it wins more often than the fair game, how far it gets on its way to the target. Their weights are those that
fit the trade's result best on out-of-fold predictions, none of them negative (Breiman, Stacked regressions, 1996). A
weighted sum of trees is a forest of trees, so the blend is written as one LightGBM model: it is served, explained and
checked like any other, and nothing of the members needs to be kept beside it.
"""

import re
from typing import Any, Final

import lightgbm
import numpy as np
from scipy.optimize import nnls

from ml_models.scores import FloatArray
from ml_training.inputs import Grown, grown
from ml_training.recipe import Estimator, Stack
from ml_training.splits import Timeline, walk_forward_folds

_QUIET: Final = {"verbosity": -1}
_TREES: Final = "end of trees"


def stacked(
    x: FloatArray,
    members: FloatArray,
    result: FloatArray,
    timeline: Timeline,
    names: tuple[str, ...],
    estimator: Estimator,
    stack: Stack,
    seed: int,
    embargo_days: int,
    keep: int | None = None,
) -> tuple[Grown, tuple[float, ...]]:
    """Return the blend as one booster, and the members' weights.

    `x` (n, F), `members` (n, M) what the members learn, `result` (n,) what the blend is to tell. The weights are
    learned on the members' predictions of the later blocks of days, each made from the blocks before it. With `keep`
    each of these fits chooses its inputs on its own rows; those of the blend are those of the members it is made of.
    """
    folds = walk_forward_folds(timeline, stack.folds, embargo_days, stack.least_days)
    count = members.shape[1]
    seen = np.concatenate([fold.test for fold in folds])
    unseen = np.concatenate(
        [
            np.column_stack(
                [
                    _fit(x[fold.train], members[fold.train, m], names, estimator, stack, seed, keep).booster.predict(
                        x[fold.test], num_threads=1
                    )
                    for m in range(count)
                ]
            )
            for fold in folds
        ]
    )
    weights = tuple(float(each) for each in nnls(unseen, result[seen])[0])
    fits = [_fit(x, members[:, m], names, estimator, stack, seed, keep) for m in range(count)]
    blend = blended([each.booster for each in fits], weights)
    chosen = {place for each, weight in zip(fits, weights, strict=True) if weight > 0 for place in each.inputs or ()}
    return Grown(blend, blend.num_trees(), None if keep is None else tuple(sorted(chosen))), weights


def blended(boosters: list[Any], weights: tuple[float, ...]) -> Any:
    """Return the booster whose answer is the sum of those of `boosters`, each times its weight.

    Members of weight 0 are left out; when all are, one tree that says 0 stays.
    """
    used = [(booster, weight) for booster, weight in zip(boosters, weights, strict=True) if weight > 0]
    used = used or [(boosters[0], 0.0)]
    texts = []
    for booster, weight in used:
        for tree in booster.dump_model()["tree_info"]:
            for leaf in range(tree["num_leaves"]):
                value = booster.get_leaf_output(tree["tree_index"], leaf)
                booster.set_leaf_output(tree["tree_index"], leaf, weight * value)
        rounds = booster.current_iteration() if weight > 0 else 1
        texts.append(str(booster.model_to_string(num_iteration=rounds)))
    return lightgbm.Booster(model_str=_joined(texts))


def _joined(texts: list[str]) -> str:
    """Return the trees of several models as one: LightGBM's text with the trees numbered on, and their sizes."""
    trees = [tree for text in texts for tree in _trees(text)]
    numbered = [re.sub(r"^Tree=\d+", f"Tree={number}", tree) for number, tree in enumerate(trees)]
    head, rest = texts[0][: texts[0].index("Tree=0")], texts[0][texts[0].index(_TREES) :]
    sizes = " ".join(str(len(tree.encode())) for tree in numbered)
    return re.sub(r"tree_sizes=[^\n]*", f"tree_sizes={sizes}", head) + "".join(numbered) + rest


def _trees(text: str) -> list[str]:
    body = text[text.index("Tree=0") : text.index(_TREES)]
    starts = [match.start() for match in re.finditer(r"^Tree=", body, re.M)]
    return [body[start:end] for start, end in zip(starts, [*starts[1:], len(body)], strict=True)]


def _fit(
    x: FloatArray,
    values: FloatArray,
    names: tuple[str, ...],
    estimator: Estimator,
    stack: Stack,
    seed: int,
    keep: int | None,
) -> Grown:
    chosen = {
        "objective": "regression",
        **estimator.model_dump(exclude={"rounds", "early_stopping_rounds"}),
        **{"seed": seed, "deterministic": True, "force_row_wise": True, "num_threads": 1},
        **_QUIET,
    }
    data = lightgbm.Dataset(x, values, feature_name=list(names), params=chosen)
    return grown(chosen, data, stack.member_rounds, keep=keep)
