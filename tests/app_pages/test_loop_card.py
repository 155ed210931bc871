"""What Today says of the live loop: which feed it follows at this moment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app_pages.loop_card import feed_of
from ml_inference.live_state import Following, LiveState

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)
FEED = Following("folder:/data/mgc", "following", NOW)
STATE = LiveState(4711, NOW - timedelta(hours=3), NOW - timedelta(seconds=9), follows={"MGC": FEED})


def test_a_feed_is_followed_while_its_process_lives_and_has_not_failed():
    assert feed_of(STATE, "MGC", NOW) == "folder:/data/mgc"
    assert feed_of(STATE, "NQ", NOW) is None
    assert feed_of(replace(STATE, ended_at=NOW), "MGC", NOW) is None
    assert feed_of(STATE, "MGC", NOW + timedelta(minutes=2)) is None  # killed, or asleep
    waiting = replace(STATE, follows={"MGC": replace(FEED, state="waiting")})
    assert feed_of(waiting, "MGC", NOW) is None
