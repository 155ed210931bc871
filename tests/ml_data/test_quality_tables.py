"""What is written down of a week of literal minutes: hours, silences and doubtful bars of each day's own contract."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest

from ml_data.bar_arrays import bar_arrays
from ml_data.history import build_history
from ml_data.quality_tables import quality_tables
from tests.ml_data.bar_files import at, mgc
from trading.domain.bar import BARS

FIRST = datetime(2024, 1, 7, 23, 0, tzinfo=UTC)  # Sunday 18:00 New York, Monday 09:00 Brisbane
MINUTE = timedelta(minutes=1)


def tables(
    days: int = 2,
    missing: tuple[tuple[str, str], ...] = (),
    changed: dict[str, dict[str, float]] | None = None,
    halved_from: str | None = None,
    volume: float = 10.0,
) -> dict[str, list[dict[str, object]]]:
    """The tables of `days` of micro gold at 2000 with every minute but those `missing`; `changed` bars by minute."""
    stamps = [FIRST + n * MINUTE for n in range(days * 1440) if (FIRST + n * MINUTE).hour != 22]
    stamps = [ts for ts in stamps if not any(at(since) <= ts < at(until) for since, until in missing)]
    rows = []
    for ts in stamps:
        price = 1000.0 if halved_from and ts >= at(halved_from) else 2000.0
        bar = {"open": price, "high": price + 0.1, "low": price - 0.1, "close": price, "volume": volume}
        rows.append({"contract": "MGCG4", "ts": ts} | bar | (changed or {}).get(f"{ts:%Y-%m-%d %H:%M}", {}))
    history = build_history(bar_arrays(pa.Table.from_pylist(rows, BARS), 0.1), mgc())
    return {name: table.to_pylist() for name, table in quality_tables(history).items()}


def test_each_hour_says_how_many_of_its_open_minutes_have_a_bar():
    hours = tables(missing=(("2024-01-08 03:10", "2024-01-08 03:15"),))["bar_hours"]
    monday = [row for row in hours if row["trading_day"] == date(2024, 1, 8)]
    assert len(monday) == 23
    assert monday[0] == {
        "instrument": "MGC",
        "trading_day": date(2024, 1, 8),
        "contract": "MGCG4",
        "starts_at": FIRST,
        "bars": 60,
        "expected_bars": 60,
        "volume": 600.0,
        "zero_volume": 0,
    }
    [thin] = [row for row in monday if row["bars"] != 60]
    assert (thin["starts_at"], thin["bars"]) == (at("2024-01-08 03:00"), 55)


@pytest.mark.parametrize(
    ("since", "until", "minutes", "at_edge"),
    [
        ("2024-01-08 03:10", "2024-01-08 03:14", 4, False),
        ("2024-01-08 03:10", "2024-01-08 05:10", 120, False),
        ("2024-01-08 21:30", "2024-01-08 23:00", 30, True),  # until the halt, which ends the day
    ],
)
def test_a_silence_counts_open_minutes(since: str, until: str, minutes: int, at_edge: bool):
    [found] = tables(missing=((since, until),))["bar_silences"]
    assert (found["starts_at"], found["ends_at"]) == (at(since), at(until))
    assert (found["minutes"], found["at_edge"], found["holiday"]) == (minutes, at_edge, None)


def test_three_minutes_are_no_silence():
    assert tables(missing=(("2024-01-08 03:10", "2024-01-08 03:13"),))["bar_silences"] == []


def test_a_day_without_any_bar_is_one_silence():
    found = tables(days=3, missing=(("2024-01-08 23:00", "2024-01-09 22:00"),))["bar_silences"]
    assert [(row["trading_day"], row["minutes"]) for row in found] == [(date(2024, 1, 9), 1380)]


def test_a_planted_tick_is_written_down_with_its_values():
    [doubt] = tables(changed={"2024-01-08 12:00": {"high": 2060.0}})["bar_doubts"]
    wanted = {"kind": "spike", "ts": at("2024-01-08 12:00"), "high": 2060.0, "low": 1999.9, "usual": 2000.0, "bars": 1}
    assert {name: doubt[name] for name in wanted} == wanted


def test_a_tick_in_the_last_minute_of_a_day_is_known_on_the_next():
    [doubt] = tables(changed={"2024-01-08 21:59": {"low": 1900.0}})["bar_doubts"]
    assert (doubt["trading_day"], doubt["ts"]) == (date(2024, 1, 9), at("2024-01-08 21:59"))


def test_a_split_between_two_days_is_written_down_once():
    [doubt] = tables(halved_from="2024-01-08 23:00")["bar_doubts"]
    assert (doubt["kind"], doubt["usual"], doubt["close"]) == ("jump", 2000.0, 1000.0)


def test_five_minute_bars_among_minutes_are_written_down_with_their_step():
    gaps = tuple(
        (f"2024-01-08 {hour:02}:{minute + 1:02}", f"2024-01-08 {hour:02}:{minute + 4:02}")
        for hour in (10, 11, 12)
        for minute in range(0, 60, 5)
    )
    sprinkled = tuple((since, f"{until[:-2]}{int(until[-2:]) + 1:02}") for since, until in gaps if until[-2:] != "59")
    last = tuple((since, f"{until[:-5]}{int(until[-5:-3]) + 1:02}:00") for since, until in gaps if until[-2:] == "59")
    [doubt] = tables(missing=sprinkled + last)["bar_doubts"]
    assert (doubt["kind"], doubt["step_minutes"], doubt["bars"]) == ("steps", 5, 37)
    assert (doubt["ts"], doubt["last_ts"]) == (at("2024-01-08 10:00"), at("2024-01-08 13:00"))


def test_bars_without_volume_are_counted():
    assert {row["zero_volume"] for row in tables(volume=0.0)["bar_hours"]} == {60}
