from dataclasses import replace
from datetime import timedelta

import pytest

from app_pages.clock import WallClock
from app_pages.panels.strip import Cell
from app_pages.today_view import RangeView, TodayView, within_limit
from app_pages.today_words import (
    age_sentence,
    deciding_range,
    decision,
    hole_sentence,
    opening_sentence,
    price,
    rule_note,
    strip_cells,
    table_rows,
)
from tests.app_pages.today_values import BRISBANE, OPEN, READY, STOPPED, WAITING, at, today
from trading.domain.trade_rule import REFERENCE_RULE, TradeRule

UTC_CLOCK = WallClock(0, "UTC", "UTC")


def cells(view: TodayView, wall: WallClock = BRISBANE, *, replay: bool = True, limit: float = 3.0) -> dict[str, Cell]:
    strip = strip_cells(within_limit(view, limit), wall, is_replay=replay, stale_minutes=3)
    return {cell.label: cell for cell in strip}


def test_the_strip_says_market_session_range_result_and_age():
    assert list(cells(today()).values()) == [
        Cell("MGCJ5 · Micro Gold", "2,882.8", note="▲ 15.7 (+0.55%)", note_tone="up", lead=True),
        Cell("Session", "Pre New York", "23:00–00:30 Brisbane"),
        Cell("Next range", "00:30", "Brisbane, in 1 h 10 min"),
        Cell("Day range", "22.7 pts", "0.48 of ATR(14)"),
        Cell("Today, net", "−1.09R", "0 won · 1 lost · 1 open", tone="down", note_tone="bad"),
        Cell("Data", "Replay", "last bar 23:19, 0 min old · no gaps", tone="good"),
    ]


def test_a_falling_price_has_its_own_sign_and_tone():
    lead = cells(today(previous_close=2900.0))["MGCJ5 · Micro Gold"]
    assert (lead.note, lead.note_tone) == ("▼ 17.2 (−0.59%)", "down")


def test_without_a_previous_close_there_is_no_change():
    assert cells(today(previous_close=None))["MGCJ5 · Micro Gold"].note == ""


def test_on_another_clock_the_next_range_tells_its_time_there():
    assert cells(today(), UTC_CLOCK)["Next range"] == Cell("Next range", "00:30", "14:30 UTC, in 1 h 10 min")


@pytest.mark.parametrize("clock", ["14:30", "14:32"])
def test_a_range_that_has_begun_and_has_no_bar_yet_is_opening_now(clock: str):
    view = today(STOPPED, WAITING, clock=at(clock), missed=2)
    assert decision(view, BRISBANE, 3) == ("WAIT", "Next range 00:30 Brisbane, opening now")
    assert decision(replace(view, clock=at("14:29")), BRISBANE, 3)[1].endswith("Brisbane, in 1 min")
    assert cells(today(clock=at("14:30")))["Next range"].sub == "Brisbane, opening now"


def test_a_range_days_ahead_tells_its_day():
    view = today(clock=at("00:00", 8), next_range=("0900", at("23:00", 9)), is_open=False)
    assert cells(view)["Next range"].sub == "Mon 10 Mar 09:00 AEST, in 1 d 23 h"
    assert cells(view)["Session"] == Cell("Session", "Closed", "the exchange is closed")


def test_a_loss_beyond_the_days_limit_is_named():
    cell = cells(today(), limit=1.0)["Today, net"]
    assert (cell.value, cell.note, cell.note_tone) == ("−1.09R", "day limit −1R", "bad")


def test_a_day_without_a_trade_has_no_result():
    assert cells(today(READY, WAITING))["Today, net"] == Cell("Today, net", "0R", "no trade yet")


@pytest.mark.parametrize(
    ("changes", "replay", "value", "tone", "sub"),
    [
        ({}, False, "Live", "good", "last bar 23:19, 0 min old · no gaps"),
        ({"silent": 17}, False, "Live", "good", "last bar 23:19, 0 min old · 17 of 860 min without a trade"),
        ({"is_open": False}, False, "Market closed", "good", "last bar 23:19, 0 min old · no gaps"),
        ({"clock": at("13:29"), "missed": 9}, False, "Behind", "warn", "last bar 23:19, 9 min old"),
        ({"clock": at("13:29"), "missed": 9}, True, "Replay, behind", "warn", "last bar 23:19, 9 min old"),
        (
            {"clock": at("13:20", 5), "missed": 2_760},
            True,
            "Replay, behind",
            "warn",
            "last bar Mon 3 Mar 23:19, 2 d 0 h old",
        ),
        (
            {"clock": at("13:20", 30), "missed": 9_999},
            False,
            "Behind",
            "warn",
            "last bar 3 Mar 2025 23:19, 27 days old",
        ),
    ],
)
def test_the_age_of_the_data_is_always_told(changes: dict[str, object], replay: bool, value: str, tone: str, sub: str):
    assert cells(today(**changes), replay=replay)["Data"] == Cell("Data", value, sub, tone=tone)  # type: ignore[arg-type]


FORMING = replace(WAITING, state="forming", starts_at=at("13:20"), ends_at=at("13:25"))


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        (
            (STOPPED, OPEN, WAITING),
            ("IN TRADE", "23:00 short from 2,883.5 · now +0.10R net · stop 2,887.0 · target 2,880.0"),
        ),
        (
            (replace(OPEN, name="0900", side="UP", broke_at=at("13:04")), OPEN),
            ("IN TRADE", "23:00 short from 2,883.5 · now +0.10R net · stop 2,887.0 · target 2,880.0 · 1 more open"),
        ),
        (
            (STOPPED, READY, WAITING),
            ("READY", "23:00 range complete: 2,884.0 to 2,887.0; the first close outside is the entry"),
        ),
        (
            (replace(READY, name="0900"), READY),
            ("READY", "23:00 range complete: 2,884.0 to 2,887.0; the first close outside is the entry (also 09:00)"),
        ),
        ((STOPPED, FORMING), ("WAIT", "The 00:30 range forms until 23:25 Brisbane")),
        (
            (STOPPED, replace(FORMING, bars=2, high=2887.0, low=2885.0)),
            ("WAIT", "The 00:30 range forms until 23:25 Brisbane: 2,885.0 to 2,887.0 so far"),
        ),
        ((STOPPED, WAITING), ("WAIT", "Next range 00:30 Brisbane, in 1 h 10 min")),
        ((STOPPED,), ("DONE", "All ranges of the day are closed: −1.09R net, 0 won · 1 lost")),
        ((replace(WAITING, state="void", void_reason="holiday"),), ("DONE", "No range of the day was traded")),
    ],
)
def test_the_decision_is_one_word_and_one_sentence(ranges: tuple[RangeView, ...], said: tuple[str, str]):
    assert decision(today(*ranges), BRISBANE, 3) == said


def test_a_range_that_is_ready_beside_a_trade_is_named_until_the_day_is_stopped_or_the_bars_are_old():
    ready = replace(READY, name="0030")
    state, sentence = decision(today(OPEN, ready), BRISBANE, 3)
    also = " · the first close outside is an entry too: 00:30 (2,884.0 to 2,887.0)"
    assert (state, sentence.endswith(f"target 2,880.0{also}")) == ("IN TRADE", True)
    assert also not in decision(today(OPEN, ready, clock=at("13:40"), missed=20), BRISBANE, 3)[1]
    held = replace(OPEN, broke_at=at("01:20"))
    assert also not in decision(within_limit(today(LOST, held, ready), 3.0), BRISBANE, 3)[1]


LOST = replace(STOPPED, r_net=-3.0)
"""Stopped in the bar of 01:27, which takes a day of 3 R to its limit."""
REACHED = "−3.00R by closed trades; the day's limit of −3R was reached 11:28: no further entry today"


def test_at_the_day_limit_the_rules_say_stop_and_what_was_held_is_held():
    assert decision(within_limit(today(LOST, WAITING), 3.0), BRISBANE, 3) == ("STOP", REACHED)
    held = replace(OPEN, broke_at=at("01:26"))
    state, sentence = decision(within_limit(today(LOST, held), 3.0), BRISBANE, 3)
    assert (state, sentence.endswith(f"target 2,880.0 · {REACHED}")) == ("IN TRADE", True)
    assert decision(within_limit(today(LOST, WAITING), 3.01), BRISBANE, 3)[0] == "WAIT"
    assert decision(within_limit(today(LOST), 3.0), BRISBANE, 3) == (
        "DONE",
        "All ranges of the day are closed: −3.00R net, 0 won · 1 lost · stopped 11:28 at the day's limit of −3R",
    )


def test_what_breaks_after_the_stop_is_no_trade_of_the_day_and_its_gain_does_not_open_the_day_again():
    later = replace(OPEN, broke_at=at("01:27"))
    won = replace(later, state="target", exited_at=at("13:27"), exit_price=2880.0, r_net=0.93, r_now=None)
    for after in (later, won):
        view = within_limit(today(LOST, after, WAITING), 3.0)
        assert decision(view, BRISBANE, 3) == ("STOP", REACHED)
        assert cells(view)["Today, net"] == Cell(
            "Today, net", "−3.00R", "0 won · 1 lost", tone="down", note="day limit −3R", note_tone="bad"
        )
        assert deciding_range(view) is None
    assert table_rows(view, {})[1]["State"] == "✓ Target · after the day's stop"


def test_a_trade_held_over_the_stop_that_wins_counts_and_does_not_open_the_day_again():
    held = replace(OPEN, broke_at=at("01:20"), state="target", exited_at=at("13:27"), r_net=0.93, r_now=None)
    view = within_limit(today(LOST, held, WAITING), 3.0)
    assert cells(view)["Today, net"].value == "−2.07R"
    assert decision(view, BRISBANE, 3) == ("STOP", REACHED.replace("−3.00R", "−2.07R"))


def test_when_the_feed_is_behind_the_decision_says_as_of_when_and_counts_nothing_down():
    behind = today(STOPPED, WAITING, clock=at("13:40"), missed=20)
    assert decision(behind, BRISBANE, 3) == ("WAIT", "As of 23:20 AEST: next range 00:30 Brisbane")
    assert age_sentence(behind, BRISBANE) == (
        "The last bar started 23:19 AEST and the market has been open for 20 min since. Prices, states and forecasts "
        "below are frozen there. Newer bars come with `hub shadow --feed FEED --instrument MGC` while it runs, or with "
        "`hub ingest FILES --instrument MGC`."
    )


def test_a_feed_that_is_followed_and_brings_nothing_is_what_to_look_at_and_a_range_may_have_broken():
    behind = today(STOPPED, READY, clock=at("13:40"), missed=20)
    assert age_sentence(behind, BRISBANE, "folder:/mgc").endswith(
        "The loop follows `folder:/mgc`, which brings none: look at what fills it, and for prices at your platform."
    )
    assert decision(behind, BRISBANE, 3) == (
        "READY",
        "As of 23:20 AEST: 23:00 range complete: 2,884.0 to 2,887.0; nobody knows here whether it has broken since",
    )


def test_a_day_without_a_bar_says_when_its_first_range_is_complete():
    first = replace(WAITING, name="0900", starts_at=at("23:00", 2), ends_at=at("23:05", 2))
    assert opening_sentence(today(first), BRISBANE) == (
        "No bars yet for Monday 3 March. The trading day begins 09:00 Brisbane; the first range is complete 09:05."
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (REFERENCE_RULE, "full-rr1-day: stop at the opposite edge, target 1R, to the day's end"),
        (
            TradeRule("half", 1.5, "session"),
            "half-rr1.5-session: stop at the midpoint, target 1.5R, to the range's session end",
        ),
    ],
)
def test_a_rule_is_told_in_words(rule: TradeRule, said: str):
    assert rule_note(rule) == said


def test_the_table_says_every_state_by_shape_and_word_and_leaves_out_what_is_not_there():
    void = replace(WAITING, state="void", void_reason="early_close")
    rows = table_rows(today(STOPPED, OPEN, void), {"2300": 0.451})
    prices = ["2,882.5", "2,879.2", "3.3", "0.07", "2,878.6", "2,882.5", "2,874.7"]
    assert list(rows[0].values()) == ["10:00", "✕ Stopped", "▼ Short", *prices, None, "−1.09R"]
    assert (rows[1]["State"], rows[1]["P(up)"], rows[1]["Result, net"]) == ("● Open", 45.1, "now +0.10R")
    assert (rows[2]["State"], rows[2]["High"], rows[2]["Result, net"]) == ("∅ Void: early close", "–", "–")


def test_a_range_of_fewer_bars_than_minutes_says_so_and_one_over_a_hole_is_warned_of():
    thin, over = replace(STOPPED, bars=4), replace(OPEN, bars=3, over_hole=True)
    forming = replace(WAITING, state="forming", bars=2)
    view = today(thin, over, forming)
    states = [row["State"] for row in table_rows(view, {})]
    assert states == ["✕ Stopped · 4 of 5 min", "● Open · ! hole, 3 of 5 min", "… Forming"]
    assert hole_sentence(view) == (
        "! Built over a hole: 23:00 (3 of 5 minutes). The minutes that are missing usually trade, so high and low may "
        "be wrong; check another source before you trust the range."
    )
    assert hole_sentence(today(thin, forming)) is None


@pytest.mark.parametrize(
    ("value", "said"), [(2883.5, "2,883.5"), (2883.25, "2,883.25"), (0.1 + 0.2, "0.3"), (None, "–")]
)
def test_a_price_has_the_ticks_decimals_and_more_only_between_ticks(value: float | None, said: str):
    assert price(today(), value) == said


def test_the_current_range_is_the_last_one_that_has_begun():
    assert today().current_range == "2300"
    assert today(through=at("14:30") + timedelta(minutes=1)).current_range == "0030"
    assert today(WAITING).current_range == "0030"
