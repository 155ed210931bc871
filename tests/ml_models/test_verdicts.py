import math

import numpy as np
import pytest

from ml_models.intervals import Estimate
from ml_models.reliability import (
    CalibrationError,
    Reliability,
    ReliabilityBin,
    calibration_error,
    calibration_in_the_large,
    reliability,
)
from ml_models.score_table import score_table, skill
from ml_models.verdicts import (
    at_the_present_value,
    describe_against,
    describe_calibration_error,
    describe_in_the_large,
    describe_reliability,
    describe_score,
    describe_skill,
    further_days,
)


def seen(value, low, high):
    return Estimate(value, low, high, n=498, n_effective=310.2, days=83)


EVIDENCE = "498 events on 83 days, worth 310 independent ones"


def test_skill_above_zero_is_good():
    verdict = describe_skill(seen(0.012, 0.003, 0.021), "log_loss", "martingale")
    assert verdict.state == "good"
    assert verdict.sentence == (
        "Better than the martingale baseline: gain in log loss +0.0120 nats per event "
        f"(95 % interval +0.0030 to +0.0210; {EVIDENCE})."
    )


def test_skill_below_zero_is_bad():
    verdict = describe_skill(seen(-0.02, -0.034, -0.006), "accuracy", "majority")
    assert verdict.state == "bad"
    assert verdict.sentence == (
        f"Worse than the majority baseline: gain in accuracy -2.0 points (95 % interval -3.4 to -0.6; {EVIDENCE})."
    )


def test_skill_around_zero_cannot_be_told_and_says_how_many_days_it_would_take():
    verdict = describe_skill(seen(0.01, -0.01, 0.03), "brier", "martingale")
    assert verdict.state == "cannot tell"
    assert verdict.sentence == (
        "Cannot be told from the martingale baseline: gain in Brier score +0.0100 per event "
        f"(95 % interval -0.0100 to +0.0300; {EVIDENCE}); about 250 further days at the present value."
    )


def test_skill_of_exactly_zero_needs_no_finite_number_of_days():
    actual, probs, days = np.arange(60) % 2, np.tile([0.4, 0.6], (60, 1)), np.arange(60) // 6
    verdict = describe_skill(skill(actual, probs, probs, days))
    assert verdict.state == "cannot tell"
    assert verdict.sentence.endswith("; no finite number of days would tell at the present value.")


def test_a_tiny_gain_needs_more_days_than_are_worth_a_number():
    assert "more than 5,000 further days (20 years)" in describe_skill(seen(0.0001, -0.01, 0.0102)).sentence


@pytest.mark.parametrize(
    ("estimate", "sentence"),
    [
        (
            Estimate(0.02, math.nan, math.nan, 24, math.nan, 4),
            "The gain over the baseline +0.0200: an interval takes at least 1 further day; "
            "so far there are 24 events on 4 days.",
        ),
        (
            Estimate(0.02, math.nan, math.nan, 1, math.nan, 1),
            "The gain over the baseline +0.0200: an interval takes at least 4 further days; "
            "so far there are 1 event on 1 day.",
        ),
        (
            Estimate(math.nan, math.nan, math.nan, 0, math.nan, 0),
            "The gain over the baseline is not defined without events.",
        ),
    ],
)
def test_too_few_days_cannot_tell_and_say_so(estimate, sentence):
    verdict = describe_skill(estimate)
    assert (verdict.state, verdict.sentence) == ("cannot tell", sentence)


def test_an_undefined_score_names_the_missing_class_and_a_rare_one_the_rarity():
    undefined = Estimate(math.nan, math.nan, math.nan, 40, math.nan, 10)
    assert describe_score("AUC", undefined) == (
        "AUC is not defined on these 40 events: a class that it needs did not occur."
    )
    rare = Estimate(0.8, math.nan, math.nan, 40, 31.0, 10)
    assert describe_score("AUC", rare) == "AUC 0.800: a class is too rare on 40 events for an interval."


@pytest.mark.parametrize(
    ("low", "high", "state", "says"),
    [
        (0.56, 0.64, "good", "is above 0.550"),
        (0.46, 0.54, "bad", "is below 0.550"),
        (0.5, 0.6, "cannot tell", "cannot be told"),
    ],
)
def test_a_score_is_judged_by_its_interval_against_the_reference(low, high, state, says):
    verdict = describe_against("Accuracy", seen((low + high) / 2, low, high), 0.55)
    assert verdict.state == state
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("estimate", "reference", "days"),
    [
        (seen(0.02, 0.01, 0.03), 0.0, 0.0),
        (seen(0.01, -0.01, 0.03), 0.0, 3 * 83),
        (seen(-0.01, -0.03, 0.01), 0.0, 3 * 83),
        (seen(0.52, 0.48, 0.55), 0.50, 3 * 83),
        (seen(0.0, -0.01, 0.01), 0.0, math.inf),
        (seen(0.1, math.nan, math.nan), 0.0, math.nan),
    ],
)
def test_twice_the_needed_width_takes_four_times_the_days(estimate, reference, days):
    assert further_days(estimate, reference) == pytest.approx(days, nan_ok=True)


def test_the_forecast_of_days_comes_true_on_repeated_days():
    values = np.random.default_rng(0).integers(0, 2, size=(40, 6))
    actual = values.ravel()
    model = np.tile([0.45, 0.55], (actual.size, 1))
    even, days = np.full(model.shape, 0.5), np.repeat(np.arange(40), 6)
    estimate = skill(actual, model, even, days)
    assert describe_skill(estimate).state == "cannot tell"
    more = math.ceil(1.3 * (1 + further_days(estimate) / 40))
    again = skill(
        np.tile(actual, more), np.tile(model, (more, 1)), np.tile(even, (more, 1)), np.arange(240 * more) // 6
    )
    assert describe_skill(again).state in ("good", "bad")


@pytest.mark.parametrize(
    ("value", "low", "high", "state", "says"),
    [
        (0.08, 0.02, 0.14, "bad", "On average the forecasts are too high: off by +8.0 points"),
        (-0.08, -0.14, -0.02, "bad", "On average the forecasts are too low: off by -8.0 points"),
        (0.01, -0.02, 0.04, "good", "On average the forecasts are right to within 5 points"),
        (0.01, -0.05, 0.07, "cannot tell", "about 110 further days"),  # from 0.06 to 0.04 wide: 83 * 1.25
        (0.06, -0.03, 0.15, "cannot tell", "about 110 further days"),  # from 0.09 to 0.06 wide
    ],
)
def test_the_mean_error_is_judged_by_its_interval(value, low, high, state, says):
    verdict = describe_in_the_large(seen(value, low, high))
    assert verdict.state == state
    assert says in verdict.sentence


@pytest.mark.parametrize(
    ("error", "state", "says"),
    [
        (CalibrationError(0.091, 0.036, 0.061, 500, 83), "bad", "0.091 is more than a right forecaster shows on 500"),
        (CalibrationError(0.020, 0.018, 0.030, 2000, 330), "good", "and one of 0.050 would mostly show."),
        (CalibrationError(0.036, 0.036, 0.061, 500, 83), "cannot tell", "about 41 further days until"),
        (
            CalibrationError(0.2, math.nan, math.nan, 20, 4),
            "cannot tell",
            "cannot be judged: an interval takes at least 1",
        ),
    ],
)
def test_the_calibration_error_is_judged_by_its_null(error, state, says):
    verdict = describe_calibration_error(error)
    assert verdict.state == state
    assert says in verdict.sentence


def bins(half):
    return tuple(ReliabilityBin(p, seen(p + 0.01, p - 0.1, p + 0.1), p - half, p + half) for p in (0.4, 0.6))


@pytest.mark.parametrize(
    ("found", "state", "says"),
    [
        (Reliability(bins(0.05), 0.012, 996, 83), "bad", "a right forecaster is as far off in 1.2 % of draws"),
        (Reliability(bins(0.05), 0.4, 996, 83), "good", "errors above 10 points would mostly show"),
        (Reliability(bins(0.2), 0.4, 996, 83), "cannot tell", "about 250 further days until errors of 10 points show"),
        (Reliability((), math.nan, 0, 0), "cannot tell", "an interval takes at least 5 further days"),
    ],
)
def test_reliability_is_judged_by_its_band(found, state, says):
    verdict = describe_reliability(found)
    assert verdict.state == state
    assert says in verdict.sentence


def test_every_sentence_can_be_made_from_any_number_of_days():
    random = np.random.default_rng(0)
    for days in (0, 1, 3, 5, 40):
        forecast = random.uniform(0.2, 0.8, days * 3)
        happened, day = random.random(days * 3) < forecast, np.arange(days * 3) // 3
        probs = np.column_stack([1 - forecast, forecast])
        table = score_table(happened.astype(int), probs, day, ("DOWN", "UP"))
        sentences = [describe_score(name, estimate) for name, estimate in table.items()]
        verdicts = (
            describe_against("Accuracy", table["accuracy"], 0.55),
            describe_skill(skill(happened.astype(int), probs, np.full(probs.shape, 0.5), day)),
            describe_in_the_large(calibration_in_the_large(forecast, happened, day)),
            describe_calibration_error(calibration_error(forecast, happened, day, draws=50)),
            describe_reliability(reliability(forecast, happened, day, draws=50)),
        )
        for sentence in sentences + [verdict.sentence for verdict in verdicts]:
            assert sentence.endswith(".")
            assert "nan" not in sentence


@pytest.mark.parametrize(
    ("days", "words"),
    [(0.2, "about 1 further day at"), (1.0, "about 1 further day at"), (1.1, "about 2 further days at")],
)
def test_days_are_counted_in_words(days: float, words: str):
    assert at_the_present_value(days).startswith(words)
