"""Looks at the circuit breaker of a model's versions on what the stores hold, and writes down what comes of it.

The edge around `breaker` and `breaker_readings`: it gathers facts, and a trip and the move to shadow that follows from
it are written in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.breaker_log import BreakerEvent, append_breaker_events, breaker_events, open_trips, standing
from ml_data.journal import evidence_rows
from ml_data.stage_history import StageChange, current_stage, stage_changes
from ml_data.store import Store, sql
from ml_models.documents import DamagedVersion
from ml_models.model_registry import ModelRegistry
from ml_models.pointers import CHAMPION, LATEST
from ml_models.scores import log_losses
from ml_monitoring import breaker_readings as readings
from ml_monitoring.breaker import (
    AT_ONCE,
    CALIBRATION,
    CHANGE,
    CODES,
    DAMAGED,
    DRAWDOWN,
    EXPIRED,
    MISSING,
    STALE,
    Reading,
    Watched,
    armed_since,
    rearm,
    replaced,
    silenced,
    step,
)
from ml_monitoring.change import Cusum, cusum
from ml_monitoring.gates import Check
from ml_monitoring.judged import Judged, judged_of
from ml_monitoring.looks import REFERENCE_DAYS, look_at_quality
from ml_monitoring.stages import current_move
from trading.domain.advice import SHADOW
from trading.domain.calendar import expected_minutes, to_minute
from trading.domain.instrument import Instrument
from trading.errors import HubError
from trading.settings import BreakerSettings

_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Look:
    """What one look at a model came to: how each code of each version reads, what was written, who was moved."""

    readings: dict[str, tuple[Reading, ...]]
    events: tuple[BreakerEvent, ...]
    moves: tuple[StageChange, ...]


def watch(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    *,
    at: datetime,
    settings: BreakerSettings,
    codes: Sequence[str] = CODES,
) -> Look:
    """Look at the version that answers and at every one above shadow; write down trips and re-arms, and move down.

    `codes` AT_ONCE are cheap enough for every forecast.
    """
    changes, known = stage_changes(store, model), breaker_events(store, model)
    seen: dict[str, tuple[Reading, ...]] = {}
    written: list[BreakerEvent] = []
    moves: list[StageChange] = []
    answering = _versions(registry, model, changes)
    written += replaced(known, answering, at)
    for version in answering:
        watched = Watched(instrument.symbol, model, version, current_stage(changes, version))
        seen[version] = read(store, registry, instrument, watched, known, changes, at, settings, codes)
        fresh = step(known, watched, seen[version], at)
        written += fresh
        move = silenced(changes, (*known, *fresh), model, version, at)
        moves += [] if move is None else [move]
    append_breaker_events(store, written, moves)
    return Look(seen, tuple(written), tuple(moves))


def read(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    watched: Watched,
    known: Sequence[BreakerEvent],
    changes: Sequence[StageChange],
    at: datetime,
    settings: BreakerSettings,
    codes: Sequence[str] = CODES,
) -> tuple[Reading, ...]:
    """Return how `codes` read of one version at the instant `at`; nothing is written."""
    found = list(_at_once(store, registry, instrument, watched, known, at, settings))
    if set(codes) - set(AT_ONCE):
        try:
            found += _of_outcomes(store, instrument, watched, known, changes, at, settings)
        except HubError as error:
            found += [readings.unreadable(code, "outcomes", str(error)) for code in CODES if code not in AT_ONCE]
    return tuple(reading for reading in found if reading.code in codes)


def arm(
    store: Store, model: str, version: str, code: str, *, at: datetime, by: str, why: str
) -> tuple[BreakerEvent | None, tuple[str, ...]]:
    """Arm a code again by name and write it down, or return every reason against it."""
    event, reasons = rearm(breaker_events(store, model), version, code, at=at, by=by, why=why)
    if event is not None:
        append_breaker_events(store, [event])
    return event, reasons


def breaker_check(events: Sequence[BreakerEvent], version: str) -> Check:
    """Return whether the breaker of a version is armed; None while it has not looked at every code."""
    trips = open_trips(events, version)
    if trips:
        told = "; ".join(f"{trip.code} since {trip.happened_at:%Y-%m-%d %H:%MZ}" for trip in trips)
        return Check(False, f"Tripped: {told}.")
    unseen = [code for code in CODES if code not in standing(events, version)]
    if unseen:
        return Check(None, f"It has not looked at {', '.join(unseen)} of {version} yet.")
    return Check(True, f"Armed: {len(CODES)} codes watch {version}.")


def _versions(registry: ModelRegistry, model: str, changes: Sequence[StageChange]) -> list[str]:
    """Return the versions that answer (champion, latest) and every one above shadow."""
    found = {each.version for each in changes if current_stage(changes, each.version) != SHADOW}
    for alias in (CHAMPION, LATEST):
        try:
            pointer = registry.alias(model, alias)
        except HubError:  # a damaged pointer: nobody answers by it, and those above shadow are looked at all the same
            continue
        if pointer is not None:
            found.add(pointer.version)
    return sorted(found)


def _at_once(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    watched: Watched,
    known: Sequence[BreakerEvent],
    at: datetime,
    settings: BreakerSettings,
) -> tuple[Reading, ...]:
    last = standing(known, watched.version)
    newest, missed = _newest(store, instrument, at)
    missing = last.get(MISSING)
    since = missing.happened_at if missing is not None and missing.kind != "armed" else _EVER
    rows = _live_forecasts(store, watched, since, at, max(settings.missing_of, settings.whole_events))
    stale = last.get(STALE)
    spoken = watched.stage != SHADOW or bool(rows) or since != _EVER or (stale is not None and stale.kind != "armed")
    feed = readings.Feed(newest, missed, spoken)
    return (
        readings.stale_data(feed, stale, settings),
        _expired(registry, watched, at),
        _damaged(registry, watched),
        readings.missing_features(rows, missing, settings),
    )


def _newest(store: Store, instrument: Instrument, at: datetime) -> tuple[datetime | None, int]:
    """Return when the newest bar closed, and the minutes of open market between that and `at`."""
    with store.market() as cursor:
        asked = {"instrument": instrument.symbol, "before": at}
        [(starts,)] = cursor.execute(sql("newest_bar"), asked).fetchall()
    if starts is None:
        return None, 0
    closed = starts + _MINUTE
    span = (np.array([to_minute(each)], dtype=np.int64) for each in (closed, max(closed, at)))
    return closed, int(expected_minutes(instrument, *span)[0])


def _live_forecasts(
    store: Store, watched: Watched, after: datetime, known_by: datetime, count: int
) -> list[str | None]:
    """Return the codes of the newest live forecasts' refusals, newest first; None of an answer."""
    asked = {
        "instrument": watched.instrument,
        "model": watched.model,
        "version": watched.version,
        "after": after,
        "known_by": known_by,
        "count": count,
    }
    with store.journal() as cursor:
        return [row[2] for row in cursor.execute(sql("last_live_forecasts"), asked).fetchall()]


def _expired(registry: ModelRegistry, watched: Watched, at: datetime) -> Reading:
    try:
        metadata = registry.metadata(watched.model, watched.version)
    except HubError as error:
        return readings.unreadable(EXPIRED, watched.version, str(error))
    return readings.expired_model(watched.version, metadata, at.date())


def _damaged(registry: ModelRegistry, watched: Watched) -> Reading:
    """Return whether the files are as published: their bytes, without parsing a model."""
    try:
        registry.published(watched.model, watched.version)
    except DamagedVersion as error:
        return readings.damaged_model(watched.version, [str(error)])
    except HubError as error:
        return readings.unreadable(DAMAGED, watched.version, str(error))
    return readings.damaged_model(watched.version, ())


def _of_outcomes(
    store: Store,
    instrument: Instrument,
    watched: Watched,
    known: Sequence[BreakerEvent],
    changes: Sequence[StageChange],
    at: datetime,
    settings: BreakerSettings,
) -> list[Reading]:
    version = watched.version
    rows = evidence_rows(store, instrument.symbol, watched.model, version, at)
    everything = judged_of(rows)
    since = {code: armed_since(known, version, code) or _EVER for code in (CALIBRATION, CHANGE, DRAWDOWN)}
    move = current_move(changes, version)
    entered = _EVER if move is None else move.since
    look = look_at_quality(_losses(everything, since[CHANGE]))
    in_stage = judged_of(_live(rows, max(since[DRAWDOWN], entered)))
    return [
        readings.calibration_lost(judged_of(_live(rows, since[CALIBRATION])), settings),
        readings.error_change_point(look),
        readings.drawdown(in_stage, everything, settings),
    ]


def _losses(judged: Judged, since: datetime) -> Cusum | None:
    """Return the CUSUM of the days after the re-arm `since`, by the version's first days."""
    if len(judged) == 0 or judged.label.targets:
        return None
    days = np.unique(judged.days)
    after = judged.days > np.datetime64(since.date(), "D")
    kept = judged.where(after | (judged.days <= days[min(REFERENCE_DAYS, len(days)) - 1]))
    return cusum(log_losses(kept.actual, kept.probs), kept.days, REFERENCE_DAYS)


def _live(rows: pa.Table, since: datetime) -> pa.Table:
    """Return the rows that were said live after `since`."""
    live = pc.and_(pc.invert(pc.fill_null(rows["replayed"], False)), pc.greater(rows["decided_at"], pa.scalar(since)))
    return rows.filter(live)
