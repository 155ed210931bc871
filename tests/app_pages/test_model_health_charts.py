"""Charts as Vega-Lite: what they draw, from which numbers, and that a state is never a colour alone."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from app_pages.charts import coverage_chart, ranges_chart, reliability_chart, rolling_chart, worth_chart
from app_pages.theme import DARK, LIGHT, Mode, styled, tokens
from ml_models.intervals import Estimate
from ml_monitoring.calibration_monitor import calibration
from ml_monitoring.judged import judged_of
from ml_monitoring.performance_monitor import rolling_skill, worth
from tests.ml_monitoring.journal_tables import UP, WRONG, journal, on_days

JUDGED = judged_of(journal(*on_days(45, replace(UP, base=0.55), replace(WRONG, orb="1000", base=0.4))))
RANGES = {
    "0030": Estimate(-0.03, -0.05, -0.01, 120, 110.0, 120),
    "0900": Estimate(0.0, -0.02, 0.02, 120, 120.0, 120),
    "1000": Estimate(0.03, 0.01, 0.05, 120, 120.0, 120),
}


def rows_with(spec: dict[str, Any], column: str) -> list[dict[str, Any]]:
    (rows,) = [rows for rows in spec["datasets"].values() if column in rows[0]]
    return list(rows)


def test_the_rolling_chart_has_a_value_and_a_band_for_each_window_and_the_zero_line():
    rolling = rolling_skill(JUDGED)
    spec = rolling_chart(rolling, DARK).to_dict()
    rows = rows_with(spec, "low")
    assert [row["value"] for row in rows] == rolling.value.tolist()
    assert rows[0]["day"].startswith("2025-02-09T00:00:00")  # the fortieth day, at midnight UTC
    assert rows_with(spec, "zero") == [{"zero": 0.0, "who": "the martingale"}]
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["area", "rule", "line", "point"]


def test_days_are_drawn_on_a_utc_scale_so_that_no_browser_moves_them():
    spec = rolling_chart(rolling_skill(JUDGED), DARK).to_dict()
    assert {layer["encoding"]["x"]["scale"]["type"] for layer in spec["layer"] if "x" in layer["encoding"]} == {"utc"}


def test_the_reliability_chart_draws_groups_intervals_and_the_band_of_a_right_forecaster():
    found = calibration(JUDGED)
    assert found is not None
    rows = rows_with(reliability_chart(found.bins, DARK).to_dict(), "band_low")
    assert [row["called"] for row in rows] == [group.mean_forecast for group in found.bins.bins]
    assert [row["n"] for row in rows] == [group.observed.n for group in found.bins.bins]
    assert all(0 <= row["band_low"] <= row["band_high"] <= 1 for row in rows)


def test_ranges_stand_in_the_days_order_and_their_state_is_a_shape_and_a_word():
    spec = ranges_chart(RANGES, ["0900", "1000", "0030"], DARK).to_dict()
    rows = rows_with(spec, "range")
    assert [(row["range"], row["state"], row["n"]) for row in rows] == [
        ("09:00", "cannot tell", "120 (120)"),
        ("10:00", "better", "120 (120)"),
        ("00:30", "worse", "120 (110)"),
    ]
    (points,) = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
    assert points["encoding"]["shape"]["scale"]["range"] == ["triangle-up", "cross", "circle"]


def test_a_range_without_forecasts_has_no_row():
    assert len(rows_with(ranges_chart(RANGES, ["0900", "1100"], DARK).to_dict(), "range")) == 1


def test_the_worth_chart_adds_up_both_rules():
    found = worth(JUDGED)
    assert found is not None
    rows = rows_with(worth_chart(found, DARK).to_dict(), "rule")
    assert [row["r"] for row in rows if row["rule"] == "every break"] == found.plain.tolist()
    assert [row["r"] for row in rows if row["rule"] == "with the advice"] == found.advised.tolist()


def test_coverage_below_95_percent_is_written_out_and_empty_expectations_are_left_out():
    columns = ["month", "session", "bars", "expected", "sessions", "empty"]
    january, february = pd.Timestamp("2025-01-01").date(), pd.Timestamp("2025-02-01").date()
    coverage = pd.DataFrame(
        [(january, "asia", 94, 100, 1, 0), (february, "asia", 96, 100, 1, 0), (february, "ny", 0, 0, 0, 0)],
        columns=columns,
    )
    rows = rows_with(coverage_chart(coverage, {"asia": "Asia", "ny": "New York"}, DARK).to_dict(), "share")
    assert [(row["when"], row["name"], row["share"], row["written"]) for row in rows] == [
        ("Jan 25", "Asia", 0.94, "94"),
        ("Feb 25", "Asia", 0.96, ""),
    ]


@pytest.mark.parametrize(("mode", "colour"), [("dark", DARK), ("light", LIGHT)])
def test_charts_wear_the_colours_of_the_mode(mode: Mode, colour: Any):
    spec = styled(ranges_chart(RANGES, ["0900"], tokens(mode)), mode).to_dict()
    (points,) = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
    assert points["encoding"]["color"]["scale"]["range"] == [colour.good, colour.bad, colour.muted]
    assert spec["config"]["axis"]["labelColor"] == colour.muted
