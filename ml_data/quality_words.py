"""What was found about the bars of an instrument, in sentences, and the verdict that follows from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd

from ml_data.bar_doubts import split_ratio
from ml_data.feature_matrix import volume_features
from ml_data.quality import Hole, Quality, VolumeState
from trading.domain.instrument import Instrument

State = Literal["good", "look", "note"]
Verdict = Literal["stored", "stored with warnings"]

DOUBT_WORDS: Final = {"spike": "lone spike", "jump": "level jump", "steps": "regular run"}
_ZERO_SHARE: Final = 0.05  # of the bars, from which volume 0 is told
_SHOWN: Final = 3


@dataclass(frozen=True)
class QualityLine:
    """One thing that was looked at: `good`, worth a `look`, or a `note` that is no fault of the bars."""

    state: State
    what: str
    sentence: str


def quality_lines(quality: Quality, instrument: Instrument) -> tuple[QualityLine, ...]:
    """Return what was looked at, in this order: holes, ranges over holes, calendar, hours, doubtful bars, volume."""
    return (
        _holes(quality, instrument),
        *_ranges(quality),
        *_calendar(quality, instrument),
        *_hours(quality, instrument),
        *_doubts(quality, instrument),
        _volume(quality.volume),
    )


def verdict(lines: tuple[QualityLine, ...]) -> Verdict:
    """Return the verdict that follows from `lines`: notes and what is good warn of nothing."""
    return "stored with warnings" if any(line.state == "look" for line in lines) else "stored"


def wall_time(instant: datetime, instrument: Instrument) -> str:
    """Return an instant on the exchange's clock, without the clock's name."""
    return f"{instant.astimezone(ZoneInfo(instrument.exchange_zone)):%Y-%m-%d %H:%M}"


def place_of(instrument: Instrument) -> str:
    """Return the name of the exchange's clock.

    It is the zone's last part: "New York".
    """
    return instrument.exchange_zone.rsplit("/", maxsplit=1)[-1].replace("_", " ")


def doubt_sentence(doubt: Any, instrument: Instrument) -> str:
    """Return what is doubtful about a bar: a row of `bar_doubts_of.sql`."""
    at = f"{wall_time(doubt.ts.to_pydatetime(), instrument)} {place_of(instrument)}"
    if doubt.kind == "steps":
        return f"{at}: {doubt.bars:,} bars in a row start {doubt.step_minutes} minutes apart, so they are longer bars"
    if doubt.kind == "jump":
        split = split_ratio(doubt.usual, doubt.close)
        like = f", as a split of {split} would" if split else ""
        return f"{at}: from one close to the next the price goes from {doubt.usual:.10g} to {doubt.close:.10g}{like}"
    far = doubt.high if doubt.high - doubt.usual > doubt.usual - doubt.low else doubt.low
    return f"{at}: {far:.10g} where {doubt.usual:.10g} was usual before and after (volume {doubt.volume:,.10g})"


def _holes(quality: Quality, instrument: Instrument) -> QualityLine:
    holes = quality.certain_holes
    if not holes:
        return QualityLine("good", "holes", "no minutes are missing that usually have a bar")
    minutes = sum(hole.minutes for hole in holes)
    usual = sum(hole.usual * hole.minutes for hole in holes) / minutes
    longest = max(holes, key=lambda hole: hole.minutes)
    count = f"{len(holes):,} holes" if len(holes) > 1 else "1 hole"
    return QualityLine(
        "look",
        "holes",
        f"{count}, together {minutes:,} open minutes, of which {100 * usual:.0f} % usually have a bar; the longest: "
        f"{_span(longest, instrument)}. Bring the bars that are missing, or leave these days out",
    )


def _ranges(quality: Quality) -> Iterator[QualityLine]:
    over = quality.ranges[quality.over_hole]
    if over.empty:
        return
    newest = over.iloc[0]
    void = int(over["void_reason"].notna().sum())
    yield QualityLine(
        "look",
        "ranges",
        f"{len(over):,} opening range{'s lie' if len(over) > 1 else ' lies'} over minutes that are missing and usually "
        f"trade ({void:,} of them without any bar, so void); the last: {newest['trading_day']} {newest['orb']}, "
        f"{newest['bars']} of {newest['expected_bars']} minutes",
    )


def _span(hole: Hole, instrument: Instrument) -> str:
    return (
        f"{wall_time(hole.starts_at, instrument)} to {wall_time(hole.ends_at, instrument)} {place_of(instrument)}, "
        f"{hole.minutes:,} minutes"
    )


def _calendar(quality: Quality, instrument: Instrument) -> Iterator[QualityLine]:
    holidays = [hole for hole in quality.holes if hole.holiday is not None]
    if holidays:
        last = holidays[-1]
        count = f"on {len(holidays):,} holidays bars stop" if len(holidays) > 1 else "on a holiday bars stop"
        yield QualityLine(
            "note",
            "calendar",
            f"{count} before the calendar {instrument.exchange_calendar} says, or begin later, the last time on "
            f"{last.first_day} ({last.holiday}): the calendar may be wrong, so no day is called bad for it",
        )


def _hours(quality: Quality, instrument: Instrument) -> Iterator[QualityLine]:
    if quality.absent_hours:
        yield QualityLine(
            "look",
            "hours",
            f"no bars from {_hour_list(quality.absent_hours)} {place_of(instrument)} on usual days, although the "
            f"exchange is open: the source holds a part of its hours only; sessions and ranges there stay empty",
        )
    if quality.recurrent is not None:
        first, last, count = quality.recurrent
        yield QualityLine(
            "look",
            "pattern",
            f"the bars are silent from minute {first} to minute {last} of {count:,} hours: what is missing follows a "
            f"pattern, so it was lost or cut, not quiet",
        )


def _hour_list(hours: tuple[int, ...]) -> str:
    """Return hours as spans.

    >>> _hour_list((0, 1, 2, 9, 22, 23))
    '00:00 to 03:00, 09:00 to 10:00, 22:00 to 24:00'
    """
    spans: list[list[int]] = []
    for hour in hours:
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return ", ".join(f"{first:02}:00 to {last:02}:00" for first, last in spans)


def _doubts(quality: Quality, instrument: Instrument) -> Iterator[QualityLine]:
    for kind, name in DOUBT_WORDS.items():
        found = quality.doubts[quality.doubts["kind"] == kind]
        if found.empty:
            continue
        shown = "; ".join(_sentences(found.head(_SHOWN), instrument))
        more = f"; and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
        many = "s" if len(found) > 1 else ""
        yield QualityLine("look", "prices", f"{len(found):,} {name}{many}: {shown}{more}. They are kept as they came")
    if quality.doubts.empty:
        yield QualityLine(
            "good", "prices", "no bar reaches far beyond its neighbours, and no level jumps as by a split"
        )


def _sentences(found: pd.DataFrame, instrument: Instrument) -> Iterator[str]:
    for row in found.itertuples(index=False):
        yield doubt_sentence(row, instrument)


def _volume(volume: VolumeState) -> QualityLine:
    if volume.absent:
        off = ", ".join(volume_features())
        return QualityLine("note", "volume", f"there is none, so these features are off (missing): {off}")
    if volume.zero > _ZERO_SHARE * volume.bars:
        share = 100 * volume.zero / volume.bars
        return QualityLine(
            "look",
            "volume",
            f"it is 0 in {share:.0f} % of the bars; where it is, these features are missing: "
            f"{', '.join(volume_features())}",
        )
    if volume.unit_changes is not None:
        return QualityLine(
            "look",
            "volume",
            f"about {volume.unit_changes} it changes more than twentyfold for good, as where lots follow shares; "
            f"features of volume compare what cannot be compared for 20 days",
        )
    return QualityLine("good", "volume", f"it is 0 in {volume.zero:,} of {volume.bars:,} bars")
