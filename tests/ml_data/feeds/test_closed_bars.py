"""No bar that has not closed gets through, whatever a feed delivers."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_data.feeds.closed_bars import ClosedBars
from tests.ml_data.feeds.feed_bars import MINUTE, at, bar, bars, closes, kinds, minutes

TWO = timedelta(seconds=2)


def test_a_bar_is_held_until_its_minute_and_the_delay_are_over():
    gate = ClosedBars(TWO)
    closed, told = gate.take(bars(bar("14:03")), at("14:03:30"))
    assert (minutes(closed), kinds(told)) == ([], ["unclosed"])
    assert "2024-03-05 14:03Z came before its minute was over" in told[0].sentence
    assert minutes(gate.take(bars(), at("14:04:01"))[0]) == []
    assert minutes(gate.take(bars(), at("14:04:02"))[0]) == ["14:03"]


def test_a_newer_bar_closes_the_one_before_it_though_the_clock_is_behind():
    closed, _ = ClosedBars(TWO).take(bars(bar("14:03"), bar("14:04")), at("14:03:40"))
    assert minutes(closed) == ["14:03"]


def test_a_newer_bar_of_another_contract_closes_nothing():
    closed, _ = ClosedBars(TWO).take(bars(bar("14:03"), bar("14:04", contract="OTHER")), at("14:03:40"))
    assert minutes(closed) == []


def test_what_comes_later_for_a_held_minute_takes_its_place():
    gate = ClosedBars(TWO)
    gate.take(bars(bar("14:03", 100.0)), at("14:03:30"))
    gate.take(bars(bar("14:03", 101.0)), at("14:03:50"))
    closed, told = gate.take(bars(bar("14:03", 102.0), bar("14:04", 103.0)), at("14:04:01"))
    assert closes(closed) == [("14:03", 102.0)]
    assert kinds(told) == ["unclosed"]  # that of 14:04


def test_a_delivery_that_repeats_itself_is_told_and_its_last_word_counts():
    rows = (bar("14:01"), bar("14:02", 7.0), bar("14:02", 8.0), bar("14:01"))
    closed, told = ClosedBars(TWO).take(bars(*rows), at("14:10"))
    assert sorted(closes(closed)) == [("14:01", 100.0), ("14:02", 8.0)]
    assert [notice.sentence for notice in told] == [
        "1 bars were delivered twice with the same values.",
        "1 bars were delivered twice with other values; the later count.",
    ]


def test_bars_of_the_future_are_named_once_and_close_nothing():
    gate = ClosedBars(TWO)
    closed, told = gate.take(bars(bar("14:03"), bar("16:00"), bar("16:01")), at("14:03:30"))
    assert (minutes(closed), sorted(kinds(told))) == ([], ["future", "unclosed"])
    closed, told = gate.take(bars(bar("16:02")), at("14:04:30"))
    assert (minutes(closed), kinds(told)) == (["14:03"], [])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 1500)), min_size=1, max_size=25), st.integers(0, 5))
def test_whatever_comes_in_whatever_order_only_closed_minutes_get_through_and_none_is_lost(deliveries, delay):
    gate, now, through, came = ClosedBars(timedelta(seconds=delay)), 0, set(), set()
    for minute, later in deliveries:
        now = max(now, later)
        came.add(minute)
        moment = at("10:00") + timedelta(seconds=now)
        closed, _ = gate.take(bars(bar(f"10:{minute:02d}")), moment)
        newest = max((each for each in came if each * 60 <= now + 300), default=0)
        for found in closed.column("ts").to_pylist():
            assert found + MINUTE + timedelta(seconds=delay) <= moment or found < at(f"10:{newest:02d}")
            through.add(f"{found:%M}")
    closed, _ = gate.take(bars(), at("23:00"))
    assert through | {f"{found:%M}" for found in closed.column("ts").to_pylist()} == {f"{m:02d}" for m, _ in deliveries}
