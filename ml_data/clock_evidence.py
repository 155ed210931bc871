"""Which clock naive stamps show, asked of the bars: markets close at hours that are known, and bars lie outside them.

Every clock of a short list is tried: under it each closure of the schedule (daily halt, night, weekend, holiday) covers
certain stamps. The right clock has no bars there; another has as many as it moves into them. Clocks that read every bar
alike are one reading. What follows daylight saving is told from what does not by the weeks in which both differ.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ml_data.clock_counts import ClockCount, Flags, NaiveBars, clock_counts, closures_of
from ml_data.closed_hours import Closures
from trading.domain.calendar import Minutes
from trading.domain.instrument import Instrument

ClockVerdict = Literal["certain", "likely", "cannot tell"]

ENOUGH: Final = 10
"""Bars inside closures that speak against a clock, when another has at most a quarter of them there."""

_TIMES: Final = 4
_STRAY: Final = 0.01  # share of bars inside closures beyond which a clock cannot be certain
_OUTSIDE: Final = 0.05  # beyond this one, bars are made outside the hours of the schedule, too: volume decides
_MOST_OUTSIDE: Final = 0.35  # of the volume
_MARGIN: Final = 0.02  # of the volume
_LOUDER: Final = 0.75  # of the best one's busy opens, which another has at most
_A_CHANGE: Final = 30  # bars inside closures on each side of a day, to say that the clock changed there
_CHANGED_CLOSURES: Final = 3  # that hold more than a few of them


@dataclass(frozen=True)
class Candidate:
    """What one reading of the stamps makes of the bars; `alike` are other names of the same reading.

    `against` bars lie inside the `elsewhere` closures that this reading lays over other stamps than the best one does;
    `best_there` of the best one's lie inside them where that lays them.
    """

    clock: str
    alike: tuple[str, ...]
    in_halt: int
    in_closures: int  # weekends, nights, holidays
    impossible: int  # bars in an hour that the clock skips
    closed_share: float  # of the volume, inside halts and closures; NaN without any
    lined_up: int  # closures at which bars stop and go on
    busy_opens: int  # days on which 09:30 New York is busier than the minutes before
    elsewhere: int
    against: int
    best_there: int
    contradicted: bool

    @property
    def wrong(self) -> int:
        """Bars where the market is closed or the clock shows no such time."""
        return self.in_halt + self.in_closures + self.impossible


@dataclass(frozen=True)
class ClockChange:
    """The clock changes within the file: `before` up to the day `last`, `after` from the day `first`."""

    before: str
    last: np.datetime64
    after: str
    first: np.datetime64


@dataclass(frozen=True)
class ClockEvidence:
    """What the bars say: `candidates` best first; `open_clocks` are those that nothing here tells from the best."""

    verdict: ClockVerdict
    bars: int
    closures: int  # with bars on both sides, read as the best says
    opens: int  # weekdays with bars around the cash open
    candidates: tuple[Candidate, ...]
    open_clocks: tuple[str, ...]
    by_volume: bool  # bars are made outside the schedule's hours, too, so only their volume tells
    change: ClockChange | None

    @property
    def best(self) -> Candidate:
        """The candidate that explains the bars best."""
        return self.candidates[0]


def weigh_clocks(bars: NaiveBars, instrument: Instrument, claimed: str | None = None) -> ClockEvidence:
    """Return which clock the stamps of `bars` show, with the counts that say so; at least one bar.

    `claimed` is a clock to try beside those of the list, first by name among clocks that read alike.
    """
    counts = clock_counts(bars, instrument, claimed)
    closed = closures_of(bars, instrument)
    by_volume = min(count.wrong for count in counts) > _OUTSIDE * len(bars.minutes)
    counts.sort(key=lambda count: _rank(count, by_volume=by_volume))
    best = counts[0]
    candidates = tuple(_candidate(best, count, closed, by_volume=by_volume) for count in counts)
    rivals = [count for count, candidate in zip(counts, candidates, strict=True) if not candidate.contradicted][1:]
    alike = [rival.clock for rival in rivals if not _quieter(best, rival)]
    change = _change(counts, closed)
    silent = by_volume and (not best.closed_share <= _MOST_OUTSIDE or 2 * best.busy.sum() < best.open_days)
    if alike or change is not None or silent:
        verdict: ClockVerdict = "cannot tell"
    else:
        sure = not rivals and not by_volume and best.wrong <= _STRAY * len(bars.minutes) and best.lined_up.sum() >= 2
        verdict = "certain" if sure else "likely"
    return ClockEvidence(
        verdict=verdict,
        bars=len(bars.minutes),
        closures=int(best.covered.sum()),
        opens=best.open_days,
        candidates=candidates,
        open_clocks=(best.clock, *alike),
        by_volume=by_volume,
        change=change,
    )


def _rank(count: ClockCount, *, by_volume: bool) -> tuple[float, float]:
    """Return what sorts the better reading first."""
    if by_volume and count.closed_share == count.closed_share:
        return count.closed_share, -float(count.busy.sum())
    return count.wrong - ENOUGH * float(count.lined_up.sum()), -float(count.busy.sum())


def _differ(one: ClockCount, other: ClockCount) -> Flags:
    """Return which closures both readings lay over different stamps."""
    flags: Flags = (one.starts != other.starts) | (one.ends != other.ends)
    return flags


def _candidate(best: ClockCount, count: ClockCount, closed: Closures, *, by_volume: bool) -> Candidate:
    differ = _differ(best, count)
    against = int(count.inside[differ].sum()) + count.impossible
    best_there = int(best.inside[differ].sum()) + best.impossible
    contradicted = against - best_there >= ENOUGH and against >= _TIMES * best_there
    if by_volume:
        louder = best.busy.sum() * _LOUDER >= count.busy.sum()  # a file may lack a part of the day, but not the open
        contradicted = bool(louder) and count.closed_share >= best.closed_share + _MARGIN
    return Candidate(
        clock=count.clock,
        alike=count.alike,
        in_halt=int(count.inside[closed.halt].sum()),
        in_closures=int(count.inside[~closed.halt].sum()),
        impossible=count.impossible,
        closed_share=count.closed_share,
        lined_up=int(count.lined_up.sum()),
        busy_opens=int(count.busy.sum()),
        elsewhere=int((differ & best.covered).sum()),
        against=against,
        best_there=best_there,
        contradicted=contradicted,
    )


def _quieter(best: ClockCount, other: ClockCount) -> bool:
    """Return whether, where both differ, the bars show most closures or cash opens of `best` and few of `other`."""
    differ, moved = _differ(best, other), best.opens != other.opens
    for seen, of_other, times, least in (
        (best.lined_up[differ], other.lined_up[differ], _TIMES, 2),
        (best.busy[moved], other.busy[moved], 2, 5),
    ):
        count = int(seen.sum())
        if count >= least and 2 * count >= len(seen) and count >= times * int(of_other.sum()):
            return True
    return False


def _change(counts: list[ClockCount], closed: Closures) -> ClockChange | None:
    """Return where the clock changes: a second reading explains what the best does not, all of it on one side."""
    best = counts[0]
    for other in counts[1:]:
        differ = _differ(best, other)
        for early, late in ((best, other), (other, best)):
            wrong_early, wrong_late = np.where(differ, early.inside, 0), np.where(differ, late.inside, 0)
            after = np.flatnonzero(wrong_early > _TIMES * wrong_late + 1)
            if len(after) == 0:
                continue
            before = slice(0, after[0])
            if _clearly_less(wrong_early[before], wrong_late[before]) and _clearly_less(
                wrong_late[after[0] :], wrong_early[after[0] :]
            ):
                last = int(np.flatnonzero(wrong_late[before])[-1])
                dates = (closed.starts // 1440).astype("datetime64[D]")
                return ClockChange(early.clock, dates[last], late.clock, dates[after[0]])
    return None


def _clearly_less(few: Minutes, many: Minutes) -> bool:
    """Return whether one reading leaves empty what another fills, and not by a holiday alone."""
    enough = int(many.sum()) >= max(_A_CHANGE, _TIMES * int(few.sum()))
    return enough and int((many > ENOUGH).sum()) >= _CHANGED_CLOSURES
