import math
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from app_pages.clock import wall_clock
from app_pages.health_view import marked, nothing_stored, plain, score_frame, tiles, verdicts
from app_pages.health_window import (
    about,
    first_day,
    lateness,
    nothing_matured,
    of_version,
    replay_note,
    since,
    stored_by_week,
    usual_window,
    versions,
)
from ml_models.verdicts import Verdict
from ml_monitoring.judged import Counts
from ml_monitoring.report import HealthReport, health_of
from tests.app_pages.small_home import MGC
from tests.ml_monitoring.journal_tables import PENDING, UP, WRONG, Row, journal, on_days

NOON = datetime(2025, 6, 4, 2, 0, tzinfo=UTC)  # Wednesday 12:00 Brisbane
WALL = wall_clock("range", MGC, None, NOON)


def report(*rows: Row) -> HealthReport:
    return health_of(journal(*rows), instrument="MGC", model="directional-MGC")


@pytest.mark.parametrize(
    ("window", "first"),
    [("30d", date(2025, 4, 24)), ("90d", date(2025, 1, 30)), ("1y", date(2024, 6, 6)), ("all", None)],
)
def test_a_window_reaches_back_by_weekdays_and_the_clocks_day_counts(window: str, first: date | None):
    assert first_day(MGC, NOON, window) == first


def test_before_nine_in_brisbane_the_trading_day_is_still_yesterdays():
    assert first_day(MGC, datetime(2025, 6, 3, 22, 59, tzinfo=UTC), "30d") == date(2025, 4, 23)


def test_the_page_opens_with_90_days_or_with_all_where_these_hold_nothing():
    assert usual_window(MGC, NOON, journal(Row(day="2025-01-30"))) == "90d"
    assert usual_window(MGC, NOON, journal(Row(day="2025-01-29"))) == "all"


def test_rows_are_chosen_by_day_and_by_version():
    rows = journal(Row(day="2025-01-02"), Row(day="2025-01-03", version="v_20250103_000000-bbbbb"))
    assert since(rows, date(2025, 1, 3)).num_rows == 1
    assert since(rows, None).num_rows == 2
    assert versions(rows) == ("v_20250103_000000-bbbbb", "v_20250101_000000-aaaaa")
    assert of_version(rows, "v_20250101_000000-aaaaa")["trading_day"].to_pylist() == [date(2025, 1, 2)]


def test_weeks_begin_on_monday_and_one_without_forecasts_counts_zero():
    rows = journal(Row(day="2025-01-05"), Row(day="2025-01-06"), Row(day="2025-01-12"), Row(day="2025-01-20"))
    assert stored_by_week(rows, None) == (1, 2, 0, 1)  # Sunday; Monday and the Sunday after it; nothing; Monday
    assert stored_by_week(rows, date(2025, 2, 1)) == ()


@pytest.mark.parametrize(
    ("replayed", "said"),
    [
        (4, "all replayed (asked of stored bars afterwards)"),
        (0, "all made live"),
        (1, "1 replayed (asked of stored bars afterwards), 3 live"),
    ],
)
def test_replayed_forecasts_are_called_that(replayed: int, said: str):
    assert replay_note(Counts(4, 4, 0, 0, 0, replayed)) == said


def test_the_page_says_what_it_is_about_and_as_of_when():
    rows = journal(*on_days(2, replace(UP, replayed=True)))
    assert about(rows, "directional-MGC", None, NOON, WALL) == (
        "directional-MGC · v_20250101_000000-aaaaa · 1 Jan 2025 to 2 Jan 2025, 2 trading days · 2 forecasts, all "
        "replayed (asked of stored bars afterwards) · as it stood Wed 4 Jun 12:00 Brisbane"
    )
    assert about(journal(), "directional-MGC", None, None, WALL) == "directional-MGC"


def test_forecasts_that_stopped_and_outcomes_nobody_settles_are_told():
    assert lateness(journal(Row(day="2025-06-03")), NOON, WALL) is None
    stopped = lateness(journal(Row(day="2025-05-28")), NOON, WALL)
    assert stopped is not None
    assert stopped[0] == "No new forecasts"
    assert stopped[1].startswith(
        "The newest was made Wed 28 May 19:05 Brisbane 2025, 6 days ago: all figures are frozen"
    )
    waits = lateness(journal(replace(PENDING, day="2025-05-20"), Row(day="2025-06-03")), NOON, WALL)
    assert waits == (
        "Outcomes are not settled",
        "1 forecast without an outcome after 5 days. Settle them: `hub settle`.",
    )


def test_what_waits_is_counted_beside_what_never_matures():
    assert nothing_matured(Counts(6, 0, 3, 2, 1, 0)).startswith(
        "3 forecasts without an outcome yet (2 void and 1 refused beside them)."
    )


def test_numbers_have_real_minus_signs_and_names_keep_their_hyphens():
    assert plain("-0.01 to -0.02 in [-1.0], directional-MGC v_2025-0a1b2, full-rr1, 2025-01-02") == (
        "−0.01 to −0.02 in [−1.0], directional-MGC v_2025-0a1b2, full-rr1, 2025-01-02"
    )


@pytest.mark.parametrize(
    ("verdict", "line"),
    [
        (Verdict("good", "Better: +1."), ":green[**✓**] Better: +1."),
        (Verdict("bad", "Worse: -1."), ":red[**✕**] Worse: −1."),
        (Verdict("cannot tell", "Who knows."), ":gray[**…**] Who knows."),
    ],
)
def test_a_verdict_is_a_shape_and_a_sentence_and_the_colour_repeats_it(verdict: Verdict, line: str):
    assert marked(verdict) == line


def test_a_card_without_a_verdict_says_that_nothing_can_be_judged():
    assert marked(None).startswith("… Nothing can be judged yet")


def test_tiles_say_value_verdict_interval_and_what_it_lies_on():
    found = tiles(report(*on_days(45, replace(UP, base=0.9), replace(WRONG, orb="1000", base=0.1))), (10, 10))
    assert [tile.label for tile in found] == [
        "Skill over the martingale",
        "Brier skill over the martingale",
        "Calibration error",
        "Forecasts stored",
        "Net R a trade, with advice",
    ]
    skill, _, calibration, stored, net = found
    assert (skill.value, skill.chip, skill.tone) == ("−0.6082 nats", "✕ worse", "red")
    assert (skill.interval, skill.evidence) == ("−0.6082 to −0.6082", "n 90, worth 90")
    assert len(skill.trend) == 6  # windows of 40 days that end on days 40 to 45
    assert calibration.value == "10.0 points"
    assert calibration.evidence.startswith("n 90 on 45 days; chance alone: ")
    assert (stored.value, stored.chip, stored.trend) == ("90", "90 matured", (10.0, 10.0))
    assert (net.value, net.chip, net.evidence) == ("+0.900 R", "✓ earned", "n 45, worth 45")


def test_the_harder_baseline_is_named_so_that_nothing_flatters():
    found = tiles(report(*on_days(10, replace(UP, base=0.5))), ())
    assert found[0].label == "Skill over the majority"


def test_without_an_interval_a_tile_cannot_tell():
    skill = tiles(report(*on_days(2, UP)), ())[0]
    assert (skill.chip, skill.interval, skill.evidence) == ("… cannot tell", "", "n 2, worth ?")


def test_without_a_matured_forecast_only_the_stored_ones_are_told():
    assert [tile.label for tile in tiles(report(PENDING), (1,))] == ["Forecasts stored"]


def test_the_score_table_has_every_score_with_interval_baselines_and_both_counts():
    found = report(*on_days(6, UP, replace(WRONG, orb="1000", base=0.2)))
    assert found.performance is not None
    table = score_frame(found.performance)
    assert table.columns.tolist() == ["Score", "Model", "Martingale", "Majority", "95 % interval", "n", "worth"]
    assert table["Score"].tolist()[:4] == [
        "Log loss, nats (less is better)",
        "Brier score (less is better)",
        "AUC",
        "Accuracy",
    ]
    accuracy = table.iloc[3]
    assert (accuracy["Model"], accuracy["n"]) == (0.5, 12)
    assert np.isnan(table[table["Score"] == "Precision, DOWN"]["Model"].iloc[0])  # never called


def test_every_card_has_its_verdict_with_the_ranges_named_by_their_time():
    found = verdicts(report(*on_days(8, replace(UP, base=0.5))), ("0900", "1000"))
    parts = {"weekdays", "confidence", "regime"}
    assert set(found) == {"rolling", "reliability", "ranges", "scores", "worth", "expected"} | parts
    assert found["ranges"] == Verdict(
        "good",
        "Better than the martingale in 09:00 (+0.1823). With 1 range tested at 95 %, at least 1 stands out by chance "
        "in 5 % of reports.",
    )
    assert all(verdict is None for verdict in verdicts(report(PENDING), ("0900",)).values())


def test_an_empty_journal_names_the_command_that_fits():
    assert "`hub train directional --instrument MGC`" in nothing_stored([], "directional-MGC", MGC)
    assert nothing_stored(["directional-MGC"], "directional-MGC", MGC) == (
        "directional-MGC is published but has not been asked yet: `hub shadow --replay FROM TO --instrument MGC`. Then "
        "load this page again."
    )


def test_no_tile_shows_a_number_that_is_none():
    for tile in tiles(report(*on_days(2, replace(WRONG, r_net=math.nan))), ()):
        assert "nan" not in f"{tile.value}{tile.interval}{tile.evidence}"
