"""How much a result hangs on which days were tested: skill on every path of combinatorial purged cross-validation."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ml_models.documents import Json
from ml_models.scores import FloatArray
from ml_training.choosing import row_losses
from ml_training.combinatorial import combinatorial_folds, path_values
from ml_training.dataset import Dataset
from ml_training.evaluation import baselines_of
from ml_training.recipe import Recipe
from ml_training.splits import LEAST_BLOCK_DAYS, Fold, Ints
from ml_training.walk_forward import WORKERS, Rounds, fit_rows, said_of


@dataclass(frozen=True)
class Paths:
    """Skill over `baseline`, an event, on each path through the days before the untouched window.

    `skill` is empty where `days` were too few for `blocks` blocks. `unit` is that of the loss (nats, R²).
    """

    blocks: int
    tested: int
    fits: int
    days: int
    baseline: str
    unit: str
    skill: tuple[float, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader must know of it."""
        needed = self.blocks * LEAST_BLOCK_DAYS
        if not self.skill:
            return (f"Not computed: {self.blocks} blocks take {needed} trading days, and there are {self.days}.",)
        above = sum(each > 0 for each in self.skill)
        return (
            f"{self.fits} fits, each tested on {self.tested} of {self.blocks} blocks of the {self.days:,} days before "
            f"the untouched window, make {len(self.skill)} paths through all of them: the gain over {self.baseline} is "
            f"{min(self.skill):+.4f} to {max(self.skill):+.4f} {self.unit} an event, median "
            f"{float(np.median(self.skill)):+.4f}, above 0 on {above} of {len(self.skill)}.",
            "A fit may learn from days after its test here: the spread says how much the result hangs on which days "
            "were tested, not what the model would have earned.",
        )

    def document(self) -> dict[str, Json]:
        """Return it as a part of metrics.json."""
        return {
            "sentences": list(self.sentences),
            "blocks": self.blocks,
            "tested": self.tested,
            "fits": self.fits,
            "baseline": self.baseline,
            "unit": self.unit,
            "skill": list(self.skill),
        }


def paths_of(
    dataset: Dataset, before: Ints, recipe: Recipe, rounds: Rounds, baseline: str, *, workers: int = WORKERS
) -> Paths | None:
    """Return the skill on every path through the rows `before` the untouched window; None where the recipe asks none.

    Each fit has `rounds` rounds, `baseline` is the one that the walk-forward found best.
    """
    blocks, tested = recipe.validation.blocks, recipe.validation.tested
    if blocks is None:
        return None
    days = len(np.unique(dataset.days[before]))
    unit = f"{dataset.asked.unit}²" if dataset.asked.targets else "nats"
    if days < blocks * LEAST_BLOCK_DAYS:
        return Paths(blocks, tested, 0, days, baseline, unit, ())
    split = combinatorial_folds(dataset.timeline.part(before), blocks, tested, recipe.validation.embargo_days)

    def gained(fold: Fold) -> FloatArray:
        train, test = before[fold.train], before[fold.test]
        said = said_of(dataset, test, fit_rows(dataset, train, recipe, rounds))
        beside = baselines_of(dataset, recipe, train, test)[baseline]
        mine, theirs = (row_losses(dataset, test, each, recipe.outputs) for each in (said, beside))
        return theirs - mine

    with ThreadPoolExecutor(workers) as pool:
        by_fold = tuple(pool.map(gained, split.folds))
    skill = tuple(float(path.mean()) for path in path_values(split, by_fold))
    return Paths(blocks, tested, len(split.folds), days, baseline, unit, skill)
