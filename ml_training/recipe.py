"""A recipe: which events, features, label, estimator and validation make one model family. Data, not code."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ml_models.quantiles import output_name
from trading.domain.label import LABELS, NET_R, EventKind, Label
from trading.domain.trade_rule import TRADE_RULES, TradeRule, rule_named
from trading.errors import BadSettings
from trading.toml_file import WrongValue, read_toml

SHIPPED: Final = Path(__file__).resolve().parent / "recipes"
"""The folder of the recipes that come with the hub."""

ALL: Final = ("all",)
"""What a recipe says for `features.groups` when it wants every usual group; others may be named beside it."""


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is named twice")
    return names


Names = Annotated[tuple[str, ...], AfterValidator(_each_once)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Features(_Frozen):
    """The feature groups a model is fed with (`ALL` for all), and the features without which nothing is answered.

    With `keep` each fit chooses, on its own training rows, the most that its trees may look at (`ml_training.inputs`).
    """

    groups: Names
    required: Names = ()
    keep: int | None = Field(default=None, ge=1, le=1000, exclude_if=lambda keep: keep is None)


class Classes(_Frozen):
    """Below which share of rows the rarest class is weighed up in fitting, and when NONE is a class of its own.

    `start`: whether the trees begin at the classes' average or correct what the walk says (`ml_models.walk_start`).
    """

    start: Literal["average", "walk"] = "average"
    weigh_rarest_below: float = Field(ge=0, le=0.5)
    none_least_rows: int = Field(default=100, ge=1)
    none_least_share: float = Field(default=0.02, ge=0, lt=1)


class Quantiles(_Frozen):
    """Which numbers are said of each target, how much its interval is to hold, and what that is measured on.

    `levels` are whole percents; the lowest and the highest are the ends of the interval, which is to hold the share
    between them. `calibration_share` of the training days, the last ones, are kept from the fit to measure that on.
    `follows` is an input that says by how much the targets have lately been off what was usual, in their own unit: the
    interval reaches as much farther to that side (`ml_models.calibrator`).
    """

    mean: bool
    levels: tuple[float, ...] = Field(min_length=3)
    calibration_share: Share
    follows: str | None = Field(default=None, exclude_if=lambda follows: follows is None)

    @property
    def interval(self) -> float:
        """The share that the interval is to hold."""
        return round(self.levels[-1] - self.levels[0], 2)

    @model_validator(mode="after")
    def _rise(self) -> Self:
        percents = [100 * level for level in self.levels]
        rising = all(low < high for low, high in pairwise(percents))
        if not rising or not all(0 < each < 100 and abs(each - round(each)) < 1e-9 for each in percents):
            raise WrongValue(("levels",), "expected rising whole percents", str(self.levels))
        return self


class Stack(_Frozen):
    """How the expected net R is blended of `members`, and from which expected R on the full size is advised.

    `r` learns what a trade earns beyond its costs, `win` how much oftener than the fair game it wins, `reach` how far
    it gets towards its target. Each has `member_rounds`; their weights are learned on `folds` out-of-fold blocks of
    at least `least_days` trading days.
    """

    members: tuple[Literal["r", "win", "reach"], ...] = Field(min_length=1)
    member_rounds: int = Field(ge=1)
    folds: int = Field(ge=2, le=20)
    least_days: int = Field(ge=3)
    full_size_at: float = Field(gt=0)


class Estimator(_Frozen):
    """LightGBM's parameters by its own names; `rounds` is the most, early stopping decides."""

    rounds: int = Field(ge=1, le=10_000)
    early_stopping_rounds: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    num_leaves: int = Field(ge=2, le=1024)
    min_data_in_leaf: int = Field(ge=1)
    feature_fraction: float = Field(gt=0, le=1)
    bagging_fraction: float = Field(gt=0, le=1)
    bagging_freq: int = Field(ge=0)
    lambda_l2: float = Field(ge=0)
    max_bin: int = Field(ge=3, le=65_535)


class Validation(_Frozen):
    """How a model is tested: everything in trading days, in the order of time.

    With `blocks` its skill is also found on every choice of `tested` out of so many blocks (`ml_training.paths`).
    """

    folds: int = Field(ge=2, le=50)
    embargo_days: int = Field(ge=0, le=60)
    early_stopping_share: Share
    final_window_days: int = Field(ge=10)
    blocks: int | None = Field(default=None, ge=3, le=12)
    tested: int = Field(default=2, ge=1, le=6)

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.blocks is not None and self.tested >= self.blocks:
            raise WrongValue(("tested",), f"expected fewer than the {self.blocks} blocks", str(self.tested))
        return self


class Checks(_Frozen):
    """How much is spent on the audit and the canaries, and from which AUC (or R²) on a result is taken for a leak."""

    audit_events: int = Field(ge=1)
    canary_rounds: int = Field(ge=1)
    canary_folds: int = Field(ge=1)
    most_plausible_auc: float | None = Field(default=None, gt=0.5, le=1)
    most_plausible_r2: float | None = Field(default=None, gt=0, le=1)

    @property
    def limit(self) -> float:
        """The highest AUC, or R², that is no leak."""
        return next(each for each in (self.most_plausible_auc, self.most_plausible_r2, 1.0) if each is not None)


class Publication(_Frozen):
    """How many calendar days a version may answer after the last day it was tested on, and what it is not good for."""

    valid_days: int = Field(ge=1)
    limits: tuple[str, ...]


class Recipe(_Frozen):
    """One model family. `label` names a question of `trading.domain.label`, `event` the moment at which it is asked.

    `rule` is the trade rule that a question about trades is about; another one makes another model of the same family.
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    question: str
    event: EventKind
    label: str
    rule: str | None = None
    seed: int = Field(ge=0, lt=2**31)
    features: Features
    classes: Classes | None = None
    quantiles: Quantiles | None = None
    stack: Stack | None = None
    estimator: Estimator
    validation: Validation
    checks: Checks
    publication: Publication

    @model_validator(mode="after")
    def _fits(self) -> Self:
        label = LABELS.get(self.label)
        if label is None:
            raise WrongValue(("label",), f"expected one of {', '.join(LABELS)}", repr(self.label))
        if self.event != label.event:
            raise WrongValue(("event",), f"expected {label.event!r}, at which {label.name} is asked", repr(self.event))
        if label.by_rule and self.rule is None:
            raise WrongValue(("label",), f"expected a rule beside {label.name}, which is about one", "none")
        if self.rule is not None and not label.by_rule:
            raise WrongValue(("rule",), f"expected none, since {label.name} is not about a trade rule", repr(self.rule))
        if self.rule is not None and self.rule not in {each.name for each in TRADE_RULES}:
            raise WrongValue(("rule",), "expected a trade rule, such as 'half-rr2-session'", repr(self.rule))
        if self.stack is not None and (label != NET_R or self.quantiles is None or not self.quantiles.mean):
            raise WrongValue(("stack",), f"expected none but for a mean of {NET_R.name}", label.name)
        table, limit = ("quantiles", "most_plausible_r2") if label.targets else ("classes", "most_plausible_auc")
        if getattr(self, table) is None:
            raise WrongValue((table,), f"expected this table, since {label.name} is asked", "none")
        if getattr(self.checks, limit) is None:
            raise WrongValue(("checks", limit), f"expected a number, since {label.name} is asked", "none")
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The numbers that a version says; none of a label of classes."""
        if self.quantiles is None:
            return ()
        levels = [*([None] if self.quantiles.mean else []), *self.quantiles.levels]
        return tuple(output_name(target, level) for target in self.asked.targets for level in levels)

    @property
    def asked(self) -> Label:
        """The question."""
        return LABELS[self.label]

    @property
    def trade_rule(self) -> TradeRule | None:
        """The trade rule that the question is about."""
        return None if self.rule is None else rule_named(self.rule)

    def document(self) -> dict[str, Any]:
        """Return the recipe as JSON."""
        return self.model_dump(mode="json")


def read_recipe(path: Path) -> Recipe:
    """Return the recipe that the TOML file at `path` states.

    Raises `BadSettings` as `trading.toml_file.read_toml` does.
    """
    return read_toml(path, Recipe, "recipe")


def shipped_recipe(name: str, rule: str | None = None) -> Recipe:
    """Return the recipe called `name` that comes with the hub; with `rule` it is about that trade rule.

    Raises
    ------
    BadSettings
        naming the recipes or the rules that there are, or because the recipe is about no rule.
    """
    recipe = read_recipe(SHIPPED / f"{name}.toml")
    if rule is None:
        return recipe
    if not recipe.asked.by_rule:
        raise BadSettings(f"Recipe {name} is not about a trade rule; leave --rule {rule} away.")
    return recipe.model_copy(update={"rule": rule_named(rule).name})


def shipped_recipes() -> tuple[str, ...]:
    """Return the names of the recipes that come with the hub."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))
