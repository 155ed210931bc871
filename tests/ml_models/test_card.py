"""The model card says what was found, how sure it is, and what could not be told."""

import math
from datetime import date

import pytest

from ml_models.card import model_card
from ml_models.documents import DamagedVersion, decode, encode
from ml_models.importance import FeatureImportance
from ml_models.intervals import Estimate
from ml_models.metadata import Column, DayRange, Schema
from ml_models.metrics import estimate_document, read_estimate
from tests.ml_models.drafts import metadata


def figure(
    value: float, low: float = math.nan, high: float = math.nan, n: int = 1204, effective: float = math.nan
) -> dict:
    return estimate_document(Estimate(value, low, high, n, effective, 200))


def test_the_card_of_a_model_without_skill_says_that_it_has_none():
    block = {
        "first_day": "2025-01-02",
        "last_day": "2025-06-27",
        "scores": {"log_loss": figure(0.5521, 0.5402, 0.564, effective=610.4), "auc": figure(0.74)},
        "baselines": {"majority": {"log_loss": figure(0.6931, 0.69, 0.696)}, "martingale": {"log_loss": figure(0.551)}},
        "best_baseline": "martingale",
        "skill": {"log_loss": figure(-0.001, -0.004, 0.002), "brier": figure(0.01, 0.002, 0.02)},
    }
    fold = {"first_day": "2024-01-02", "last_day": "2024-03-29", "scores": {"log_loss": figure(0.56, 0.5, 0.62)}}
    worse = {"scores": {"log_loss": figure(math.nan)}, "skill": {"log_loss": figure(-0.2, -0.3, -0.1)}}
    facts = metadata(
        trials=51,
        synthetic=True,
        expires_on=date(2025, 12, 31),
        code_dirty=True,
        limits=("It says nothing about how far price goes.",),
        notes=("NONE was dropped: 12 events.",),
        ranges=(DayRange("train", date(2022, 1, 3), date(2024, 6, 28), 5120),),
    )
    schema = Schema((Column("a"), Column("b")), ("DOWN", "UP"))
    metrics = {"folds": [fold, worse], "extra_check": {"canary": True}, "walk_forward": worse, "untouched": block}
    assert model_card("directional", facts, schema, metrics) == EXPECTED
    named = model_card("directional", facts, schema, metrics, version="v_20250627_120000-abcde")
    assert named.startswith("# Model card: directional (DEMO), v_20250627_120000-abcde\n")


EXPECTED = """\
# Model card: directional (DEMO)

**Learned from a synthetic market. It says nothing about any real one.**

Which side does the range break first? It answers one of DOWN, UP from 2 inputs; recipe `directional`.

It may answer up to 2025-12-31.

## What it learned from

| use | first trading day | last trading day | events |
| --- | --- | --- | --- |
| train | 2022-01-03 | 2024-06-28 | 5,120 |

51 training and tuning runs of this recipe were made up to this version; the best of many looks better than it is.

## How good it was

Numbers stand as value [interval of 95 %, days as the unit], n events, effective n. \
Skill is the model minus the best baseline on the same events; above 0 is better.

### The untouched window (2025-01-02 to 2025-06-27)

| score | model | majority | martingale |
| --- | --- | --- | --- |
| log_loss | 0.5521 [0.5402, 0.564], n 1,204, effective 610 | 0.6931 [0.69, 0.696], n 1,204 \
| 0.551 (no interval), n 1,204 |
| auc | 0.74 (no interval), n 1,204 | - | - |

- Skill in log_loss: -0.001 [-0.004, 0.002], n 1,204: **cannot be told apart from martingale**.
- Skill in brier: 0.01 [0.002, 0.02], n 1,204: **better than martingale**.

### Walk-forward, all folds together

| score | model |
| --- | --- |
| log_loss | not defined on these 1,204 events |

- Skill in log_loss: -0.2 [-0.3, -0.1], n 1,204: **worse than the best baseline**.

### Fold by fold

| fold | days | log_loss | skill in log_loss |
| --- | --- | --- | --- |
| 1 | 2024-01-02 to 2024-03-29 | 0.56 [0.5, 0.62] | - |
| 2 | ? to ? | not defined | -0.2 [-0.3, -0.1] |

## What it is not good for

- It says nothing about how far price goes.

## What a reader must know

- NONE was dropped: 12 events.

## Lineage, and how to make it again

The first trains anew from what is stored, the second makes this very version again and compares it byte for byte.

    hub train directional --instrument DEMO
    hub reproduce VERSION

- code abc1234 with uncommitted changes; seed 1; lightgbm 4.7.0
- data dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
- parent none
- parameters `{"learning_rate": 0.1, "num_leaves": 4}`

## Other figures

- extra_check: `{"canary": true}`
"""


def test_a_card_without_figures_or_limits_says_so_and_has_no_empty_part():
    card = model_card("r_multiple", metadata(), Schema((Column("a"),)), {})
    assert "It answers a number from 1 input;" in card
    assert "- Nothing was written down here; treat every use as untested." in card
    assert "No figures were published." in card
    assert "1 training run of this recipe was made up to this version." in card
    assert "Other figures" not in card
    assert "\n\n\n" not in card


def test_the_card_says_what_the_version_looks_at_and_what_was_checked():
    extra = {
        "audit": {"events": 40, "features": 84, "problems": 0},
        "canaries": [{"name": "shuffled labels", "passed": True}, {"name": "a late clock", "passed": True}],
    }
    shuffled = Estimate(0.21, 0.2, 0.22, 4524, 4500.0, 754)
    looked = [FeatureImportance("martingale_up", 0.03, 0.87, (0.84, 0.9), shuffled)]
    looked += [FeatureImportance(f"input_{number}", 0.01, 0.01) for number in range(11)]
    card = model_card(
        "directional", metadata(extra=extra), Schema((Column("a"),), ("UP", "DOWN")), {}, importance=looked
    )
    assert "| martingale_up | 3.0 % | 0.87 | 0.84 to 0.9 | +0.21 [+0.2, +0.22], n 4,524 |" in card
    assert "| input_0 | 1.0 % | 0.01 | - | - |" in card
    assert "And 2 more inputs, in feature_importance.json." in card
    assert "- Look-ahead audit: 0 differences in 84 features of 40 events, " in card
    assert "- Canaries: 2 of 2 did what they must (shuffled labels, a late clock)." in card


def test_an_estimate_survives_json_bit_for_bit():
    whole = Estimate(0.1 + 0.2, -1e-17, 1 / 3, 12, 7.25, 5)
    back = read_estimate(decode("metrics.json", encode("metrics.json", estimate_document(whole))).document)
    assert back == whole
    empty = read_estimate(estimate_document(Estimate(math.nan, math.nan, math.nan, 0, math.nan, 0)))
    assert math.isnan(empty.value)
    assert (empty.n, empty.days) == (0, 0)


def test_metrics_of_another_shape_are_a_damaged_file_not_a_crash():
    with pytest.raises(DamagedVersion, match=r"metrics.json: an estimate has no 'low'"):
        read_estimate({"value": 1.0})
