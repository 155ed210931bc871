"""What the process that follows feeds says of itself, as facts: that a feed failed, that it gives no sign any more."""

from datetime import datetime, timedelta
from typing import Final

from ml_inference.live_state import LiveState
from trading.domain.alert import Fact
from trading.domain.words import wall_time

_TOGETHER: Final = timedelta(seconds=5)  # a failure and the state that holds it are written in two steps


def feed_failures(state: LiveState | None) -> list[Fact]:
    """Return the feeds that failed and have not been followed since."""
    facts = []
    for symbol, each in ({} if state is None else state.follows).items():
        error = each.last_error
        if each.state != "following" and error is not None and error.at >= each.stepped_at - _TOGETHER:
            said = f"{each.feed} failed: {error.sentence}"
            facts.append(Fact("loop", symbol, "feed", f"{symbol}|{error.at.isoformat()}", said, "bad", error.at))
    return facts


def dead_loop(state: LiveState | None, now: datetime, dead_minutes: int, zone: str) -> list[Fact]:
    """Return that the process gave no sign for `dead_minutes`, though it never left in good order."""
    if state is None or state.ended_at is not None:
        return []
    dead_at = state.alive_at + timedelta(minutes=dead_minutes)
    if now < dead_at:
        return []
    follows = ", ".join(f"{symbol}={each.feed}" for symbol, each in state.follows.items())
    said = (
        f"No sign since {wall_time(state.alive_at, zone)} of process {state.process}, which follows {follows}: no "
        "bars, no forecasts. Start it again; what came meanwhile is missed."
    )
    key = f"{state.process}|{state.started_at.isoformat()}|{state.alive_at.isoformat()}"
    return [Fact("loop", "", "feeds", key, said, "bad", dead_at)]
