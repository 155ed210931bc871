"""What is told of the process that follows feeds: one that left in good order is no alert, one that was killed is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ml_inference.live_state import Following, LiveState, Told
from ml_scripts.loop_facts import dead_loop, feed_failures

AT = datetime(2025, 6, 3, 2, 0, tzinfo=UTC)
FEED = Following("ib:127.0.0.1:7497", "following", AT)
STATE = LiveState(71, AT - timedelta(days=3), AT, follows={"MGC": FEED})


def test_a_process_that_gave_no_sign_is_told_once_however_often_one_looks():
    assert dead_loop(STATE, AT + timedelta(minutes=4), 5, "Australia/Brisbane") == []
    [fact] = dead_loop(STATE, AT + timedelta(minutes=5), 5, "Australia/Brisbane")
    assert fact.sentence == (
        "No sign since 12:00 AEST of process 71, which follows MGC=ib:127.0.0.1:7497: no bars, no forecasts. Start it "
        "again; what came meanwhile is missed."
    )
    assert dead_loop(STATE, AT + timedelta(hours=5), 5, "Australia/Brisbane") == [fact]
    assert dead_loop(replace(STATE, ended_at=AT), AT + timedelta(hours=5), 5, "UTC") == []
    assert dead_loop(None, AT, 5, "UTC") == []


def test_a_feed_that_failed_is_told_until_it_is_followed_again():
    failed = replace(FEED, state="waiting", stepped_at=AT, last_error=Told(AT, "no gateway at 127.0.0.1:7497."))
    [fact] = feed_failures(replace(STATE, follows={"MGC": failed}))
    assert (fact.instrument, fact.happened_at) == ("MGC", AT)
    assert fact.sentence == "ib:127.0.0.1:7497 failed: no gateway at 127.0.0.1:7497."
    again = replace(failed, state="following", stepped_at=AT + timedelta(minutes=1))
    rested = replace(again, state="resting", stepped_at=AT + timedelta(hours=1))
    for each in (again, rested):
        assert feed_failures(replace(STATE, follows={"MGC": each})) == []
    assert feed_failures(None) == []
