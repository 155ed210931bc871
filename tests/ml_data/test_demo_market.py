from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest

from ml_data.demo_activity import daily_activity
from ml_data.demo_contracts import contract_shares
from ml_data.demo_market import demo_bars
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument, read_instrument
from trading.errors import BadSettings

INSTRUMENTS = Path(__file__).resolve().parents[2] / "config" / "instruments"
FIRST, LAST, SEED = date(2023, 7, 3), date(2024, 12, 31), 20
NEW_YORK, BRISBANE = ZoneInfo("America/New_York"), ZoneInfo("Australia/Brisbane")
Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def demo() -> Instrument:
    return read_instrument(INSTRUMENTS / "DEMO.toml")


@pytest.fixture(scope="module")
def table(demo: Instrument) -> pa.Table:
    return pa.concat_tables(demo_bars(demo, FIRST, LAST, SEED))


@pytest.fixture(scope="module")
def bars(table: pa.Table) -> pd.DataFrame:
    """Every bar, in ticks, with its wall clocks and the date of its exchange session."""
    frame = table.to_pandas()
    for price in ("open", "high", "low", "close"):
        frame[price] = (frame[price] * 10).round().astype("int64")
    frame["new_york"] = frame.ts.dt.tz_convert(NEW_YORK).dt.tz_localize(None)
    frame["brisbane"] = frame.ts.dt.tz_convert(BRISBANE).dt.tz_localize(None)
    frame["session"] = (frame.new_york + timedelta(hours=6)).dt.normalize()
    return frame


@pytest.fixture(scope="module")
def leading(bars: pd.DataFrame) -> pd.DataFrame:
    """The bars of each session's busiest contract; volume never looks at the sign of a move, so nothing is selected."""
    volume = bars.groupby(["session", "contract"]).volume.sum().unstack(fill_value=0.0)
    busiest = volume.idxmax(axis=1)
    return bars[bars.contract == bars.session.map(busiest)].reset_index(drop=True)


def test_the_tables_are_one_a_month_in_the_schema_of_bars_sorted_and_unique(demo: Instrument, table: pa.Table):
    months = list(demo_bars(demo, date(2024, 3, 28), date(2024, 5, 1), SEED))
    assert [month.schema for month in months] == [BARS, BARS, BARS]
    assert [month.column("ts")[0].as_py().isoformat() for month in months] == [
        "2024-03-27T22:00:00+00:00",
        "2024-03-31T22:00:00+00:00",
        "2024-04-30T22:00:00+00:00",
    ]
    keys = table.select(["ts", "contract"]).to_pandas()
    assert not keys.duplicated().any()
    assert keys.equals(keys.sort_values(["ts", "contract"], ignore_index=True))
    assert all(column.null_count == 0 for column in table.columns)


def test_the_same_seed_gives_the_same_bars_and_a_later_last_day_only_appends(demo: Instrument, table: pa.Table):
    again = pa.concat_tables(demo_bars(demo, FIRST, date(2023, 8, 16), SEED))
    assert again.equals(table.slice(0, again.num_rows))
    other = pa.concat_tables(demo_bars(demo, FIRST, date(2023, 8, 16), SEED + 1))
    assert not other.equals(again)


def test_a_day_is_as_busy_whatever_day_the_history_begins_with():
    days = np.arange("2024-01-01", "2024-01-20", dtype="datetime64[D]")
    weekdays = days[np.is_busday(days)]
    assert daily_activity(weekdays[7:], SEED).tolist() == daily_activity(weekdays, SEED)[7:].tolist()


def test_a_window_without_a_session_gives_no_table(demo: Instrument):
    assert list(demo_bars(demo, date(2024, 12, 25), date(2024, 12, 25), SEED)) == []


def test_bars_are_never_invented_for_a_real_instrument():
    mgc = read_instrument(INSTRUMENTS / "MGC.toml")
    with pytest.raises(BadSettings, match=r"MGC: demo bars .* synthetic = false, a contract rule\. Use DEMO\."):
        demo_bars(mgc, FIRST, LAST, SEED)


def test_the_market_opens_at_18_new_york_which_is_8_or_9_in_brisbane(leading: pd.DataFrame):
    first = leading.groupby("session").first()
    assert first.new_york.dt.hour.eq(18).all()
    assert first.loc["2024-01-16"].brisbane.hour == 9
    assert first.loc["2024-03-08"].brisbane.hour == 9
    assert first.loc["2024-03-11"].brisbane.hour == 8
    assert first.loc["2024-11-04"].brisbane.hour == 9


def test_closed_hours_weekends_and_holidays_are_empty(bars: pd.DataFrame):
    clock = bars.new_york
    assert not clock.dt.hour.eq(17).any()
    assert not clock.dt.day_of_week.eq(5).any()
    assert not (clock.dt.day_of_week.eq(4) & clock.dt.hour.ge(17)).any()
    assert not (clock.dt.day_of_week.eq(6) & clock.dt.hour.lt(18)).any()
    closed = {"2023-12-25", "2024-01-01", "2024-03-29", "2024-12-25"}
    sessions = set(bars.session.dt.strftime("%Y-%m-%d"))
    assert not sessions & closed
    assert len(sessions) == 388  # weekdays of the eighteen months, less the four holidays


@pytest.mark.parametrize("day", ["2023-11-23", "2023-11-24", "2024-07-04", "2024-11-29", "2024-12-24"])
def test_a_half_day_ends_at_13_new_york(leading: pd.DataFrame, day: str):
    half, plain = leading[leading.session == day], leading[leading.session == "2024-07-03"]
    assert pd.Timestamp(f"{day} 12:50") <= half.new_york.max() < pd.Timestamp(f"{day} 13:00")
    assert plain.new_york.max() >= pd.Timestamp("2024-07-03 16:50")


def test_bars_are_consistent_and_lie_on_the_tick_grid(table: pa.Table, bars: pd.DataFrame):
    assert (bars.high >= bars[["open", "close"]].max(axis=1)).all()
    assert (bars.low <= bars[["open", "close"]].min(axis=1)).all()
    assert (bars.low > 0).all()
    assert (bars.volume >= 1).all()
    assert (bars.volume == bars.volume.round()).all()
    assert (table.column("close").to_numpy() == bars.close.to_numpy() / 10).all()  # the nearest double to 2000.1


def test_the_price_starts_near_2000(leading: pd.DataFrame):
    assert abs(leading.open.iloc[0] - 20_000) < 20


def test_the_20_percent_rule_rolls_through_every_contract_once_and_each_roll_has_a_gap(bars: pd.DataFrame):
    days = (bars.ts + timedelta(hours=1)).dt.date  # a trading day starts at 23:00 UTC, 09:00 Brisbane
    volume = bars.groupby([days, "contract"]).volume.sum().unstack(fill_value=0.0)
    volume = volume[[day.weekday() < 5 for day in volume.index]]
    order = ["DEMOQ3", "DEMOZ3", "DEMOG4", "DEMOJ4", "DEMOM4", "DEMOQ4", "DEMOZ4", "DEMOG5"]
    current, rolls = 0, {}
    for yesterday, today in pairwise(volume.index):
        later = max(range(current + 1, len(order)), key=lambda k: volume.loc[yesterday, order[k]], default=current)
        theirs, ours = volume.loc[yesterday, order[later]], volume.loc[yesterday, order[current]]
        if later > current and theirs >= 0.2 * (theirs + ours):
            current = later
            rolls[order[current]] = today
    notices = {"DEMOZ3": date(2023, 7, 31), "DEMOG4": date(2023, 11, 30), "DEMOJ4": date(2024, 1, 31)}
    notices |= {"DEMOM4": date(2024, 3, 29), "DEMOQ4": date(2024, 5, 31), "DEMOZ4": date(2024, 7, 31)}
    notices |= {"DEMOG5": date(2024, 11, 29)}
    assert list(rolls) == order[1:]
    assert all(1 <= np.busday_count(rolls[name], notices[name]) <= 5 for name in notices)
    closes = bars.pivot(index="ts", columns="contract", values="close")
    gaps = [(closes[late] - closes[early]).median() for early, late in pairwise(order)]
    assert all(40 <= gap <= 120 for gap in gaps)


def test_two_contracts_are_alive_in_every_session_and_the_far_one_is_much_thinner(bars: pd.DataFrame):
    count = bars.groupby(["session", "contract"]).size().unstack(fill_value=0)
    count = count.drop(index=[pd.Timestamp(day) for day in ("2023-07-04", "2023-11-24", "2024-12-24")])
    ranked = np.sort(count.to_numpy(), axis=1)[:, ::-1]
    assert (ranked[:, 1] >= 30).all()
    plain = count.loc["2024-06-10":"2024-07-12"]
    assert plain["DEMOZ4"].median() < 0.6 * plain["DEMOQ4"].median()


def test_the_shares_of_the_contracts_add_up_and_move_in_the_days_before_the_first_notice():
    shares = {day: contract_shares(day, SEED) for day in (date(2024, 1, 22), date(2024, 1, 31))}
    assert all(of.sum() == pytest.approx(1.0) for _, of in shares.values())
    (before, early), (after, late) = shares.values()
    assert early[before.index(5 * 2024)] > 0.9  # G4
    assert late[after.index(5 * 2024 + 1)] > 0.9  # J4


def test_thin_minutes_are_missing_and_more_often_in_quiet_hours(leading: pd.DataFrame):
    per_hour = leading.groupby(leading.new_york.dt.hour).size() / (60 * leading.session.nunique())
    assert 0.99 < per_hour[9] <= 1.0
    assert 0.85 < per_hour[16] < per_hour[9]
    assert len(leading) < 1380 * leading.session.nunique() - 1000


def test_opening_ranges_have_the_sizes_that_make_costs_matter(leading: pd.DataFrame):
    medians = {}
    for name in ("09:00", "18:00", "23:00", "00:30"):
        starts = leading.brisbane.dt.normalize() + timedelta(hours=int(name[:2]), minutes=int(name[3:]))
        first_five = leading[(leading.brisbane >= starts) & (leading.brisbane < starts + timedelta(minutes=5))]
        days = first_five.groupby(starts)
        medians[name] = (days.high.max() - days.low.min()).median() / 10
    assert 0.5 < medians["09:00"] < medians["18:00"] < medians["23:00"] < medians["00:30"] < 5.0


def one_minute_returns(leading: pd.DataFrame) -> Floats:
    """Close to close over adjacent minutes of one session, in ticks; NaN elsewhere."""
    adjacent = (leading.ts.diff() == timedelta(minutes=1)) & (leading.session == leading.session.shift())
    return leading.close.diff().where(adjacent).to_numpy(dtype=float)


def thirty_minute_returns(leading: pd.DataFrame) -> Floats:
    """Close to close over adjacent half hours of one session, in ticks; NaN elsewhere."""
    last = leading.groupby([leading.session, leading.ts.dt.floor("30min")]).close.last().reset_index()
    adjacent = (last.ts.diff() == timedelta(minutes=30)) & (last.session == last.session.shift())
    return last.close.diff().where(adjacent).to_numpy(dtype=float)


def standard_errors_from_zero(products: Floats) -> float:
    """The sum of terms of mean zero in units of its own standard error; right whatever their variances are."""
    terms = products[~np.isnan(products)]
    return float(terms.sum() / np.sqrt((terms**2).sum()))


def test_volatility_clusters_and_has_its_hours(leading: pd.DataFrame):
    returns = pd.Series(one_minute_returns(leading))
    hour = leading.new_york.dt.hour
    by_hour = returns.groupby(hour).std()
    assert by_hour[9] > 1.8 * by_hour[4] > 1.8 * by_hour[23]  # New York, London, Asia at lunch
    within_the_hour = returns.abs() / returns.abs().groupby(hour).transform("mean")
    assert within_the_hour.autocorr(1) > 0.05
    assert within_the_hour.autocorr(20) > 0.05
    daily = np.log(returns.groupby(leading.session).std())
    assert daily.autocorr(1) > 0.4
    volume = np.log(leading.volume)
    assert volume.corr(returns.abs()) > 0.3


@pytest.mark.parametrize("returns_of", [one_minute_returns, thirty_minute_returns])
def test_returns_have_no_mean_and_no_memory(leading: pd.DataFrame, returns_of):
    returns = returns_of(leading)
    assert abs(standard_errors_from_zero(returns)) < 3
    for lag in range(1, 6):
        assert abs(standard_errors_from_zero(returns[lag:] * returns[:-lag])) < 3, f"lag {lag}"


def test_the_check_on_memory_would_see_a_bounce_of_one_tick_on_one_close_in_three(leading: pd.DataFrame):
    returns = one_minute_returns(leading)
    bounce = np.random.default_rng(0).choice([-1, 0, 0, 0, 0, 1], len(returns))
    bounced = returns + np.diff(bounce, prepend=0)
    assert standard_errors_from_zero(bounced[1:] * bounced[:-1]) < -3


def test_the_open_follows_the_close_before_it_and_bounces_neither_way(leading: pd.DataFrame):
    adjacent = ~np.isnan(one_minute_returns(leading))
    steps = (leading.open - leading.close.shift()).to_numpy(dtype=float)
    assert np.mean(np.abs(steps[adjacent]) <= 1) > 0.98
    assert np.abs(steps[adjacent]).max() <= 12
    before = (leading.close.shift() - leading.open.shift()).to_numpy(dtype=float)
    assert abs(standard_errors_from_zero(np.where(adjacent, steps, np.nan))) < 3
    assert abs(standard_errors_from_zero(np.where(adjacent, steps * before, np.nan))) < 3


def test_gaps_over_the_halt_and_the_weekend_have_no_side(leading: pd.DataFrame):
    opens = leading.groupby("session").first()
    closes = leading.groupby("session").last()
    same = (opens.contract == closes.contract.shift()).to_numpy()
    gaps = (opens.open - closes.close.shift()).to_numpy(dtype=float)[same]
    closed = (opens.ts - closes.ts.shift())[same]
    weekend = (closed > timedelta(hours=40)).to_numpy()
    assert abs(standard_errors_from_zero(gaps)) < 3
    assert 4 < gaps[~weekend].std() < 20 < gaps[weekend].std() < 100


@dataclass(frozen=True)
class Breakout:
    """What came of one opening range: its place of close (0 low, 1 high), its break and a plain RR 1 trade."""

    place: float
    up: bool
    drift: float  # ticks from the range's close to the break's close, in units of the range
    r_multiple: float


def breakouts(leading: pd.DataFrame, demo: Instrument) -> list[Breakout]:
    """Walk through every opening range by the rules, one bar at a time, until the halt."""
    found = []
    for _, session in leading.groupby("session"):
        clock = (session.brisbane.dt.hour * 60 + session.brisbane.dt.minute - 480) % 1440  # minutes after 08:00
        minute = clock.to_numpy()
        high, low, close = (session[name].tolist() for name in ("high", "low", "close"))
        for rule in demo.opening_ranges:
            starts = (rule.starts.hour * 60 + rule.starts.minute - 480) % 1440
            begin, end = np.searchsorted(minute, [starts, starts + rule.minutes])
            if end > begin and end < len(minute):
                breakout = follow(high, low, close, int(begin), int(end))
                found += [breakout] if breakout else []
    return found


def follow(high: list[int], low: list[int], close: list[int], begin: int, end: int) -> Breakout | None:
    top, bottom, last = max(high[begin:end]), min(low[begin:end]), close[end - 1]
    broke = next((bar for bar in range(end, len(close)) if not bottom <= close[bar] <= top), None)
    if broke is None or top == bottom:
        return None
    entry, up = close[broke], close[broke] > top
    side, risk = (1, entry - bottom) if up else (-1, top - entry)
    result = side * (close[-1] - entry) / risk
    for bar in range(broke + 1, len(close)):
        worst, best = (low[bar], high[bar]) if up else (high[bar], low[bar])
        if side * (worst - entry) <= -risk or side * (best - entry) >= risk:
            result = -1.0 if side * (worst - entry) <= -risk else 1.0
            break
    return Breakout((last - bottom) / (top - bottom), up, (entry - last) / (top - bottom), result)


@pytest.fixture(scope="module")
def outcomes(leading: pd.DataFrame, demo: Instrument) -> list[Breakout]:
    return breakouts(leading, demo)


def test_the_side_of_a_break_is_the_gamblers_ruin_and_nothing_more(outcomes: list[Breakout]):
    place = np.array([outcome.place for outcome in outcomes])
    up = np.array([outcome.up for outcome in outcomes])
    assert len(outcomes) > 2000
    drift = np.array([outcome.drift for outcome in outcomes])
    # A close overshoots the edge it breaks, so the odds are flatter than the place itself: (place + o) / (1 + 2 o),
    # where o, the mean overshoot in units of the range, is about a quarter.
    for low, odds in ((0.0, 0.22), (0.2, 0.37), (0.4, 0.50), (0.6, 0.63), (0.8, 0.78)):
        here = (place >= low) & (place <= low + 0.2)
        assert up[here].mean() == pytest.approx(odds, abs=0.07)
        assert abs(standard_errors_from_zero(drift[here])) < 3  # wherever it closed, the price goes nowhere on average
    assert 0.66 < np.mean((place > 0.5) == up) < 0.74


def test_a_plain_trade_with_its_target_as_far_as_its_stop_earns_nothing_before_costs(outcomes: list[Breakout]):
    results = np.array([outcome.r_multiple for outcome in outcomes])
    assert abs(standard_errors_from_zero(results)) < 3
    assert abs(results.mean()) < 0.06
    assert np.mean(results == 1.0) == pytest.approx(0.5, abs=0.05)
