"""A recipe: which events, features, label, estimator and validation make one model family. Data, not code."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from trading.toml_file import read_toml

SHIPPED: Final = Path(__file__).resolve().parent / "recipes"
"""The folder of the recipes that come with the hub."""

ALL: Final = ("all",)
"""What a recipe says for `features.groups` when it wants every group there is."""


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
    """The feature groups a model is fed with (`ALL` for all), and the features without which nothing is answered."""

    groups: Names
    required: Names = ()


class Classes(_Frozen):
    """When NONE is a class of its own, and below which share of rows the rarest class is weighed up in fitting."""

    none_least_rows: int = Field(ge=1)
    none_least_share: float = Field(ge=0, lt=1)
    weigh_rarest_below: float = Field(ge=0, le=0.5)


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
    """How a model is tested: everything in trading days, in the order of time."""

    folds: int = Field(ge=2, le=50)
    embargo_days: int = Field(ge=0, le=60)
    early_stopping_share: Share
    final_window_days: int = Field(ge=10)


class Checks(_Frozen):
    """How much is spent on the audit and the canaries, and from which AUC on a result is taken for a leak."""

    audit_events: int = Field(ge=1)
    canary_rounds: int = Field(ge=1)
    canary_folds: int = Field(ge=1)
    most_plausible_auc: float = Field(gt=0.5, le=1)


class Publication(_Frozen):
    """How many calendar days a version may answer after the last day it was tested on, and what it is not good for."""

    valid_days: int = Field(ge=1)
    limits: tuple[str, ...]


class Recipe(_Frozen):
    """One model family. `event` and `label` name what `ml_training.dataset` knows how to make."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")
    question: str
    event: Literal["orb_complete"]
    label: Literal["break_direction"]
    seed: int = Field(ge=0, lt=2**31)
    features: Features
    classes: Classes
    estimator: Estimator
    validation: Validation
    checks: Checks
    publication: Publication

    def document(self) -> dict[str, Any]:
        """Return the recipe as JSON."""
        return self.model_dump(mode="json")


def read_recipe(path: Path) -> Recipe:
    """Return the recipe that the TOML file at `path` states.

    Raises `BadSettings` as `trading.toml_file.read_toml` does.
    """
    return read_toml(path, Recipe, "recipe")


def shipped_recipe(name: str) -> Recipe:
    """Return the recipe called `name` that comes with the hub, or raise `BadSettings` naming those that do."""
    return read_recipe(SHIPPED / f"{name}.toml")
