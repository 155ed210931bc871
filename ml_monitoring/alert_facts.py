"""What the market and the journal hold, as facts in words that a trader may be told: pure, one function a kind.

Prices have the instrument's decimals, times the letters of their zone, results are net of costs. A fact says only what
was known when it happened.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

import numpy as np

from ml_models.quantiles import point_output
from ml_monitoring.looks import QUALITY
from trading.alert_settings import AlertSettings
from trading.domain.advice import SHADOW, STAGES
from trading.domain.alert import Fact, Severity
from trading.domain.calendar import as_date, day_windows, expected_minutes, from_minute, to_minute, trading_days
from trading.domain.instrument import Instrument
from trading.domain.label import BREAK_CLOSED, BREAK_DIRECTION, ORB_COMPLETE, RANGE_AHEAD, label_named
from trading.domain.prediction import MISSED
from trading.domain.words import MINUS, price_text, r_text, range_label, wall_time
from trading.risk_engine import day_stop

Row = Mapping[str, Any]

_MINUTE: Final = timedelta(minutes=1)
_FORECAST_WAIT: Final = timedelta(minutes=1)
"""How long a complete range waits for the forecasts of its moment: later ones are not live."""

_SIDES: Final = {"UP": "long", "DOWN": "short"}
_RESULTS: Final = {"win": "✓ Target", "loss": "✕ Stop", "expired": "■ Out of time"}


def opening_facts(
    instrument: Instrument, since: datetime, now: datetime, settings: AlertSettings, zone: str
) -> list[Fact]:
    """Return the ranges that opened after `since` and of which `opening_minutes` before is not after `now`."""
    first, last = since.date() - timedelta(days=2), now.date() + timedelta(days=2)
    windows = day_windows(instrument, trading_days(instrument, first, last))
    lead, facts = timedelta(minutes=settings.opening_minutes), []
    for place, rule in enumerate(instrument.opening_ranges):
        for row, day in enumerate(windows.days):
            starts = int(windows.range_starts[row, place])
            opens_at = from_minute(starts)
            closed = windows.holiday[row] or windows.closed_from[row] <= starts < windows.closed_until[row]
            if closed or not _told(rule.name, settings) or not since < opens_at <= now + lead:
                continue
            until = from_minute(int(windows.range_ends[row, place]))
            said = f"Opens {wall_time(opens_at, zone)}, complete {wall_time(until, zone)}."
            facts.append(_of_range(instrument, "opening", as_date(day), rule.name, said, opens_at - lead))
    return facts


def range_facts(
    instrument: Instrument,
    ranges: Iterable[Row],
    forecasts: Iterable[Row],
    now: datetime,
    settings: AlertSettings,
    zone: str,
    stops: Mapping[date, datetime],
) -> list[Fact]:
    """Return complete ranges with what was said of them, their breaks, and what became of the rules' trades.

    `ranges` are rows of `alert_ranges`, `forecasts` those of `alert_forecasts`. While models answer for the instrument,
    a range and a break wait a minute for their forecasts. Of a break after its day's stop (`day_stops`) it is said that
    nobody enters.
    """
    said: dict[tuple[str, Any, str], list[str]] = {}
    awaited = set()
    for row in forecasts:
        if row["refusal_code"] is None:
            said.setdefault((row["kind"], row["trading_day"], row["orb"]), []).append(forecast_words(row))
        awaited.add(row["kind"])
    facts = []
    for row in ranges:
        if not _told(row["orb"], settings):
            continue
        stopped = stops.get(row["trading_day"])
        for kind, event, at, words in _events_of(instrument, row, settings.rule, zone, stopped):
            spoken = said.get((event, row["trading_day"], row["orb"]), [])
            if event in awaited and not spoken and now < at + _FORECAST_WAIT:
                continue
            sentence = " ".join([words, *spoken])
            facts.append(_of_range(instrument, kind, row["trading_day"], row["orb"], sentence, at))
    return facts


def _told(orb: str, settings: AlertSettings) -> bool:
    return not settings.ranges or orb in settings.ranges


def _of_range(instrument: Instrument, kind: str, day: Any, orb: str, sentence: str, at: datetime) -> Fact:
    return Fact(kind, instrument.symbol, range_label(orb), f"{day}|{orb}", sentence, "note", at)


def _events_of(
    instrument: Instrument, row: Row, rule: str, zone: str, stopped: datetime | None
) -> Iterable[tuple[str, str, datetime, str]]:
    """Yield kind, event of the forecasts, moment and words of what happened to one range, in its order."""

    def price(name: str) -> str:
        return price_text(instrument, row[name])

    ticks = round(row["size"] / instrument.tick)
    lacks = max((row["expected_bars"] or 0) - (row["bars"] or 0), 0)
    holes = f", {lacks} of {row['expected_bars']} minutes without a bar" if lacks else ""
    yield "range", ORB_COMPLETE, row["ends_at"], f"{price('low')} to {price('high')} ({ticks:,} ticks{holes})."
    if row["broke_at"] is None or row["break_direction"] not in _SIDES:
        return
    known, side = row["broke_at"] + _MINUTE, _SIDES[row["break_direction"]]
    closed = f"{row['break_direction']} at {wall_time(known, zone)}"
    if row["entry"] is None:
        yield "break", BREAK_CLOSED, known, f"{closed}; the rules have no trade here."
        return
    levels = f"{side} from {price('entry')}, stop {price('stop')}, target {price('target')}"
    no_entry = ""
    if stopped is not None and row["broke_at"] >= stopped:
        no_entry = f" No entry: the day's loss limit was reached {wall_time(stopped + _MINUTE, zone)}."
    yield "break", BREAK_CLOSED, known, f"{closed}: {levels}, by {rule}.{no_entry}"
    if row["exited_at"] is None or row["result"] not in _RESULTS:
        return
    at = row["exited_at"] + _MINUTE
    ended = f"{_RESULTS[row['result']]} at {wall_time(at, zone)}"
    yield (
        "result",
        "",
        at,
        f"{ended}: {side} from {price('entry')} to {price('exit_price')}, {r_text(row['r_net'])} net."
        f"{' It broke after the stop of the day and does not count.' if no_entry else ''}",
    )


def day_stops(ranges: Iterable[Row], max_loss: float) -> dict[date, datetime]:
    """Return the stop of each trading day whose closed trades had lost `max_loss` R: the start of that bar."""
    closed: dict[date, list[tuple[datetime, float]]] = {}
    for row in _closed(ranges):
        closed.setdefault(row["trading_day"], []).append((row["exited_at"], row["r_net"]))
    found = {day: day_stop(trades, max_loss) for day, trades in closed.items()}
    return {day: at for day, at in found.items() if at is not None}


def day_limit_facts(
    instrument: Instrument, ranges: Sequence[Row], stops: Mapping[date, datetime], max_loss: float, rule: str
) -> list[Fact]:
    """Return the days that were stopped, with what was lost by then and how many trades were held."""
    facts = []
    for day, at in stops.items():
        entered = [row for row in ranges if row["trading_day"] == day and row["broke_at"] and row["broke_at"] < at]
        lost = [row["r_net"] for row in _closed(entered) if row["exited_at"] <= at]
        held = sum(row["entry"] is not None for row in entered) - len(lost)
        said = (
            f"{r_text(sum(lost))} by {len(lost)} closed trades of {rule}, the limit is {MINUS}{max_loss:g}R: STOP, no "
            f"further entry on this trading day.{f' Still held: {held}.' if held else ''}"
        )
        subject = f"{day:%a} {day.day} {day:%b}"
        facts.append(Fact("day_loss_limit", instrument.symbol, subject, str(day), said, "look", at + _MINUTE))
    return facts


def _closed(ranges: Iterable[Row]) -> list[Row]:
    return [row for row in ranges if row["exited_at"] is not None and row["result"] in _RESULTS]


def forecast_words(row: Row) -> str:
    """Return what a model said, what a walk without drift says of the same, and that a shadow model moves nothing."""
    label = label_named(row["label"])
    of_direction = label == BREAK_DIRECTION
    walk = row["baseline_prob_up"] if of_direction else next(iter(row["baselines"] or ()), None)
    name = f"{row['model'].partition('-')[0].replace('_', ' ')} ({_stage_words(row['stage'])})"
    advice = f"advice {row['advice']}" if row["advice"] not in (None, "NONE") else "no advice"
    if not label.targets:
        chance = row[f"prob_{label.subject.lower()}"]
        beside = "" if walk is None else f", {label.walk} {walk:.0%}"
        return f"{name}: {label.subject} {chance:.0%}{beside}, {advice}."
    named = dict(zip(row["outputs"] or (), row["quantiles"] or (), strict=True))
    point, interval = named[point_output(label.targets[0], tuple(named))], (row["interval_low"], row["interval_high"])
    if label == RANGE_AHEAD:
        near, far, told = (f"{np.exp(each):.1f}" for each in (*interval, point))
        return f"{name}: travels {told} ranges in four hours (90 %: {near} to {far})."
    low, high = (r_text(each) for each in interval)
    return f"{name}: {r_text(point)} (90 %: {low} to {high}), {advice}."


def _stage_words(stage: str | None) -> str:
    return "shadow, not used" if stage in (None, SHADOW) else str(stage)


def silence_facts(
    instrument: Instrument, newest: datetime | None, now: datetime, silent_minutes: int, zone: str
) -> list[Fact]:
    """Return that the market has been open for more than `silent_minutes` since the newest bar, if it has."""
    if newest is None:
        return []
    since = to_minute(newest) + 1
    until = np.arange(since, max(to_minute(now), since) + 1, dtype=np.int64)[-_LONGEST_SILENCE:]
    missing = expected_minutes(instrument, np.full_like(until, since), until)
    silent = np.flatnonzero(missing > silent_minutes)
    if not silent.size:
        return []
    said = (
        f"No bar since {wall_time(newest + _MINUTE, zone)}, more than {silent_minutes} minutes of open market. Prices, "
        "ranges and forecasts stand still; look at the feed."
    )
    at = from_minute(int(until[silent[0]]))
    return [Fact("stale", instrument.symbol, "feed", newest.isoformat(), said, "bad", at)]


_LONGEST_SILENCE: Final = 3 * 1440


def missed_facts(instrument: Instrument, forecasts: Iterable[Row], zone: str) -> list[Fact]:
    """Return the forecasts that came too late to be live, those written in one minute together."""
    late = [row for row in forecasts if row["refusal_code"] == MISSED]

    def of(row: Row) -> tuple[str, datetime]:
        return row["model"], row["logged_at"].replace(second=0, microsecond=0)

    facts = []
    for (model, minute), group in groupby(sorted(late, key=of), key=of):
        rows = sorted(group, key=lambda row: row["decided_at"])
        shown = [f"{range_label(row['orb'])} at {wall_time(row['decided_at'], zone)}" for row in rows[:3]]
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        said = f"{len(rows)} missed: {', '.join(shown)}{more}. Bars came late; such forecasts count for nothing."
        facts.append(Fact("missed", instrument.symbol, model, f"{model}|{minute.isoformat()}", said, "look", minute))
    return facts


def alarm_facts(instrument: Instrument, looks: Iterable[Row]) -> list[Fact]:
    """Return the looks of monitors that found an alarm where the look before had none."""
    before: dict[tuple[str, str, str], str] = {}
    facts = []
    for row in looks:
        who = (row["model"], row["version"], row["monitor"])
        if row["state"] == "alarm" and before.get(who) != "alarm":
            kind = "quality" if row["monitor"] == QUALITY else "drift"
            key = "|".join([*who, str(row["through"])])
            said = f"{row['version']}, {row['monitor']}: {row['sentence']}"
            facts.append(Fact(kind, instrument.symbol, row["model"], key, said, "look", row["looked_at"]))
        before[who] = row["state"]
    return facts


def gate_facts(instrument: Instrument, verdicts: Iterable[Row]) -> list[Fact]:
    """Return the gates that opened between one judgement of a version and the next."""
    before: dict[tuple[str, str, str], set[str]] = {}
    facts = []
    for row in verdicts:
        who = (row["model"], row["version"], row["stage"])
        passed = set(row["passed"] or ())
        opened = sorted(passed - before[who]) if who in before else []
        if opened:
            every = len(passed) == row["gates"]
            rest = "All are open: hub stage may let it in." if every else f"{len(passed)} of {row['gates']} are open."
            said = f"{row['version']} for {row['stage']}: {', '.join(opened).replace('_', ' ')} passed. {rest}"
            key = "|".join([*who, *opened, row["judged_at"].isoformat()])
            facts.append(Fact("gate", instrument.symbol, row["model"], key, said, "note", row["judged_at"]))
        before[who] = passed
    return facts


def stage_facts(instrument: Instrument, moves: Sequence[Row]) -> list[Fact]:
    """Return the moves of versions between stages; a version taken back is something wrong."""
    before: dict[tuple[str, str], str] = {}
    facts = []
    for row in moves:
        who = (row["model"], row["version"])
        down = STAGES.index(row["stage"]) < STAGES.index(before.get(who, SHADOW))
        moved = "taken back to" if down else "moved to"
        said = f"{row['version']} {moved} {row['stage']} by {row['by_whom']}: {row['why']}"
        key = "|".join([*who, row["stage"], row["since"].isoformat()])
        severity: Severity = "bad" if down else "note"
        facts.append(Fact("stage", instrument.symbol, row["model"], key, said, severity, row["since"]))
        before[who] = row["stage"]
    return facts


def breaker_facts(instrument: Instrument, events: Iterable[Row]) -> list[Fact]:
    """Return the trips of the circuit breaker, and what armed it again."""
    facts = []
    for row in events:
        tripped = row["kind"] == "trip"
        said = f"{row['version']} is silent: {row['code']}." if tripped else f"{row['code']} is armed again."
        by = "" if tripped else f" By {row['by_whom']}: {row['why']}"
        key = "|".join([row["model"], row["version"], row["code"], row["kind"], row["happened_at"].isoformat()])
        severity: Severity = "bad" if tripped else "note"
        sentence = f"{said} {row['sentence']}{by}"
        facts.append(Fact("breaker", instrument.symbol, row["model"], key, sentence, severity, row["happened_at"]))
    return facts


def retrain_facts(instrument: Instrument, results: Iterable[Row]) -> list[Fact]:
    """Return what became of retrainings; one that failed or was cut off is worth a look."""
    facts = []
    for row in results:
        candidate = f" ({row['candidate']})" if row["candidate"] else ""
        said = f"{row['verdict'].capitalize()}{candidate}: {row['why']}"
        severity: Severity = "note" if row["verdict"] in ("challenger", "rejected") else "look"
        facts.append(
            Fact("retrain", instrument.symbol, row["model"], row["retraining_id"], said, severity, row["ended_at"])
        )
    return facts
