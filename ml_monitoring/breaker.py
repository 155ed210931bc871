"""The circuit breaker: what takes a version's voice at once, by which code, and what arms the breaker again.

Pure: what was written so far, what was read just now and the present instant in; what is to be written down out. A trip
needs no evidence but its own, and a re-arm gives nothing back: the version stays in shadow until it has earned its way.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from ml_data.breaker_log import TRIPPED, BreakerEvent, Kind, open_trips, standing
from ml_data.stage_history import StageChange, current_stage
from ml_monitoring.stages import demotion
from trading.domain.advice import SHADOW
from trading.settings import BreakerSettings

STALE, EXPIRED, DAMAGED = "stale_data", "expired_model", "damaged_model"
CALIBRATION, CHANGE = "calibration_lost", "error_change_point"
MISSING, DRAWDOWN = "missing_features", "drawdown"
CODES: Final = (STALE, EXPIRED, DAMAGED, MISSING, CALIBRATION, CHANGE, DRAWDOWN)
"""Every reason to trip; the first four are looked at at every forecast, all of them when outcomes come in."""

AT_ONCE: Final = (STALE, EXPIRED, DAMAGED, MISSING)
TITLES: Final = {
    STALE: "Stale data",
    EXPIRED: "Expired version",
    DAMAGED: "Damaged version",
    MISSING: "Missing inputs",
    CALIBRATION: "Calibration lost",
    CHANGE: "Errors have risen",
    DRAWDOWN: "Drawdown",
}
REARMS: Final[dict[str, Literal["itself", "version", "name"]]] = {
    STALE: "itself",
    EXPIRED: "version",
    DAMAGED: "version",
    MISSING: "itself",
    CALIBRATION: "name",
    CHANGE: "name",
    DRAWDOWN: "name",
}
"""What arms a code again: it does so itself, only another version does, or somebody by name and with a reason."""

BY_ITSELF: Final = "hub"
"""Who moves a version, trips and re-arms where nobody did."""

ReadingState = Literal["within", "over", "cannot tell", "unreadable"]


@dataclass(frozen=True)
class Reading:
    """How one code reads now: its `value` against its `line`, and the sentence that says it.

    `over` trips. `unreadable`, and a value that is no number, trip a version above shadow; "cannot tell" (too little
    has happened) trips nothing. `recovered` says that what a tripped code asks for to arm itself has come about.
    """

    code: str
    state: ReadingState
    subject: str
    value: float
    line: float
    sentence: str
    recovered: bool = False


@dataclass(frozen=True)
class Watched:
    """The version that is looked at, and the stage it is in."""

    instrument: str
    model: str
    version: str
    stage: str


ASKED_AGAIN: Final = "it answers again, and was tripped"
"""Why a code trips that reads within its line: it stood tripped when another version answered in its stead."""


def rearm_rule(code: str, settings: BreakerSettings) -> str:
    """Return what arms `code` again, as the end of a sentence that begins "Armed again"."""
    if code == STALE:
        return f"by itself, after {settings.fresh_minutes} minutes of fresh bars"
    if code == MISSING:
        return f"by itself, after {settings.whole_events} forecasts in a row with every input"
    if REARMS[code] == "version":
        return "only with another version: hub train makes one, hub models promote lets an earlier one answer"
    return f"by name and with a reason: hub breaker --rearm {code} --by NAME --why REASON"


def step(
    events: Sequence[BreakerEvent], watched: Watched, readings: Sequence[Reading], at: datetime
) -> tuple[BreakerEvent, ...]:
    """Return what is to be written of one look at one version: first looks, trips, recoveries, re-arms.

    A clock that went back arms nothing.
    """
    last = standing(events, watched.version)
    newest = max((event.happened_at for event in events if event.version == watched.version), default=at)
    found = []
    for reading in readings:
        kind = _kind(last.get(reading.code), reading, above=watched.stage != SHADOW, forwards=at >= newest)
        if kind is not None:
            found.append(_event(watched, reading, kind, at))
    return tuple(found)


def _kind(last: BreakerEvent | None, reading: Reading, *, above: bool, forwards: bool) -> Kind | None:
    """Return what a reading makes of a code that stands as `last` says; None leaves it so."""
    trips = _trips(reading, above)
    if last is not None and last.kind == "replaced":
        return "trip"  # it answers again, and nobody has armed it meanwhile
    if last is None or last.kind not in TRIPPED:
        return "trip" if trips else "armed" if last is None else None
    if REARMS[reading.code] != "itself" or not forwards:
        return None
    if trips:
        return "trip" if last.kind == "recovering" else None
    if reading.state == "within" and reading.recovered:
        return "rearm"
    return "recovering" if reading.state == "within" and last.kind == "trip" else None


def _trips(reading: Reading, above: bool) -> bool:
    no_number = reading.state == "unreadable" or (reading.state == "within" and math.isnan(reading.value))
    return reading.state == "over" or (above and no_number)


def replaced(events: Sequence[BreakerEvent], answering: Sequence[str], at: datetime) -> tuple[BreakerEvent, ...]:
    """Return what is to be written of open trips of versions that answer no more, where others do: they are replaced.

    Should such a version answer again, it is as tripped as it was.
    """
    if not answering:
        return ()
    gone = sorted({event.version for event in events} - set(answering))
    why = f"{', '.join(answering)} answers now"
    return tuple(
        replace(trip, kind="replaced", happened_at=at, by_whom=BY_ITSELF, why=why)
        for version in gone
        for trip in open_trips(events, version)
        if trip.kind != "replaced"
    )


def silenced(
    changes: Sequence[StageChange], events: Sequence[BreakerEvent], model: str, version: str, at: datetime
) -> StageChange | None:
    """Return the move to shadow of a version with an open trip; None when it has none, or is in shadow."""
    trips = open_trips(events, version)
    if not trips or current_stage(changes, version) == SHADOW:
        return None
    why = f"{trips[0].code}: {trips[0].sentence}"
    return demotion(changes, model, version, SHADOW, at=at, by=BY_ITSELF, why=why)


def rearm(
    events: Sequence[BreakerEvent], version: str, code: str, *, at: datetime, by: str, why: str
) -> tuple[BreakerEvent | None, tuple[str, ...]]:
    """Return the re-arm of a code by name, or every reason against it. It moves no version up."""
    trip = next((event for event in open_trips(events, version) if event.code == code), None)
    if trip is None:
        return None, (f"{code} of {version} is not tripped: there is nothing to arm.",)
    reasons = []
    newest = max(event.happened_at for event in events if event.version == version)
    if REARMS[code] == "version":
        reasons.append(f"{version} stays tripped ({code}): train and publish another version.")
    if REARMS[code] == "itself":
        reasons.append(f"{code} arms itself as soon as what it asks for is there; nobody does it by hand.")
    if not by.strip() or not why.strip():
        reasons.append("A re-arm has a name (--by) and a reason (--why).")
    if at < newest:
        reasons.append(f"The clock went back: the breaker has written at {newest:%Y-%m-%d %H:%M:%SZ} already.")
    if reasons:
        return None, tuple(reasons)
    sentence = f"Armed again; it looks at what comes after {at:%Y-%m-%d %H:%MZ}."
    return replace(trip, kind="rearm", sentence=sentence, happened_at=at, by_whom=by.strip(), why=why.strip()), ()


def armed_since(events: Sequence[BreakerEvent], version: str, code: str) -> datetime | None:
    """Return when `code` was last armed again: it looks at what came after that. None: it never was."""
    times = [event.happened_at for event in events if (event.version, event.code) == (version, code)]
    kinds = [event.kind for event in events if (event.version, event.code) == (version, code)]
    rearms = [at for at, kind in zip(times, kinds, strict=True) if kind == "rearm"]
    return rearms[-1] if rearms else None


def _event(watched: Watched, reading: Reading, kind: Kind, at: datetime) -> BreakerEvent:
    why = {
        "armed": "first look",
        "trip": {"over": "what it reads is over its line", "within": ASKED_AGAIN}.get(
            reading.state, "it cannot be read"
        ),
        "recovering": "it reads within its line again",
        "replaced": "another version answers",
        "rearm": "what it asks for to arm itself is there",
    }[kind]
    return BreakerEvent(
        watched.instrument,
        watched.model,
        watched.version,
        reading.code,
        kind,
        reading.subject,
        reading.value,
        reading.line,
        reading.sentence,
        at,
        BY_ITSELF,
        why,
    )
