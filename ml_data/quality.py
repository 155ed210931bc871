"""Whether an instrument's bars can be trusted: holes told from thin trading, doubtful bars, volume that says nothing.

A minute without a trade has no bar, so missing minutes prove nothing by themselves. A silence is a **hole** when it is
surprising: its minutes usually have bars at that hour. The surprise is the sum over its open minutes of -ln(1 - share),
where share is the mean share of minutes with a bar at that hour of the exchange's clock on the trading days around.
Thin nights may be silent for half an hour; the seven minutes after the cash open of an index may not.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from trading.domain.calendar import Minutes, expected_minutes, to_minute
from trading.domain.instrument import Instrument

SURPRISE: Final = 45.0
"""Nats from which a silence is a hole: far beyond chance, if minutes were silent independently; they are not. Of 18,000
silences of micro gold from 2020 to 2025 only the half days that its calendar does not know are so surprising."""

RANGE_SURPRISE: Final = 12.0
"""Nats from which the minutes that an opening range lacks are a hole."""

MOST_SHARE: Final = 0.999  # no hour is taken to be fuller: 6.9 nats a minute at the most
_DAYS_AROUND: Final = 10
_USUAL: Final = 0.8  # of the median share: hours that are emptier are not usual
_HOLIDAY: Final = 3.0
_ABSENT: Final = 0.05  # an hour that is hardly ever filled, where others are
_PRESENT: Final = 0.30
_RECURS: Final = 0.20  # of the days' hours: silences that begin and end at the same minute of the hour
_RECURRENT_MINUTES: Final = 10
_RECURRENT_DAYS: Final = 5
_UNIT: Final = 20.0  # times the volume changes, for good
_UNIT_DAYS: Final = 10


@dataclass(frozen=True)
class Hole:
    """Open minutes `[starts_at, ends_at)` (UTC) without a bar that usually have one.

    `usual` is the share of such minutes that have a bar on the days around. `holiday` names where a holiday is kept:
    then the exchange may have been closed although its calendar says otherwise, and nobody can tell from the bars.
    """

    first_day: date
    last_day: date
    starts_at: datetime
    ends_at: datetime
    minutes: int
    usual: float
    holiday: str | None = None


@dataclass(frozen=True)
class VolumeState:
    """How much of the volume says nothing: bars, and those with volume 0; the day on which its unit seems to change."""

    bars: int
    zero: int
    unit_changes: date | None

    @property
    def absent(self) -> bool:
        """Whether no bar has a volume."""
        return self.bars > 0 and self.zero == self.bars


@dataclass(frozen=True)
class Quality:
    """What was found about the bars of an instrument, as far as it had happened.

    `doubts` has the columns of `bar_doubts_of.sql`, `ranges`, the opening ranges that lack minutes, those of
    `range_holes.sql`; `over_hole` says of each of them whether minutes are missing that usually have a bar.
    `absent_hours` are hours of the exchange's clock without bars on usual days; `recurrent` are silences that begin
    and end at the same minutes of many hours: (from, to, how often).
    """

    holes: tuple[Hole, ...]
    doubts: pd.DataFrame
    volume: VolumeState
    absent_hours: tuple[int, ...]
    recurrent: tuple[int, int, int] | None
    ranges: pd.DataFrame
    over_hole: npt.NDArray[np.bool_]

    @property
    def certain_holes(self) -> tuple[Hole, ...]:
        """The holes that no holiday may explain."""
        return tuple(hole for hole in self.holes if hole.holiday is None)


@dataclass(frozen=True)
class Facts:
    """What is stored about the bars: answers to `bar_hours_of`, `bar_silences_of`, `bar_doubts_of`, `range_holes`."""

    hours: pd.DataFrame
    silences: pd.DataFrame
    doubts: pd.DataFrame
    ranges: pd.DataFrame


def judged(facts: Facts, instrument: Instrument) -> Quality:
    """Return what `facts` come to."""
    shares = UsualShares(facts.hours, instrument)
    holes = tuple(_holes(facts.silences, shares, instrument))
    return Quality(
        holes=holes,
        doubts=facts.doubts,
        volume=_volume_state(facts.hours),
        absent_hours=shares.absent_hours(),
        recurrent=_recurrent(facts.silences, int((facts.hours["bars"] > 0).sum())),
        ranges=facts.ranges,
        over_hole=_over_holes(facts.ranges, holes, shares),
    )


class UsualShares:
    """The share of minutes with a bar, by trading day and hour of the exchange's clock: mean of the other days around.

    Hours that are much emptier than on most days around say nothing of what is usual, nor do days without any bar. With
    fewer than 3 days nothing is usual.
    """

    def __init__(self, hours: pd.DataFrame, instrument: Instrument) -> None:
        self._zone = instrument.exchange_zone
        wall = hours["starts_at"].dt.tz_convert(self._zone).dt.hour
        open_hours = hours.assign(hour=wall)[hours["expected_bars"].to_numpy() > 0]
        sums = open_hours.groupby(["trading_day", "hour"])[["bars", "expected_bars"]].sum()
        days = (sums["bars"] / sums["expected_bars"]).clip(upper=1.0).unstack().reindex(columns=range(24))
        with_bars = days[days.sum(axis=1) > 0]
        around = 2 * _DAYS_AROUND + 1
        least = _USUAL * with_bars.rolling(around, center=True, min_periods=3).median()
        kept = with_bars.where(with_bars >= least)
        window = kept.rolling(around, center=True, min_periods=1)
        others = window.count() - kept.notna()
        summed = window.sum() - kept.fillna(0.0)
        usual = (summed / others).where(others >= 2).reindex(days.index).ffill().bfill()
        self._days: npt.NDArray[Any] = pd.DatetimeIndex(usual.index).to_numpy().astype("datetime64[D]")
        self._usual = usual.to_numpy(dtype=np.float64, na_value=np.nan)
        self._overall = with_bars.median()

    def of(self, day: date, wall_hour: int) -> float:
        """Return the usual share on a trading day; 0 where nothing is usual."""
        place = int(np.searchsorted(self._days, np.datetime64(day)))
        if not len(self._days):
            return 0.0
        share = float(self._usual[min(place, len(self._days) - 1), wall_hour])
        return 0.0 if np.isnan(share) else share

    def at(self, day: date, instant: datetime) -> float:
        """Return the usual share at an instant (UTC) of a trading day."""
        return self.of(day, instant.astimezone(ZoneInfo(self._zone)).hour)

    def surprises(
        self, days: npt.NDArray[Any], starts: Minutes, ends: Minutes, instrument: Instrument
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return of each silence `[starts, ends)` (n,) on `days` its surprise in nats, and the usual share, 0 to 1.

        Hours of all silences are asked at once: a thin market has tens of thousands.
        """
        first = starts // 60
        counts = (ends + 59) // 60 - first
        row = np.repeat(np.arange(len(starts)), counts)
        hour = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        minutes = expected_minutes(
            instrument, np.maximum(hour * 60, starts[row]), np.minimum(hour * 60 + 60, ends[row])
        )
        wall = pd.DatetimeIndex((hour * 3600).astype("datetime64[s]"), tz="UTC").tz_convert(self._zone).hour.to_numpy()
        share = np.zeros(len(row))
        if len(self._days):
            place = np.minimum(np.searchsorted(self._days, days[row]), len(self._days) - 1)
            share = np.minimum(np.nan_to_num(self._usual[place, wall]), MOST_SHARE)
        total = np.maximum(np.bincount(row, minutes, len(starts)), 1)
        surprise = np.bincount(row, -minutes * np.log1p(-share), len(starts)).astype(np.float64)
        return surprise, np.bincount(row, minutes * share, len(starts)) / total

    def absent_hours(self) -> tuple[int, ...]:
        """Return the hours of the exchange's clock that are hardly ever filled, where others are."""
        overall = self._overall.dropna()
        if overall.empty or overall.max() < _PRESENT:
            return ()
        return tuple(int(hour) for hour in overall.index[overall < _ABSENT])


def range_hole(missing: int, share: float) -> bool:
    """Return whether `missing` minutes of an opening range are a hole where a `share` of such minutes has a bar.

    >>> range_hole(1, 0.999), range_hole(2, 0.999), range_hole(2, 0.9)
    (False, True, False)
    """
    return missing * -float(np.log1p(-min(share, MOST_SHARE))) >= RANGE_SURPRISE


def _holes(silences: pd.DataFrame, shares: UsualShares, instrument: Instrument) -> list[Hole]:
    """Return the surprising silences in order; those with no open minute between them are one."""
    long = silences[silences["minutes"] >= SURPRISE / -np.log1p(-MOST_SHARE)]
    surprises, usuals = shares.surprises(
        long["trading_day"].to_numpy().astype("datetime64[D]"),
        _minutes(long["starts_at"]),
        _minutes(long["ends_at"]),
        instrument,
    )
    holes: list[Hole] = []
    for row, surprise, usual in zip(_rows(long), surprises.tolist(), usuals.tolist(), strict=True):
        day, starts, ends = row.trading_day, row.starts_at.to_pydatetime(), row.ends_at.to_pydatetime()
        kept = isinstance(row.holiday, str)  # trading is thinner then, and may end when no calendar says so
        if surprise < (_HOLIDAY * SURPRISE if kept else SURPRISE):
            continue
        holiday = row.holiday if kept and row.at_edge else None
        last = holes[-1] if holes else None
        if last is not None and _follows(last.ends_at, starts, instrument):
            holiday = None if last.holiday is None else holiday  # a part of a longer hole has nothing to do with it
            holes[-1] = Hole(
                first_day=last.first_day,
                last_day=_date(day),
                starts_at=last.starts_at,
                ends_at=ends,
                minutes=last.minutes + int(row.minutes),
                usual=(last.usual * last.minutes + usual * row.minutes) / (last.minutes + row.minutes),
                holiday=holiday,
            )
            continue
        holes.append(Hole(_date(day), _date(day), starts, ends, int(row.minutes), usual, holiday))
    return holes


def _over_holes(ranges: pd.DataFrame, holes: tuple[Hole, ...], shares: UsualShares) -> npt.NDArray[np.bool_]:
    """Return of each range whether minutes are missing that usually have a bar; closed hours miss none."""
    certain = [hole for hole in holes if hole.holiday is None]
    starts = np.array([to_minute(hole.starts_at) for hole in certain], dtype=np.int64)
    ends = np.array([to_minute(hole.ends_at) for hole in certain], dtype=np.int64)
    over = np.zeros(len(ranges), dtype=bool)
    for place, row in enumerate(_rows(ranges)):
        if row.void_reason in ("holiday", "early_close"):
            continue
        since, until = to_minute(row.starts_at), to_minute(row.ends_at)
        share = shares.at(row.trading_day, row.starts_at)
        over[place] = bool(np.any((starts < until) & (ends > since))) or range_hole(until - since - row.bars, share)
    return over


def _follows(ends_at: datetime, starts_at: datetime, instrument: Instrument) -> bool:
    if starts_at < ends_at or starts_at - ends_at > timedelta(days=14):
        return False
    edges = np.array([to_minute(ends_at), to_minute(starts_at)], dtype=np.int64)
    return int(expected_minutes(instrument, edges[:1], edges[1:])[0]) == 0


def _recurrent(silences: pd.DataFrame, full_hours: int) -> tuple[int, int, int] | None:
    long = silences[silences["minutes"].between(_RECURRENT_MINUTES, 59)]
    if long.empty:
        return None
    pattern = pd.DataFrame(
        {"from": long["starts_at"].dt.minute, "to": long["ends_at"].dt.minute, "day": long["trading_day"]}
    )
    groups = pattern.groupby(["from", "to"])["day"].agg(["size", "nunique"]).sort_values("size").reset_index()
    first, last, count, days = (int(value) for value in groups.iloc[-1])
    return (first, last, count) if count >= _RECURS * full_hours and days >= _RECURRENT_DAYS else None


def _volume_state(hours: pd.DataFrame) -> VolumeState:
    days = hours.groupby("trading_day")[["bars", "volume"]].sum()
    daily = days["volume"][days["bars"] > 0]
    before = daily.rolling(_UNIT_DAYS).median()
    ratio = (before.shift(-_UNIT_DAYS) / before).replace([np.inf, 0.0], np.nan)
    far = np.abs(np.log(ratio.to_numpy(dtype=np.float64)))
    changes = None
    if (far[~np.isnan(far)] >= np.log(_UNIT)).any():
        sharpest = np.flatnonzero(far >= np.nanmax(far) - 1e-9)  # as many days around the change look alike
        changes = _date(daily.index[int(sharpest[len(sharpest) // 2]) + 1])
    return VolumeState(int(hours["bars"].sum()), int(hours["zero_volume"].sum()), changes)


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a frame, whose columns have the names of its question."""
    yield from frame.itertuples(index=False)


def _minutes(instants: "pd.Series[Any]") -> Minutes:
    minutes: Minutes = instants.dt.tz_localize(None).to_numpy().astype("datetime64[m]").astype(np.int64)
    return minutes


def _date(day: Any) -> date:
    return pd.Timestamp(day).date()
