"""What the Data page says, as values: tiles, tables, sentences, the next command. Pure: what is stored in, words out.

A minute without a trade has no bar. So a share of minutes below 100 % says how thin trading was; only a window that a
rule needs can have a hole that matters, and those are the opening ranges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from app_pages.clock import WallClock
from app_pages.data_queries import StoredData
from app_pages.queries import open_minutes
from app_pages.today_words import session_label, span
from ml_data.quality import Hole
from ml_data.quality_words import DOUBT_WORDS, QualityLine, Verdict
from ml_data.staleness import HISTORY, Stale, counted_kinds
from ml_models.verdicts import counted
from trading.domain.calendar import to_minute
from trading.domain.instrument import Instrument
from trading.domain.words import range_label

Tone = Literal["green", "orange", "gray"]
MINUTE: Final = timedelta(minutes=1)
DAY_MINUTES: Final = 1440


@dataclass(frozen=True)
class DataTile:
    """A figure at the top: value, chip with its tone, what stands behind the chip, evidence below."""

    label: str
    value: str
    chip: str
    tone: Tone
    beside: str
    evidence: str


@dataclass(frozen=True)
class Age:
    """How long ago the newest bar closed, and how many minutes the market has been open since."""

    length: timedelta
    missed: int


@dataclass(frozen=True)
class NextStep:
    """What is missing, in a title and a sentence that ends with the command to run (Markdown)."""

    title: str
    sentence: str


def about(instrument: Instrument, found: StoredData, replay: datetime | None, wall: WallClock) -> str:
    """Return what the page is about: instrument, span of its bars, as of when."""
    name = instrument.name if instrument.symbol in instrument.name else f"{instrument.name} ({instrument.symbol})"
    parts = [name]
    if found.first is not None and found.last is not None:
        parts.append(f"bars from {_day(found.first)} to {_day(found.last)}")
    if replay is not None:
        parts.append(f"as it stood {wall.day_hm(replay)} {wall.place}, {replay:%Y}")
    return " · ".join(parts)


def age_of(instrument: Instrument, last: datetime, now: datetime) -> Age:
    """Return how long ago the newest bar, which starts at `last`, closed."""
    closed = last + MINUTE
    return Age(max(now - closed, timedelta(0)), open_minutes(instrument, to_minute(closed), to_minute(now)))


def next_step(found: StoredData, instrument: Instrument, age: Age, stale_minutes: int) -> NextStep | None:
    """Return the one thing to do next, the first that holds everything after it up; None when nothing is missing."""
    symbol = instrument.symbol
    if found.built.through is None:
        return NextStep(
            "History is not built", f"Sessions and opening ranges come with `hub build --instrument {symbol}`."
        )
    if found.built.waiting:
        spans = "a span" if found.built.waiting == 1 else f"{found.built.waiting:,} spans"
        return NextStep(
            "Bars are newer than the history",
            f"{spans.capitalize()} of bars came in after it was built: `hub build --instrument {symbol}`.",
        )
    if not found.built.current:
        return NextStep(
            "The history follows older definitions",
            f"Instrument or rules changed since it was built: `hub build --instrument {symbol}`.",
        )
    if age.missed > max(stale_minutes, DAY_MINUTES) and not instrument.synthetic:
        return NextStep(
            "The bars are behind",
            f"The newest closed {span(age.length)} ago. Today stands still there until newer ones come: "
            f"`hub ingest FILES --instrument {symbol}`.",
        )
    return None


def tiles(
    found: StoredData, instrument: Instrument, age: Age, stale_minutes: int, wall: WallClock, *, is_replay: bool
) -> list[DataTile]:
    """Return the figures at the top; there is at least one bar. Bars that stand still by design are not late."""
    if found.first is None or found.last is None:
        return []
    still = "replay" if is_replay else "demo ends here" if instrument.synthetic else ""
    fresh = age.missed <= stale_minutes
    beside = "no open minute since" if age.missed == 0 else f"{span(age.length)} ago"
    coverage = found.coverage
    bars, expected = int(coverage["bars"].sum()), int(coverage["expected"].sum())
    empty = int(coverage["empty"].sum())
    built = found.built
    return [
        DataTile(
            "Newest bar",
            f"{wall.day_hm(found.last)}",
            still or ("✓ current" if fresh else "! behind"),
            "gray" if still else "green" if fresh else "orange",
            beside,
            f"{found.last:%Y}, {wall.place}",
        ),
        DataTile(
            "Bars stored",
            f"{found.bars:,}",
            f"{found.contracts:,} contract{'s' if found.contracts != 1 else ''}",
            "gray",
            "",
            f"from {_day(found.first)} to {_day(found.last)}",
        ),
        DataTile(
            "Session minutes with a bar",
            "none expected" if expected == 0 else f"{100 * bars / expected:.1f} %",
            "✓ no session is empty" if empty == 0 else f"! {empty:,} sessions empty",
            "green" if empty == 0 else "orange",
            "",
            f"{bars:,} of {expected:,} expected",
        ),
        DataTile(
            "History",
            f"{built.days:,} days",
            "✓ up to date" if built.waiting == 0 and built.current and built.through else "! to be built",
            "green" if built.waiting == 0 and built.current and built.through else "orange",
            "",
            f"{built.ranges:,} ranges, {built.trades:,} trades",
        ),
        DataTile(
            "On disk",
            _size(sum(found.sizes.values())),
            f"market {_size(found.sizes['market.duckdb'])}",
            "gray",
            f"journal {_size(found.sizes['journal.duckdb'])}",
            "Parquet of hub export not counted",
        ),
    ]


def coverage_sentence(coverage: pd.DataFrame) -> str:
    """Return how many of the expected minutes have a bar, and in which session trading is thinnest."""
    if coverage.empty or coverage["expected"].sum() == 0:
        return "No session is complete yet."
    sums = coverage.groupby("session")[["bars", "expected", "empty"]].sum()
    shares = (sums["bars"] / sums["expected"].where(sums["expected"] > 0)).dropna()
    thinnest = str(shares.idxmin())
    empty = int(sums["empty"].sum())
    lost = f" Without any bar: {counted(empty, 'session')}." if empty else " No session is without any bar."
    return (
        f"{int(sums['bars'].sum()):,} of {int(sums['expected'].sum()):,} minutes in sessions have a bar, fewest in "
        f"{session_label(thinnest)} with {100 * shares.min():.1f} %.{lost} A minute without a trade has no bar: thin "
        "is not missing."
    )


def hole_sentence(holes: pd.DataFrame, ranges: int, over_hole: npt.NDArray[np.bool_]) -> str:
    """Return how many ranges are void, why, how many are thin or over a hole; `ranges` are those with bars."""
    void = holes["void_reason"].dropna()
    thin = holes[holes["void_reason"].isna()]
    total = ranges + len(void)
    if total == 0:
        return "No opening range is built yet."
    reasons = ", ".join(f"{count:,} {str(name).replace('_', ' ')}" for name, count in void.value_counts().items())
    said = f"Of {counted(total, 'opening range')} {_are(len(void))} void{f' ({reasons})' if reasons else ''}"
    if thin.empty:
        return f"{said}; no other lacks a minute."
    worst = thin["orb"].value_counts()
    lost = int((over_hole & holes["void_reason"].isna().to_numpy()).sum())
    return (
        f"{said} and {_are(len(thin))} thin: minutes without a bar, most often {range_label(str(worst.index[0]))} "
        f"({int(worst.iloc[0]):,}); {_are(lost)} over a hole: such minutes usually trade, so high and low may be "
        "wrong. A void range is never traded or forecast; the others are, and say so."
    )


def silence_sentence(holes: Sequence[Hole]) -> str:
    """Return how many minutes are missing, and what is not counted; there is at least one hole."""
    certain = [hole for hole in holes if hole.holiday is None]
    minutes = sum(hole.minutes for hole in certain)
    kept = len(holes) - len(certain)
    said = f"{counted(len(certain), 'hole')}: {counted(minutes, 'open minute')} missing that usually have a bar."
    if not kept:
        return said
    return (
        f"{said} {counted(kept, 'more silence')} on a holiday of New York or London: the exchange may have closed "
        "although its calendar says otherwise, so no hole is counted."
    )


def doubt_sentences(doubts: pd.DataFrame) -> str:
    """Return how many bars are doubtful, of which kind, and what is done about it; there is at least one."""
    counts = doubts["kind"].value_counts()
    kinds = ", ".join(counted(int(counts[kind]), word) for kind, word in DOUBT_WORDS.items() if kind in counts)
    return (
        f"{kinds}. Ranges, trades and features use these bars: correct the file and import it again, or leave those "
        "days out."
    )


def verdict_lines(lines: Sequence[QualityLine]) -> str:
    """Return what was looked at as Markdown, a line each: a shape and a word, never colour alone."""
    shapes = {"good": "✓", "look": "!", "note": "·"}
    return "  \n".join(f"{shapes[line.state]} **{line.what.capitalize()}**: {line.sentence}." for line in lines)


def verdict_badge(told: Verdict) -> str:
    """Return the verdict as a Markdown badge."""
    return ":green-badge[✓ stored]" if told == "stored" else ":orange-badge[! stored with warnings]"


def roll_sentence(rolls: pd.DataFrame) -> str:
    """Return how often the contract changed, and how the last change was decided."""
    if rolls.empty:
        return "The contract never changed: nothing had to be joined."
    last = rolls.iloc[0]
    return (
        f"{counted(len(rolls), 'roll')}; the last from {last['before']} to {last['contract']}, on "
        f"{_day(last['trading_day'])}, because it had {100 * last['volume_share']:.0f} % of both contracts' volume on "
        "the day before. Nothing is differenced across a roll."
    )


def import_sentence(imports: pd.DataFrame, revised: int) -> str:
    """Return what came of the files: bars stored, rows rejected, bars changed."""
    if imports.empty:
        return "No file was imported: these bars were made by the hub itself."
    read, stored, rejected = (int(imports[name].sum()) for name in ("rows_read", "rows_stored", "rows_rejected"))
    return (
        f"{counted(len(imports), 'import')} read {counted(read, 'row')} and stored {counted(stored, 'bar')}; rejected: "
        f"{counted(rejected, 'row')}; changed by a later file: {counted(revised, 'bar')}. Files are listed as stored "
        "now, whatever the clock."
    )


def reject_sentence(rejects: pd.DataFrame, imports: pd.DataFrame) -> str:
    """Return how many rows were rejected, and for which reason most often; there is at least one."""
    total = int(imports["rows_rejected"].sum())
    reasons = rejects["reason"].value_counts()
    shown = "" if len(rejects) == total else f"; the table shows {len(rejects):,} of the newest imports"
    return (
        f"Rejected: {counted(total, 'row')}, most often because: {reasons.index[0]} ({int(reasons.iloc[0]):,}){shown}."
    )


def revision_sentence(revisions: pd.DataFrame, revised: int) -> str:
    """Return how many bars changed and what follows for what was built on them; there is at least one."""
    days = revisions["ts"].dt.date.nunique()
    shown = "" if len(revisions) == revised else f"; the table shows the newest {len(revisions):,}"
    return (
        f"Changed since first imported: {counted(revised, 'bar')} on {counted(days, 'day')} (UTC){shown}. The "
        "history is rebuilt from the new ones; forecasts keep what they were made from: those are listed below."
    )


def stale_sentence(stale: Sequence[Stale]) -> str:
    """Return what was built on changed bars, and what becomes of it."""
    if not stale:
        return "No prediction, version, snapshot or row of history was made from a bar that has other values now."
    repaired = " `hub build` rebuilds the history." if any(each.kind in HISTORY for each in stale) else ""
    return (
        f"Stale: {counted_kinds(stale)}.{repaired} Predictions, versions and snapshots stay as they were made: "
        "`hub audit stale` lists all of them, `hub audit replay` makes the predictions again from the bars as they "
        "were. Listed as stored now, whatever the clock."
    )


def _are(number: int) -> str:
    return f"{number:,} {'is' if number == 1 else 'are'}"


def _day(day: object) -> str:
    return f"{pd.Timestamp(str(day)):%-d %b %Y}"


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.2f} GB"
