"""The circuit breaker of one version on Model health: each code's state, its value against its line, its last trip."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from app_pages.clock import WallClock
from app_pages.health_view import plain
from ml_data.breaker_log import TRIPPED, BreakerEvent, breaker_events, standing
from ml_data.stage_history import current_stage, stage_changes
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from ml_monitoring.breaker import (
    CALIBRATION,
    CHANGE,
    CODES,
    DAMAGED,
    DRAWDOWN,
    EXPIRED,
    MISSING,
    STALE,
    TITLES,
    Reading,
    Watched,
    rearm_rule,
)
from ml_monitoring.breaker_watch import read
from trading.domain.instrument import Instrument
from trading.settings import BreakerSettings

OVER: Final = "over its line, trips at the next look"
_SHAPES: Final = {"armed": ("✓", "good"), "tripped": ("✕", "bad"), OVER: ("✕", "bad"), "cannot tell": ("…", "muted")}


@dataclass(frozen=True)
class CodeView:
    """One code: how it reads, what was written of it last (None: it was never looked at), and its last trip."""

    reading: Reading
    last: BreakerEvent | None
    trip: BreakerEvent | None

    @property
    def state(self) -> str:
        """Tripped, armed, over its line though nobody has looked yet, or that it cannot tell."""
        if self.last is not None and self.last.kind in TRIPPED:
            return "tripped"
        if self.reading.state == "over":
            return OVER
        return "armed" if self.last is not None and self.reading.state == "within" else "cannot tell"


def breaker_codes(
    store: Store,
    registry: ModelRegistry,
    instrument: Instrument,
    model: str,
    version: str,
    at: datetime,
    known_by: datetime,
    settings: BreakerSettings,
    codes: Sequence[str],
) -> tuple[CodeView, ...]:
    """Return how `codes` read at the instant `at`, and stood by what was written by `known_by`. Nothing is written."""
    events = tuple(event for event in breaker_events(store, model) if event.happened_at <= known_by)
    changes = stage_changes(store, model)
    watched = Watched(instrument.symbol, model, version, current_stage(changes, version))
    last = standing(events, version)
    trips = standing([event for event in events if event.kind == "trip"], version)
    found = read(store, registry, instrument, watched, events, changes, at, settings, codes)
    return tuple(CodeView(reading, last.get(reading.code), trips.get(reading.code)) for reading in found)


def breaker_title(found: Sequence[CodeView]) -> str:
    """Return the title of the card, Markdown."""
    tripped = [each.reading.code for each in found if each.state == "tripped"]
    if tripped:
        return f"**Circuit breaker**: tripped ({', '.join(tripped)})"
    over = [each.reading.code for each in found if each.state == OVER]
    if over:
        return f"**Circuit breaker**: over its line ({', '.join(over)}), trips at the next look"
    if any(each.last is None for each in found):
        return "**Circuit breaker**: it has not looked at this version yet"
    telling = sum(each.state == "armed" for each in found)
    return f"**Circuit breaker**: armed, {telling} of {len(CODES)} codes can tell"


def breaker_html(found: Sequence[CodeView], wall: WallClock, settings: BreakerSettings) -> str:
    """Return a row a code: its state, value against line, what it says, its last trip, what arms it again."""
    return f'<div class="hub-gates two-columns">{"".join(_row(each, wall, settings) for each in found)}</div>'


def _row(each: CodeView, wall: WallClock, settings: BreakerSettings) -> str:
    shape, tone = _SHAPES[each.state]
    trip = each.trip
    told = "Never tripped" if trip is None else f"Tripped {wall.day_hm(trip.happened_at)} {wall.label}"
    rule = f"{told}. Armed again {rearm_rule(each.reading.code, settings)}."
    return (
        f'<div><i class="tone-{tone}" title="{each.state}">{shape}</i>'
        f"<span>{TITLES[each.reading.code]}: {each.state}</span>"
        f'<span class="value">{_against(each.reading)}</span>'
        f'<span class="sub">{escape(plain(each.reading.sentence))} {escape(rule)}</span></div>'
    )


def _against(reading: Reading) -> str:
    """Return the value beside its line, in the code's unit; nothing where there is none."""
    if math.isnan(reading.value):
        return ""
    value, line = reading.value, reading.line
    shown, of = {
        STALE: (f"{value:,.0f}", f"{line:,.0f} min"),
        EXPIRED: (f"{value:,.0f} days", "past"),
        DAMAGED: (f"{value:,.0f}", "problems"),
        MISSING: (f"{value:,.0f}", f"{line:,.0f} allowed"),
        CALIBRATION: (f"p {value:.3f}", f"above {line:g}"),
        CHANGE: (f"{value:.1f}", f"{line:.1f}"),
        DRAWDOWN: (f"{value:.1f}", f"{line:g} R"),
    }[reading.code]
    of = f"of {of}" if reading.code in (STALE, MISSING, CHANGE, DRAWDOWN) else of
    return f"{shown} <span class='tone-muted'>{of}</span>"
