from dataclasses import replace

from app_pages.price_chart import Mark, RangeBox, TradeZone, View
from app_pages.today_scene import day_scene, gathered
from tests.app_pages.today_values import BARS, BRISBANE, OPEN, STOPPED, WAITING, at, today

START = 1_741_042_800  # 23:00 on the Brisbane clock, counted as if it were UTC


def test_bars_are_gathered_on_the_wall_clock_and_the_last_is_what_it_is_so_far():
    assert gathered(BARS, 5, BRISBANE).to_pylist() == [
        {"time": START, "open": 2886.0, "high": 2887.0, "low": 2884.0, "close": 2884.5, "volume": 30.0},
        {"time": START + 300, "open": 2884.5, "high": 2884.6, "low": 2883.0, "close": 2883.5, "volume": 30.0},
        {"time": START + 900, "open": 2882.9, "high": 2883.1, "low": 2882.4, "close": 2882.8, "volume": 40.0},
    ]


def test_one_minute_bars_stay_as_they_are():
    one = gathered(BARS, 1, BRISBANE)
    assert one["time"].to_pylist() == [START, START + 60, START + 360, START + 1_140]
    assert one["close"].equals(BARS["close"])


def test_no_bars_are_no_bars():
    assert gathered(BARS.slice(0, 0), 5, BRISBANE).num_rows == 0


def test_the_scene_holds_the_ranges_trades_and_breaks_that_are_known():
    scene = day_scene(today(), BRISBANE, 1, "2300", {"2300": 0.451, "1000": 0.73}, "blue_orange")
    assert scene.ranges[1] == RangeBox(
        name="2300",
        start=START,
        formed=START + 300,
        end=START + 360,
        high=2887.0,
        low=2884.0,
        label="23:00",
        note="▼55%",
        note_tone="down",
        selected=True,
    )
    assert (scene.ranges[0].note, scene.ranges[0].note_tone, scene.ranges[0].selected) == ("▲73%", "up", False)
    assert scene.trades[1] == TradeZone(
        start=START + 420,
        end=None,
        entry=2883.5,
        stop=2887.0,
        target=2880.0,
        entry_label="Entry 2,883.5",
        stop_label="Stop 2,887.0 −1R",
        target_label="Target 2,880.0 +1R",
        result_tone="down",
        selected=True,
    )
    assert (scene.trades[0].exit_price, scene.trades[0].result_label) == (2882.5, "−1.09R")
    assert scene.marks == (Mark(START - 46_440, "down"), Mark(START + 360, "down"))
    assert [one.name for one in scene.sessions] == ["London", "Pre New York"]
    assert scene.view_key == "MGCJ5 2025-03-03 1m 2300 AEST"


def test_the_first_view_reaches_from_before_the_range_to_beyond_the_open_trade():
    scene = day_scene(today(), BRISBANE, 1, "2300", {}, "blue_orange")
    assert scene.views == (
        View("Range", START - 7_200, START + 3_000),
        View("Day", START - 50_400, START + 3_000),
    )
    assert day_scene(today(), BRISBANE, 5, "1000", {}, "blue_orange").views[0].end == START - 46_800 + 15_000


def test_a_range_without_a_break_is_drawn_until_now_and_without_bars_not_at_all():
    unbroken = replace(OPEN, state="ready", side=None, broke_at=None, entry=None, r_now=None)
    scene = day_scene(today(STOPPED, unbroken, WAITING), BRISBANE, 1, "0030", {}, "blue_orange")
    assert [one.name for one in scene.ranges] == ["1000", "2300"]
    assert scene.ranges[1].end == START + 1_200
    assert [one.entry for one in scene.trades] == [2878.6]


def test_a_range_that_forms_is_drawn_as_far_as_it_has_formed():
    forming = replace(OPEN, state="forming", side=None, broke_at=None, entry=None, r_now=None, bars=2)
    [box] = day_scene(today(forming, through=at("13:02")), BRISBANE, 1, "2300", {}, "green_red").ranges
    assert (box.state, box.formed) == ("forming", START + 120)
