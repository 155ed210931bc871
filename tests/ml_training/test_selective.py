"""Coverage against net R: what only acting on sure answers would have earned."""

from dataclasses import replace

import numpy as np
import pytest

from ml_training.dataset import Dataset
from ml_training.selective import curve_of, selective_of

DAYS = np.repeat(np.arange("2025-01-01", "2025-02-20", dtype="datetime64[D]"), 4)


def test_each_point_is_the_mean_of_the_trades_that_reach_its_threshold():
    sure = np.tile([0.9, 0.8, 0.7, 0.6], 50)
    r_net = np.tile([1.0, 0.5, -0.5, -1.0], 50)
    found = curve_of("probability", sure, np.ones(200, dtype=bool), r_net, DAYS)
    by_coverage = {round(point.coverage, 2): point for point in found.points}
    assert (by_coverage[1.0].threshold, by_coverage[1.0].net_r.value, by_coverage[1.0].net_r.n) == (0.6, 0.0, 200)
    assert (by_coverage[0.5].threshold, by_coverage[0.5].net_r.value) == (0.8, 0.75)
    assert (by_coverage[0.25].threshold, by_coverage[0.25].net_r.value) == (0.9, 1.0)
    assert found.surer.value == 1.5
    assert found.surer.low > 0


def test_sureness_that_says_nothing_is_not_shown_to_help():
    random = np.random.default_rng(2)
    found = curve_of("probability", random.random(200), np.ones(200, dtype=bool), random.normal(size=200), DAYS)
    assert found.surer.low < 0 < found.surer.high
    assert "no threshold is shown to help" in found.sentence


def test_a_trade_that_is_left_counts_as_an_answer_and_earns_nothing():
    sure = np.tile([0.9, 0.6], 100)
    taken = np.tile([True, False], 100)
    found = curve_of("probability", sure, taken, np.ones(200), DAYS)
    assert (found.points[0].coverage, found.points[0].net_r.n) == (1.0, 100)


def test_a_direction_takes_the_breaks_of_its_side(dataset: Dataset):
    rows = np.arange(len(dataset))
    right = np.where(dataset.codes[:, None] == np.arange(2), 0.8, 0.2)
    found = selective_of(replace(dataset, r_net=np.ones(len(dataset))), rows, right, ())
    assert found is not None
    assert found.points[0].net_r.n == len(dataset)
    none_taken = selective_of(dataset, rows, 1.0 - right, ())
    assert none_taken is None


def test_a_question_without_advice_has_no_curve(dataset: Dataset):
    rows = np.arange(10)
    assert selective_of(replace(dataset, label="range_ahead"), rows, np.ones((10, 3)), ("range_q50",)) is None


def test_the_document_holds_the_curve_and_its_sentence():
    found = curve_of("probability", np.tile([0.9, 0.6], 100), np.ones(200, dtype=bool), np.ones(200), DAYS)
    document = found.document()
    assert document["sentences"] == [found.sentence]
    assert len(document["points"]) == len(found.points)
    assert document["surer_half"]["value"] == pytest.approx(0.0)
