"""Today in words: the strip, the decision bar and the rows of the table. Pure: a view and a wall clock in."""

from datetime import datetime, timedelta
from typing import Final

from app_pages.clock import WallClock
from app_pages.panels.decision import State as DayState
from app_pages.panels.strip import Cell
from app_pages.price_chart import Tone
from app_pages.today_view import DayStop, RangeView, State, TodayView
from trading.domain.trade_rule import TradeRule
from trading.domain.words import MINUS, price_text, r_text, range_label

SHAPES: Final[dict[State, str]] = {
    "not started": "· Not started",
    "forming": "… Forming",
    "ready": "◆ Ready",
    "open": "● Open",
    "target": "✓ Target",
    "stopped": "✕ Stopped",
    "expired": "■ Expired",
    "no break": "– No break",
    "too late": "– Broke too late",
    "flat": "∅ No size",
    "void": "∅ Void",
}
"""A shape and a word for every state of a range: never colour alone."""

_VOID: Final = {"holiday": "holiday", "early_close": "early close", "no_bars": "no bars"}
_SIDES: Final = {"UP": "long", "DOWN": "short"}


def strip_cells(view: TodayView, wall: WallClock, *, is_replay: bool, stale_minutes: int) -> list[Cell]:
    """Return the strip: contract and price, session, next range, day range, the day's R, the age of the data.

    `stale_minutes` is how long the open market may be silent.
    """
    return [
        _price_cell(view),
        _session_cell(view, wall),
        _next_cell(view, wall),
        _range_cell(view),
        _result_cell(view),
        _data_cell(view, wall, is_replay=is_replay, stale_minutes=stale_minutes),
    ]


def is_stale(view: TodayView, stale_minutes: int) -> bool:
    """Return whether the market has been open for more than `stale_minutes` since the newest bar."""
    return view.missed > stale_minutes


def decision(view: TodayView, wall: WallClock, stale_minutes: int) -> tuple[DayState, str]:
    """Return the day's state and one sentence: what is held, else what may be entered, else what comes, else done.

    Once the closed trades have lost the day's limit, the rules say stop until the day is over: what was held is held,
    and nothing is entered.

    When the feed is behind, it says as of when.
    """
    state, sentence = _state_sentence(view, wall, is_stale(view, stale_minutes))
    if view.stop is not None:
        state, sentence = _stopped(view, wall, view.stop, state, sentence)
    if is_stale(view, stale_minutes):
        return state, f"As of {_when(view, wall, view.through)} {wall.label}: {sentence}"
    return state, sentence[0].upper() + sentence[1:]


def _state_sentence(view: TodayView, wall: WallClock, stale: bool) -> tuple[DayState, str]:
    by_state = {state: [each for each in _entered(view) if each.state == state] for state in SHAPES}
    if by_state["open"]:
        others = len(by_state["open"]) - 1
        held = deciding_range(view) or by_state["open"][-1]
        more = f" · {others} more open" if others else ""
        waiting = [f"{range_label(each.name)} ({_edges(view, each)})" for each in by_state["ready"]]
        if waiting and view.stop is None and not stale:
            more += f" · the first close outside is an entry too: {', '.join(waiting)}"
        return "IN TRADE", _trade_sentence(view, held) + more
    if by_state["ready"]:
        *earlier, ready = by_state["ready"]
        also = f" (also {', '.join(range_label(each.name) for each in earlier)})" if earlier else ""
        edges = _edges(view, ready)
        then = "nobody knows here whether it has broken since" if stale else "the first close outside is the entry"
        return "READY", f"{range_label(ready.name)} range complete: {edges}; {then}{also}"
    if by_state["forming"]:
        forming = by_state["forming"][0]
        so_far = f": {_edges(view, forming)} so far" if forming.bars else ""
        return (
            "WAIT",
            f"the {range_label(forming.name)} range forms until {wall.hm(forming.ends_at)} {wall.place}{so_far}",
        )
    if by_state["not started"]:
        first = by_state["not started"][0]
        wait = "" if stale else f", {_until(first.starts_at - view.clock)}"
        return "WAIT", f"next range {_named(first.name, wall.hm(first.starts_at))} {wall.place}{wait}"
    return "DONE", _done_sentence(view)


def deciding_range(view: TodayView) -> RangeView | None:
    """Return the range that the decision is about: the newest that is traded, else the last that may be entered."""
    held = [each for each in _entered(view) if each.state == "open"]
    ready = [each for each in view.ranges if each.state == "ready"]
    return max(held, key=lambda each: each.broke_at or each.starts_at) if held else ready[-1] if ready else None


def _edges(view: TodayView, each: RangeView) -> str:
    return f"{price(view, each.low)} to {price(view, each.high)}"


def _entered(view: TodayView) -> list[RangeView]:
    """Return the ranges but those that broke after the day's stop."""
    return [each for each in view.ranges if not each.after_stop]


def _stopped(view: TodayView, wall: WallClock, stop: DayStop, state: DayState, sentence: str) -> tuple[DayState, str]:
    """Return the rules' stop at the day's limit; a trade that is held, and a day that is done, stay in the sentence."""
    at = wall.hm(stop.at + timedelta(minutes=1))
    if state == "DONE":
        return state, f"{sentence} · stopped {at} at the day's limit of {MINUS}{stop.limit:g}R"
    lost = (
        f"{r_text(sum(view.results))} by closed trades; the day's limit of {MINUS}{stop.limit:g}R was reached {at}: "
        "no further entry today"
    )
    return (state, f"{sentence} · {lost}") if state == "IN TRADE" else ("STOP", lost)


def age_sentence(view: TodayView, wall: WallClock, feed: str | None = None) -> str:
    """Return how old the newest bar is, what is therefore frozen, and what to do; `feed` is followed at this moment."""
    last = _when(view, wall, view.through - timedelta(minutes=1))
    missed = span(timedelta(minutes=view.missed))
    return (
        f"The last bar started {last} {wall.label} and the market has been open for {missed} since. "
        f"Prices, states and forecasts below are frozen there. {_newer_bars(view.instrument.symbol, feed)}"
    )


def _newer_bars(symbol: str, feed: str | None) -> str:
    if feed is not None:
        return f"The loop follows `{feed}`, which brings none: look at what fills it, and for prices at your platform."
    return (
        f"Newer bars come with `hub shadow --feed FEED --instrument {symbol}` while it runs, or with "
        f"`hub ingest FILES --instrument {symbol}`."
    )


def opening_sentence(view: TodayView, wall: WallClock) -> str:
    """Return that the day has no bar yet, and when its first range is complete."""
    first = view.ranges[0]
    return (
        f"No bars yet for {view.day:%A} {view.day.day} {view.day:%B}. The trading day begins {wall.hm(view.starts_at)} "
        f"{wall.place}; the first range is complete {wall.hm(first.ends_at)}."
    )


def rule_note(rule: TradeRule) -> str:
    """Return a trade rule's name and what it means."""
    stop = "opposite edge" if rule.stop == "full" else "midpoint"
    window = "the day's end" if rule.window == "day" else "the range's session end"
    return f"{rule.name}: stop at the {stop}, target {rule.reward:g}R, to {window}"


def table_rows(view: TodayView, prob_up: dict[str, float]) -> list[dict[str, object]]:
    """Return one row a range, in words where a cell may be empty; `prob_up` by range, 0 to 1."""
    return [
        {
            "Range": range_label(each.name),
            "State": SHAPES[each.state] + _beside_state(each),
            "Side": {"UP": "▲ Long", "DOWN": "▼ Short"}.get(each.side or "", "–"),
            "High": price(view, each.high),
            "Low": price(view, each.low),
            "Size": price(view, each.size),
            "ATR": "–" if each.size_atr is None else f"{each.size_atr:.2f}",
            "Entry": price(view, each.entry),
            "Stop": price(view, each.stop),
            "Target": price(view, each.target),
            "P(up)": 100 * prob_up[each.name] if each.name in prob_up else None,
            "Result, net": _result(each),
        }
        for each in view.ranges
    ]


def hole_sentence(view: TodayView) -> str | None:
    """Return which ranges of the day were built over a hole; None when none was."""
    over = [each for each in view.ranges if each.over_hole]
    if not over:
        return None
    minutes = ", ".join(f"{range_label(each.name)} ({each.bars} of {each.bars + each.lacks} minutes)" for each in over)
    return (
        f"! Built over a hole: {minutes}. The minutes that are missing usually trade, so high and low may be wrong; "
        "check another source before you trust the range."
    )


def _beside_state(each: RangeView) -> str:
    if each.void_reason:
        return f": {_VOID.get(each.void_reason, each.void_reason)}"
    if each.after_stop:
        return " · after the day's stop"
    if not each.lacks:
        return ""
    return f" · {'! hole, ' if each.over_hole else ''}{each.bars} of {each.bars + each.lacks} min"


def _result(each: RangeView) -> str:
    if each.r_now is not None:
        return f"now {r_text(each.r_now)}"
    return "–" if each.r_net is None else r_text(each.r_net)


def _named(name: str, shown: str) -> str:
    """Return a range's name, and its start on the shown clock where that is not what it is called by."""
    return range_label(name) if range_label(name) == shown else f"{range_label(name)} at {shown}"


def session_label(name: str) -> str:
    """Return a session's name in words.

    >>> session_label("pre_ny"), session_label("asia")
    ('Pre New York', 'Asia')
    """
    words = ["New York" if part == "ny" else part.capitalize() for part in name.split("_")]
    return " ".join(words)


def price(view: TodayView, value: float | None) -> str:
    """Return a price with the instrument's decimals, and more where it lies between ticks (a midpoint); – for None."""
    return "–" if value is None else price_text(view.instrument, value)


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units.

    >>> span(timedelta(minutes=70)), span(timedelta(days=508, hours=3)), span(timedelta(0))
    ('1 h 10 min', '508 days', '0 min')
    """
    minutes = int(length.total_seconds()) // 60
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days >= 7:
        return f"{days:,} days"
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def _until(length: timedelta) -> str:
    """Return when something begins; what should have begun waits for its first bar."""
    return "opening now" if length < timedelta(minutes=1) else f"in {span(length)}"


def _price_cell(view: TodayView) -> Cell:
    note = ""
    tone: Tone = "muted"
    if view.last_price is not None and view.previous_close:
        change = round(view.last_price - view.previous_close, 10)
        percent = f"{100 * change / view.previous_close:+.2f}%".replace("-", MINUS)
        note = f"{'▲' if change >= 0 else '▼'} {price(view, abs(change))} ({percent})"
        tone = "up" if change >= 0 else "down"
    what = f"{view.contract or view.instrument.symbol} · {view.instrument.name}"
    return Cell(what, price(view, view.last_price), note=note, note_tone=tone, lead=True)


def _session_cell(view: TodayView, wall: WallClock) -> Cell:
    running = [each for each in view.sessions if each.starts_at <= view.clock < each.ends_at]
    if not view.is_open:
        return Cell("Session", "Closed", "the exchange is closed")
    if not running:
        return Cell("Session", "Between", f"no session, {wall.place}")
    session = running[0]
    hours = f"{wall.hm(session.starts_at)}–{wall.hm(session.ends_at)} {wall.place}"
    return Cell("Session", session_label(session.name), hours)


def _next_cell(view: TodayView, wall: WallClock) -> Cell:
    if view.next_range is None:
        return Cell("Next range", "—", "none in ten days")
    name, starts_at = view.next_range
    shown = (
        f"{wall.hm(starts_at) if starts_at - view.clock < timedelta(hours=20) else wall.day_hm(starts_at)} {wall.label}"
    )
    at = wall.place if shown == f"{range_label(name)} {wall.label}" else shown
    return Cell("Next range", range_label(name), f"{at}, {_until(starts_at - view.clock)}")


def _range_cell(view: TodayView) -> Cell:
    if view.high is None or view.low is None:
        return Cell("Day range", "–", "no bar yet")
    size = round(view.high - view.low, 10)
    told = f"{size / view.atr:.2f} of ATR(14)" if view.atr else "ATR(14) needs 15 days"
    return Cell("Day range", f"{price(view, size)} pts", told)


def _result_cell(view: TodayView) -> Cell:
    closed = view.results
    if not closed and not any(each.state == "open" for each in _entered(view)):
        return Cell("Today, net", "0R", "no trade yet")
    total = sum(closed)
    limit = "" if view.stop is None else f"day limit {MINUS}{view.stop.limit:g}R"
    tone: Tone = "up" if total > 0 else "down" if total < 0 else "text"
    return Cell("Today, net", r_text(total), _counts(view), tone=tone, note=limit, note_tone="bad")


def _data_cell(view: TodayView, wall: WallClock, *, is_replay: bool, stale_minutes: int) -> Cell:
    age = f"{span(view.clock - view.through)} old"
    last = f"last bar {_when(view, wall, view.through - timedelta(minutes=1))}"
    if is_stale(view, stale_minutes):
        return Cell("Data", "Replay, behind" if is_replay else "Behind", f"{last}, {age}", tone="warn")
    silent = "no gaps" if not view.silent else f"{view.silent:,} of {view.expected:,} min without a trade"
    value = "Replay" if is_replay else "Live" if view.is_open else "Market closed"
    return Cell("Data", value, f"{last}, {age} · {silent}", tone="good")


def _when(view: TodayView, wall: WallClock, instant: datetime) -> str:
    if view.clock - instant < timedelta(hours=20):
        return wall.hm(instant)
    shown = wall.at(instant)
    return wall.day_hm(instant) if view.clock - instant < timedelta(days=7) else f"{shown.day} {shown:%b %Y %H:%M}"


def _trade_sentence(view: TodayView, each: RangeView) -> str:
    parts = [
        f"{range_label(each.name)} {_SIDES[each.side or 'UP']} from {price(view, each.entry)}",
        f"now {r_text(each.r_now or 0.0)} net",
        f"stop {price(view, each.stop)}",
        f"target {price(view, each.target)}",
    ]
    return " · ".join(parts)


def _done_sentence(view: TodayView) -> str:
    results = view.results
    if not results:
        return "no range of the day was traded"
    return f"all ranges of the day are closed: {r_text(sum(results))} net, {_counts(view)}"


def _counts(view: TodayView) -> str:
    results = view.results
    won, lost = sum(result > 0 for result in results), sum(result <= 0 for result in results)
    running = sum(each.state == "open" for each in _entered(view))
    return f"{won} won · {lost} lost" + (f" · {running} open" if running else "")
