"""Which clock bars show: found on every clock that is tried, or honestly left open, and told with numbers."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from ml_data.clock_counts import CLOCKS, NaiveBars
from ml_data.clock_evidence import ClockEvidence, weigh_clocks
from ml_data.clock_words import evidence_lines, why_unknown
from ml_data.demo_market import demo_bars
from tests.ml_data.clock_bars import NEW_YORK, as_shown, minute, of_day, open_minutes, shipped, shown

DEMO, ES, EURUSD, BTC, QQQ = (shipped(symbol) for symbol in ("DEMO", "ES", "EURUSD", "BTCUSDT", "QQQ"))
WINTER = ("2024-02-04T23:00", "2024-02-23T22:00")
SPRING = ("2024-02-18T23:00", "2024-04-12T21:00")  # New York changes on March 10th, London and Berlin on the 31st


@pytest.fixture(scope="module")
def demo() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Minutes with bars of the demo market in spring, UTC, and their volume."""
    table = pa.concat_tables(demo_bars(DEMO, date(2024, 2, 19), date(2024, 4, 12), 7))
    minutes, place = np.unique(table.column("ts").cast(pa.int64()).to_numpy() // 60_000_000, return_inverse=True)
    return minutes, np.bincount(place, table.column("volume").to_numpy())


def read(evidence: ClockEvidence) -> set[str]:
    return {evidence.best.clock, *evidence.best.alike}


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_clock_is_recovered_from_a_spring_of_the_demo_market(demo, clock: str):
    minutes, volume = demo
    evidence = weigh_clocks(as_shown(minutes, clock, volume), DEMO)
    assert (evidence.verdict, evidence.best.clock, evidence.best.wrong) == ("certain", evidence.best.clock, 0)
    assert clock in read(evidence)
    assert all(candidate.contradicted for candidate in evidence.candidates[1:])


@pytest.mark.parametrize(
    ("clock", "same"),
    [
        (NEW_YORK, {NEW_YORK, "UTC-5", "Europe/London-5h"}),
        ("America/Chicago", {"America/Chicago", "UTC-6"}),
        ("UTC", {"UTC", "Europe/London"}),
        ("Europe/Athens", {"Europe/Athens", "America/New_York+7h", "UTC+2"}),
        ("Asia/Tokyo", {"Asia/Tokyo", "UTC+9"}),
        ("Australia/Sydney", {"Australia/Sydney", "UTC+11"}),
    ],
)
def test_clocks_that_read_a_winter_alike_are_named_as_the_same(clock: str, same: set[str]):
    evidence = weigh_clocks(as_shown(open_minutes(ES, *WINTER), clock), ES)
    assert evidence.verdict == "certain"
    assert read(evidence) == same
    assert evidence_lines(evidence, ES)[-1].endswith("are the same in this span")


@pytest.mark.parametrize(
    ("clock", "nearest", "bars"),
    [
        # March 11th to 28th: 11 halts and the beginnings of 3 weekends, an hour each
        (NEW_YORK, "Europe/London-5h", 840),
        ("America/New_York+7h", "Europe/Athens", 840),
        # April 1st to 12th: 8 halts and 2 weekends
        ("Europe/London-5h", "UTC-5", 600),
        ("UTC-5", "Europe/London-5h", 600),
    ],
)
def test_rules_of_daylight_saving_are_told_apart_by_the_weeks_in_which_they_differ(clock: str, nearest: str, bars: int):
    evidence = weigh_clocks(as_shown(open_minutes(ES, *SPRING), clock), ES)
    assert (evidence.verdict, read(evidence)) == ("certain", {clock})
    rival = min(evidence.candidates[1:], key=lambda candidate: candidate.against)
    assert (rival.clock, rival.against, rival.best_there) == (nearest, bars, 0)


def test_the_evidence_is_told_in_numbers():
    evidence = weigh_clocks(as_shown(open_minutes(ES, *SPRING), NEW_YORK), ES)
    # 8 weeks of 115 hours, without Good Friday's session and 4 hours of Presidents' Day; 30 halts stand alone
    assert evidence_lines(evidence, ES) == (
        "0 of 53,580 bars fall into the daily halt 17:00-18:00 New York; read as UTC 1,800 would",
        "the nearest of 36 other readings, Europe/London-5h, has 15 closures elsewhere and puts 840 bars into them, "
        "America/New_York 0",
        "bars stop and go on with 38 of 38 closures of the schedule",
    )


def test_bars_stamped_at_their_end_are_on_the_same_clock():
    evidence = weigh_clocks(as_shown(open_minutes(ES, *SPRING) + 1, NEW_YORK), ES)
    assert (evidence.verdict, read(evidence)) == ("certain", {NEW_YORK})
    assert evidence.best.in_halt == 30


def test_two_hours_fit_many_clocks():
    evidence = weigh_clocks(as_shown(open_minutes(ES, "2024-02-06T12:00", "2024-02-06T14:00"), "UTC"), ES)
    assert evidence.verdict == "cannot tell"
    assert len(evidence.open_clocks) > 20
    assert why_unknown(evidence, ES) == (
        "120 bars fit America/New_York, UTC, America/Chicago and 22 more alike; name the right one, for example "
        "with --time-zone 'America/New_York', or bring a longer file"
    )


def test_one_halt_makes_a_clock_likely_and_two_certain():
    first = weigh_clocks(as_shown(open_minutes(ES, "2024-02-06T02:00", "2024-02-07T04:00"), "UTC"), ES)
    assert first.verdict == "likely"
    assert evidence_lines(first, ES)[-1] == ("likely, not certain: bars stop and go on with fewer than two closures")
    second = open_minutes(ES, "2024-02-06T02:00", "2024-02-08T04:00")
    assert weigh_clocks(as_shown(second, "UTC"), ES).verdict == "certain"


@pytest.mark.parametrize("clock", [NEW_YORK, "UTC", "Australia/Brisbane", "America/New_York+7h"])
def test_thin_trading_tells_the_clock_too(demo, clock: str):
    minutes, volume = demo
    kept = np.random.default_rng(1).random(len(minutes)) < 0.05
    evidence = weigh_clocks(as_shown(minutes[kept], clock, volume[kept]), DEMO)
    assert (evidence.verdict, clock in read(evidence)) == ("certain", True)


@pytest.mark.parametrize("clock", [NEW_YORK, "UTC", "Europe/Berlin", "America/Chicago"])
def test_a_future_in_the_hours_of_stocks_is_told_by_the_cash_open_so_it_is_only_likely(demo, clock: str):
    minutes, volume = demo
    kept = (of_day(minutes) >= 9 * 60 + 30) & (of_day(minutes) < 16 * 60)
    evidence = weigh_clocks(as_shown(minutes[kept], clock, volume[kept]), DEMO)
    assert (evidence.verdict, clock in read(evidence)) == ("likely", True)
    assert "put no more bars into closed hours; only when the market wakes" in evidence_lines(evidence, DEMO)[-1]


@pytest.mark.parametrize(
    ("clock", "other", "bars"),
    [
        (NEW_YORK, "UTC", 2040),
        ("Europe/London", "UTC", 120),  # the ends of the two weeks after March 31st
        ("UTC", NEW_YORK, 2100),
        ("Europe/Athens", "UTC", 1080),
    ],
)
def test_a_currency_is_told_by_its_weekends(clock: str, other: str, bars: int):
    evidence = weigh_clocks(as_shown(open_minutes(EURUSD, *SPRING), clock), EURUSD)
    assert (evidence.verdict, read(evidence)) == ("certain", {clock})
    assert evidence_lines(evidence, EURUSD)[0] == (
        f"0 of 57,540 bars lie outside the hours of FX; read as {other} {bars:,} would"
    )


def test_a_market_that_never_stops_is_told_by_the_cash_open_and_by_the_hour_that_a_clock_skips():
    minutes = np.arange(minute("2024-02-19"), minute("2024-04-15"))
    opens = (of_day(minutes) >= 9 * 60 + 30) & (of_day(minutes) < 10 * 60 + 30)
    evidence = weigh_clocks(as_shown(minutes, "UTC", np.where(opens, 5.0, 1.0)), BTC)
    assert (evidence.verdict, read(evidence)) == ("likely", {"UTC"})
    london = next(candidate for candidate in evidence.candidates if candidate.clock == "Europe/London")
    assert (london.impossible, london.contradicted) == (60, True)


def test_a_market_that_never_stops_and_never_wakes_does_not_tell():
    minutes = np.arange(minute("2024-02-19"), minute("2024-03-05"))
    evidence = weigh_clocks(as_shown(minutes, "UTC"), BTC)
    assert (evidence.verdict, len(evidence.open_clocks)) == ("cannot tell", len(evidence.candidates))


def test_stocks_with_their_early_and_late_hours_are_told_by_volume():
    minutes = np.arange(minute("2024-02-20"), minute("2024-04-13"))
    wall = of_day(minutes)
    traded = (
        (wall >= 4 * 60) & (wall < 20 * 60) & np.is_busday((shown(minutes, NEW_YORK) // 1440).astype("datetime64[D]"))
    )
    minutes, wall = minutes[traded], wall[traded]
    volume = np.where((wall >= 9 * 60 + 30) & (wall < 16 * 60), 20.0, 1.0)
    evidence = weigh_clocks(as_shown(minutes, "UTC", volume), QQQ)
    assert (evidence.verdict, read(evidence), evidence.by_volume) == ("likely", {"UTC"}, True)
    assert evidence_lines(evidence, QQQ) == (
        "9% of the volume lies outside the hours of XNYS; read as America/New_York 67% would",
        "the minutes from 09:30 New York are busier than those before on 39 of 39 days",
        "likely, not certain: bars are made outside the hours of the schedule too, so only their volume tells",
    )


def test_bars_of_another_market_fit_no_clock():
    every_minute = np.arange(minute("2024-02-05"), minute("2024-02-19"))
    evidence = weigh_clocks(NaiveBars(every_minute, np.ones(len(every_minute))), ES)
    assert evidence.verdict == "cannot tell"


def test_a_clock_that_changes_its_rule_within_a_file_is_found_with_the_days():
    before = as_shown(open_minutes(ES, "2018-01-02", "2018-12-29"), NEW_YORK)
    after = as_shown(open_minutes(ES, "2019-01-02", "2019-12-29"), "Europe/London-5h")
    evidence = weigh_clocks(
        NaiveBars(*(np.concatenate(pair) for pair in zip(vars(before).values(), vars(after).values(), strict=True))), ES
    )
    assert evidence.verdict == "cannot tell"
    assert why_unknown(evidence, ES) == (
        "the clock changes within the file: up to 2018-11-02 the bars fit America/New_York, from 2019-03-08 "
        "Europe/London-5h; split it there and import each part with its --time-zone"
    )


def test_one_early_close_that_was_not_one_is_no_change_of_the_clock():
    minutes = open_minutes(ES, "2024-11-04", "2024-11-30")
    extra = np.arange(minute("2024-11-29T18:00"), minute("2024-11-29T19:15"))
    evidence = weigh_clocks(as_shown(np.union1d(minutes, extra), NEW_YORK), ES)
    assert (evidence.verdict, evidence.change) == ("certain", None)


def test_a_clock_that_is_claimed_is_weighed_under_its_name():
    bars = as_shown(open_minutes(ES, *WINTER), NEW_YORK)
    evidence = weigh_clocks(bars, ES, claimed="America/Toronto")
    assert evidence.best.clock == "America/Toronto"
    assert "America/New_York" in evidence.best.alike
