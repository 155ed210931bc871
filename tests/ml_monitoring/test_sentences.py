import math

import numpy as np
import pytest

from ml_models.intervals import Estimate
from ml_models.reliability import CalibrationError, Reliability, ReliabilityBin
from ml_monitoring.rolling import rolling_mean
from ml_monitoring.sentences import (
    describe_calibration,
    describe_help,
    describe_parts,
    describe_rolling,
    describe_taken,
)

NAN = math.nan


def estimate(value: float, half: float, n: int = 120) -> Estimate:
    return Estimate(value, value - half, value + half, n, float(n), n)


def bin_of(called: float, happened: float, half: float = 0.06) -> ReliabilityBin:
    return ReliabilityBin(called, estimate(happened, half, 150), called - half, called + half)


def test_the_rolling_sentence_counts_the_windows_that_leave_zero():
    values = np.array([-1.0, -1.1, -0.9, -1.0, -1.0, 3.0])
    rolling = rolling_mean(values, np.arange(6), 5)
    said = describe_rolling(rolling, 6)
    assert said.state == "cannot tell"
    assert said.sentence == (
        "Over the last 5 trading days not to be told from the martingale: -0.2000 nats an event (95 % interval -2.4229 "
        "to +2.0229; 5 events on 5 days, worth 5 independent ones). Of 2 windows, which overlap, the band lay below "
        "zero in 1 and above it in 0."
    )


def test_before_the_first_window_the_rolling_sentence_says_how_far_it_is():
    said = describe_rolling(rolling_mean(np.arange(3.0), np.arange(3), 40), 3)
    assert said.state == "cannot tell"
    assert said.sentence == ("A window takes 40 trading days with matured predictions; so far there are 3.")


def test_one_range_of_six_that_stands_out_is_what_chance_does():
    parts = {"0030": estimate(-0.025, 0.02), **{name: estimate(0.0, 0.02) for name in "abcde"}}
    said = describe_parts(parts)
    assert said.state == "cannot tell"
    assert said.sentence.endswith("With 6 ranges tested at 95 %, at least 1 stands out by chance in 26 % of reports.")


@pytest.mark.parametrize(("side", "state"), [(-0.03, "bad"), (0.03, "good")])
def test_two_of_six_on_one_side_are_more_than_chance(side: float, state: str):
    parts = {"0030": estimate(side, 0.02), "0900": estimate(side, 0.02), **{n: estimate(0.0, 0.02) for n in "abcd"}}
    said = describe_parts(parts)
    assert said.state == state
    assert "at least 2 stand out by chance in 3 % of reports" in said.sentence


def test_ranges_that_stand_out_on_both_sides_tell_nothing_of_the_whole():
    said = describe_parts({"0030": estimate(-0.03, 0.02), "0900": estimate(0.03, 0.02)})
    assert said.state == "cannot tell"
    assert said.sentence.startswith(
        "Worse than the martingale in 0030 (-0.0300) and better than the martingale in 0900 (+0.0300). "
    )


def test_parts_without_an_interval_are_not_tested():
    assert describe_parts({"0030": Estimate(0.1, NAN, NAN, 3, NAN, 3)}).sentence == (
        "No range has enough trading days for an interval yet."
    )
    assert describe_parts({"0030": estimate(0.0, 0.1)}).sentence == (
        "None of 1 range can be told from the martingale; the fewest events are 120, worth 120 independent ones."
    )


def test_a_finer_error_that_rejects_is_not_hidden_by_bins_that_pass():
    bins = Reliability((bin_of(0.27, 0.18), bin_of(0.74, 0.82)), 0.085, 756, 126)
    said = describe_calibration(bins, CalibrationError(0.063, 0.033, 0.051, 756, 126))
    assert said.state == "bad"
    assert said.sentence == (
        "These 2 groups pass (a right forecaster is as far off in 8 % of draws), but in finer ones the error is 6.3 "
        "points, where 95 % of right forecasters show less than 5.1: forecasts are too timid at both ends."
    )


def test_bins_that_reject_say_so_and_in_which_direction():
    bins = Reliability((bin_of(0.2, 0.3), bin_of(0.8, 0.6)), 0.004, 300, 60)
    said = describe_calibration(bins, CalibrationError(0.2, 0.03, 0.05, 300, 60))
    assert said.state == "bad"
    assert said.sentence.endswith("would be chance: forecasts are too bold at both ends.")


def test_what_chance_explains_is_left_to_the_bins():
    bins = Reliability((bin_of(0.3, 0.31), bin_of(0.7, 0.69)), 0.7, 300, 60)
    said = describe_calibration(bins, CalibrationError(0.03, 0.03, 0.05, 300, 60))
    assert said.state == "good"
    assert said.sentence.startswith("Reliable: ")


@pytest.mark.parametrize(
    ("value", "state", "end"),
    [
        (0.3, "good", ": they earned."),
        (-0.3, "bad", ": they lost."),
        (0.05, "cannot tell", ": not to be told from nothing; about 360 further days at the present value."),
    ],
)
def test_trades_taken_earned_lost_or_cannot_be_told(value: float, state: str, end: str):
    said = describe_taken(estimate(value, 0.1), 200)
    assert said.state == state
    assert said.sentence.startswith(
        f"With the advice 120 of 200 breaks are taken, at {value:+.3f} R each after costs ("
    )
    assert said.sentence.endswith(end)


def test_too_few_days_give_no_verdict_on_trades_or_help():
    few = Estimate(0.5, NAN, NAN, 4, NAN, 2)
    assert describe_taken(few, 6).sentence == (
        "With the advice 4 of 6 breaks are taken. Net R a trade +0.500: an interval takes at least 3 further days; so "
        "far there are 4 events on 2 days."
    )
    assert describe_help(few, 3, -1.0, 1.0).state == "cannot tell"


@pytest.mark.parametrize(("value", "state", "end"), [(0.3, "good", "it helped."), (-0.3, "bad", "it hurt.")])
def test_help_is_the_difference_to_taking_every_break(value: float, state: str, end: str):
    said = describe_help(estimate(value, 0.1), 80, -20.0, -20.0 + 120 * value)
    assert said.state == state
    assert said.sentence.startswith("Taking every one of 120 breaks came to -20.0 R after costs, taking the 80 that")
    assert said.sentence.endswith(end)
