"""The clock of a file: inferred from its bars where stamps are naive, and checked against them where it is known."""

from typing import Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.clock_counts import NaiveBars
from ml_data.clock_evidence import ENOUGH, Candidate, weigh_clocks
from ml_data.clock_words import ClockFinding, busy_opens, counted, evidence_lines, in_closed_hours, why_unknown
from ml_data.closed_hours import Closures, closures
from ml_data.import_plan import Source
from ml_data.import_windows import OutOfOrder, windows
from ml_data.importers.wall_clock import to_wall
from trading.domain.bar import MINUTE_US
from trading.domain.calendar import expected_minutes
from trading.domain.instrument import Instrument
from trading.errors import BadBars

OFFSET_IN_STAMPS: Final = "offset in each stamp"  # as importers name it in `Recognised.time_zone`
_KEPT: Final = 5  # candidates that a report names
_GROSS: Final = 0.5  # a halt filled half as much as the open hours is none: the clock is wrong
_BESIDE: Final = 15  # minutes beside a closure in which there are bars where a file covers all hours
_SPREAD: Final = 16  # minutes of a window's span for each of its rows, up to which counting is faster than sorting

_Number = TypeVar("_Number", bound=np.generic)


class BarMinutes:
    """Gathers in which minutes there are bars and how busy each is, window by window; contracts count together.

    It is all that an import remembers of every bar, so it takes 8 bytes a minute.
    """

    def __init__(self) -> None:
        self._minutes: list[npt.NDArray[np.int32]] = []
        self._volumes: list[npt.NDArray[np.float32]] = []
        self._ranges: list[npt.NDArray[np.float32]] = []  # as long as there is no volume
        self._traded = False

    def take(self, rows: pa.Table) -> None:
        """Add checked bars; no other rows taken have bars of their time."""
        if len(rows) == 0:
            return
        stamps = rows.column("ts").cast(pa.int64()).to_numpy() // MINUTE_US
        first = stamps.min()
        if stamps.max() - first <= _SPREAD * len(stamps):
            place = stamps - first
            kept = np.flatnonzero(np.bincount(place))
            minutes = kept + first
        else:
            minutes, place = np.unique(stamps, return_inverse=True)
            kept = np.arange(len(minutes))
        self._minutes.append(minutes.astype(np.int32))
        volumes = rows.column("volume").to_numpy()
        if volumes.any():
            self._traded = True
            self._ranges = []
            self._volumes.append(np.bincount(place, volumes)[kept].astype(np.float32))
        else:
            self._volumes.append(np.broadcast_to(np.float32(0.0), len(minutes)))
        if not self._traded:
            ranges = rows.column("high").to_numpy() - rows.column("low").to_numpy()
            self._ranges.append(np.bincount(place, ranges)[kept].astype(np.float32))

    def starts(self) -> npt.NDArray[np.int32]:
        """Return the minutes that were taken, each once, sorted."""
        minutes = _joined(self._minutes) if self._minutes else np.zeros(0, dtype=np.int32)
        return minutes if _is_rising(minutes) else np.unique(minutes)

    def bars(self, clock: str) -> NaiveBars | None:
        """Return what was taken, as `clock` shows it; None when there was nothing."""
        if not self._minutes:
            return None
        shown, activity = _joined(self._minutes), _joined(self._volumes if self._traded else self._ranges)
        if clock != "UTC":
            shown = (to_wall(shown.astype(np.int64) * MINUTE_US, clock) // MINUTE_US).astype(np.int32)
        if _is_rising(shown):
            return NaiveBars(shown, activity)
        shown, place = np.unique(shown, return_index=True)
        return NaiveBars(shown, activity[place])


def _joined(parts: list[npt.NDArray[_Number]]) -> npt.NDArray[_Number]:
    """Return all `parts`, of which there are some, as one array, which takes their place."""
    if len(parts) > 1:
        parts[:] = [np.concatenate(parts)]
    return parts[0]


def _is_rising(minutes: npt.NDArray[np.int32]) -> bool:
    return bool(np.all(minutes[1:] > minutes[:-1]))


def inferred_clock(source: Source, instrument: Instrument, sample: str, *, accepted: bool) -> ClockFinding:
    """Return the clock that the bars of `source` show, its stamps being naive, like `sample`.

    A file that cannot be used for other reasons is given UTC, so that its import tells them.

    Raises
    ------
    BadBars
        when the bars do not tell.
    """
    bars = _naive_bars(source, instrument)
    if bars is None:
        return ClockFinding("UTC", "inferred", "cannot tell", (), accepted)
    evidence = weigh_clocks(bars, instrument)
    if evidence.verdict == "cannot tell":
        raise BadBars(
            f"{source.name}: its stamps, such as {sample!r}, name no clock, and {why_unknown(evidence, instrument)}."
        )
    return ClockFinding(
        clock=evidence.best.clock,
        how="inferred",
        verdict=evidence.verdict,
        lines=evidence_lines(evidence, instrument),
        accepted=accepted,
        candidates=evidence.candidates[:_KEPT],
    )


def checked_clock(
    minutes: BarMinutes, clock: str, source: Source, instrument: Instrument, *, accepted: bool
) -> ClockFinding:
    """Return what the bars of `source`, gathered in UTC, say of `clock`, on which they were read.

    Raises
    ------
    BadBars
        when they contradict it grossly and nobody accepted it.
    """
    how: Literal["named", "stated"] = "named" if clock == source.time_zone else "stated"
    bars = minutes.bars("UTC")
    schedule = closures(instrument)
    if bars is None or not len(schedule.starts):
        return ClockFinding(clock, how, "not asked", (), accepted)
    closed = schedule.between(int(bars.minutes[0]), int(bars.minutes[-1]))
    inside = closed.inside(bars.minutes)
    in_halt, in_closures = int(inside[closed.halt].sum()), int(inside[~closed.halt].sum())
    told = counted(len(bars.minutes), in_halt, in_closures, instrument)
    agrees = ClockFinding(clock, how, "agrees", (told,), accepted)
    if in_halt + in_closures < ENOUGH and _keeps_the_hours(bars, closed):
        return agrees
    shown = clock if how == "named" else "UTC"
    as_shown = bars if shown == "UTC" else minutes.bars(shown) or bars
    evidence = weigh_clocks(as_shown, instrument, claimed=shown)
    read = next(candidate for candidate in evidence.candidates if candidate.clock == shown)
    gross = _is_gross(bars, closed, read, instrument)
    by = "by the" if clock == OFFSET_IN_STAMPS else "as"
    sleepy = shown not in (*evidence.open_clocks, *evidence.best.alike)  # the cash open is at another hour
    if evidence.change is not None:
        told = why_unknown(evidence, instrument)
    elif read.contradicted:
        told = f"read {by} {clock}, {in_closed_hours(evidence, read, evidence.best, instrument)}"
    elif sleepy:
        told = f"read {by} {clock}, {busy_opens(evidence, read)}"
    elif gross:
        told += ", and no other clock explains them better"
    else:
        return agrees
    wrong = read.contradicted and (gross or evidence.verdict != "cannot tell")
    if (wrong or (sleepy and not read.contradicted and how == "named")) and not accepted:
        advice = f"name {evidence.best.clock} instead, or add --accept if {clock} is right"
        if how == "stated":
            advice = "correct the stamps, or add --accept if they are right"
        raise BadBars(f"{source.name}: {told}; {advice}.")
    return ClockFinding(clock, how, "contradicted", (told,), accepted, evidence.candidates[:_KEPT])


def _keeps_the_hours(bars: NaiveBars, closed: Closures) -> bool:
    """Return whether trading stops and goes on with most closures, so that no other clock could explain it as well."""
    if not len(closed.starts):
        return False
    before = bars.before(closed.starts) > bars.before(closed.starts - _BESIDE)
    after = bars.before(closed.ends + _BESIDE) > bars.before(closed.ends)
    return 2 * int((before & after).sum()) >= len(closed.starts)


def _is_gross(bars: NaiveBars, closed: Closures, read: Candidate, instrument: Instrument) -> bool:
    """Return whether the halt is no halt, or most of the volume lies in closed hours, in `bars` as they were read."""
    first, last = bars.minutes[:1].astype(np.int64), bars.minutes[-1:].astype(np.int64)
    halted = int((closed.ends - closed.starts)[closed.halt].sum())
    opened = int(expected_minutes(instrument, first, last + 1)[0])
    filled = read.in_halt / halted if halted else 0.0
    usual = (len(bars.minutes) - read.wrong) / opened if opened else 0.0
    return (read.in_halt >= ENOUGH and filled > _GROSS * usual) or read.closed_share > _GROSS


def _naive_bars(source: Source, instrument: Instrument) -> NaiveBars | None:
    """Return the bars of `source` with their stamps as written; None when most rows cannot be used."""
    for whole in (False, True):
        minutes = BarMinutes()
        usable, rejected = 0, 0
        try:
            for window in windows(source.read("UTC").chunks, instrument, source.name, whole=whole):
                minutes.take(window.rows)
                usable, rejected = usable + len(window.rows), rejected + len(window.rejects)
        except OutOfOrder:
            continue
        return minutes.bars("UTC") if usable > rejected else None
    raise AssertionError("one window cannot be out of order")
