"""The tables of the Data page: frames with one column a fact, and how each column is shown. Instants are UTC."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from ml_data.quality import Hole
from ml_data.quality_words import DOUBT_WORDS, wall_time
from ml_data.staleness import WORDS, Stale
from ml_models.verdicts import counted
from trading.domain.instrument import Instrument
from trading.domain.words import range_label

VOID_REASONS: Final = {
    "holiday": "the exchange was closed all day",
    "early_close": "the exchange closed early",
    "no_bars": "no bar at all: an outage, or a file is missing",
}

_WHOLE: Final = st.column_config.NumberColumn(format="localized")
_PRICE: Final = st.column_config.NumberColumn()
_INSTANT: Final = "YYYY-MM-DD HH:mm"

RANGES: Final[dict[str, Any]] = dict.fromkeys(("Day", "Range", "Bars", "State", "Why", "Contract"))
HOLES: Final[dict[str, Any]] = {
    **dict.fromkeys(("From", "To")),
    "Minutes": st.column_config.NumberColumn("Open minutes", format="localized"),
    "Usually": st.column_config.NumberColumn("Usually with a bar", format="%.0f %%"),
    "State": None,
}
DOUBTS: Final[dict[str, Any]] = {
    **dict.fromkeys(("Minute", "What")),
    **dict.fromkeys(("Open", "High", "Low", "Close", "Usual"), _PRICE),
    "Volume": _WHOLE,
    "Contract": None,
}
ROLLS: Final[dict[str, Any]] = {
    **dict.fromkeys(("Day", "From", "To")),
    "Share": st.column_config.NumberColumn("Volume share of the day before", format="%.0f %%"),
}
IMPORTS: Final[dict[str, Any]] = {
    "File": st.column_config.TextColumn(width=300),
    "Verdict": st.column_config.TextColumn(width=140),
    "Reasons": st.column_config.TextColumn(width=300),
    **dict.fromkeys(("Read", "New", "Unchanged", "Revised", "Rejected", "Left out"), _WHOLE),
    "First bar": st.column_config.DatetimeColumn("First bar, UTC", format=_INSTANT),
    "Last bar": st.column_config.DatetimeColumn("Last bar, UTC", format=_INSTANT),
    "Imported": st.column_config.DatetimeColumn("Imported, UTC", format=_INSTANT),
    **dict.fromkeys(("Format", "Clock")),
}
REJECTS: Final[dict[str, Any]] = {
    **dict.fromkeys(("File", "Row", "Why")),
    "Row as it is": st.column_config.TextColumn(width="large"),
}
REVISIONS: Final[dict[str, Any]] = {
    "Minute": st.column_config.DatetimeColumn("Minute, UTC", format=_INSTANT),
    "Contract": None,
    **dict.fromkeys(("Close before", "Close now", "Volume before", "Volume now"), _PRICE),
    "File": None,
}

STALE: Final[dict[str, Any]] = {
    **dict.fromkeys(("What", "Id", "About")),
    "Changed bars": _WHOLE,
    **dict.fromkeys(("First", "Import", "File")),
    "Changed": st.column_config.DatetimeColumn("Changed, UTC", format=_INSTANT),
}
MOST_STALE: Final = 500


def range_frame(ranges: pd.DataFrame, over_hole: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Return the opening ranges of `range_holes.sql` without holidays, with the reason in words."""
    kept = (ranges["void_reason"] != "holiday").to_numpy()
    shown = ranges[kept]
    rows = list(zip(shown["bars"], shown["expected_bars"], shown["void_reason"], over_hole[kept], strict=True))
    return pd.DataFrame(
        {
            "Day": shown["trading_day"],
            "Range": [range_label(name) for name in shown["orb"]],
            "Bars": [f"{bars} of {expected}" for bars, expected, *_ in rows],
            "State": [
                ("! over a hole" if hole else "… thin") if pd.isna(reason) else "✕ void" for *_, reason, hole in rows
            ],
            "Why": [_why(*row) for row in rows],
            "Contract": shown["contract"],
        }
    )


def hole_frame(holes: Sequence[Hole], instrument: Instrument) -> pd.DataFrame:
    """Return the holes, newest first, on the exchange's clock."""
    shown = list(reversed(holes))
    return pd.DataFrame(
        {
            "From": [wall_time(hole.starts_at, instrument) for hole in shown],
            "To": [wall_time(hole.ends_at, instrument) for hole in shown],
            "Minutes": [hole.minutes for hole in shown],
            "Usually": [100 * hole.usual for hole in shown],
            "State": [
                "✕ missing" if hole.holiday is None else f"? holiday in {hole.holiday}: perhaps closed"
                for hole in shown
            ],
        }
    )


def doubt_frame(doubts: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """Return the rows of `bar_doubts_of.sql`, newest first, on the exchange's clock."""
    shown = doubts.iloc[::-1]
    columns = {
        name.capitalize(): shown[name] for name in ("open", "high", "low", "close", "usual", "volume", "contract")
    }
    minutes = [wall_time(ts.to_pydatetime(), instrument) for ts in shown["ts"]]
    return pd.DataFrame({"Minute": minutes, "What": [DOUBT_WORDS[kind] for kind in shown["kind"]], **columns})


def roll_frame(rolls: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `contract_rolls.sql`, the share in percent."""
    return pd.DataFrame(
        {
            "Day": rolls["trading_day"],
            "From": rolls["before"],
            "To": rolls["contract"],
            "Share": 100 * rolls["volume_share"],
        }
    )


def import_frame(imports: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `imports_of.sql` under their titles."""
    titles = {
        "file_name": "File",
        "rows_read": "Read",
        "rows_stored": "New",
        "rows_unchanged": "Unchanged",
        "rows_revised": "Revised",
        "rows_rejected": "Rejected",
        "bars_dropped": "Left out",
        "first_ts": "First bar",
        "last_ts": "Last bar",
        "imported_at": "Imported",
        "format": "Format",
        "time_zone": "Clock",
        "verdict": "Verdict",
        "reasons": "Reasons",
    }
    return imports.rename(columns=titles)[list(titles.values())]


def reject_frame(rejects: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `rejected_rows.sql` under their titles."""
    titles = {"file_name": "File", "row_number": "Row", "reason": "Why", "raw": "Row as it is"}
    return rejects.rename(columns=titles)


def revision_frame(revisions: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of `revised_bars.sql` under their titles."""
    titles = {
        "ts": "Minute",
        "contract": "Contract",
        "old_close": "Close before",
        "new_close": "Close now",
        "old_volume": "Volume before",
        "new_volume": "Volume now",
        "file_name": "File",
    }
    return revisions.rename(columns=titles)


def stale_frame(stale: Sequence[Stale]) -> pd.DataFrame:
    """Return what was built on changed bars, one row each, the first of them beside it; at most `MOST_STALE` rows."""
    rows = [
        {
            "What": WORDS[each.kind],
            "Id": each.id,
            "About": each.about,
            "Changed bars": each.bars,
            "First": f"{each.first.contract} {each.first.ts:%Y-%m-%d %H:%M}Z",
            "Import": each.first.import_id,
            "File": each.first.file_name,
            "Changed": each.first.imported_at,
        }
        for each in stale[:MOST_STALE]
    ]
    return pd.DataFrame(rows, columns=list(STALE))


def _why(bars: int, expected: int, reason: object, over_hole: bool) -> str:
    if isinstance(reason, str):
        return VOID_REASONS.get(reason, reason.replace("_", " "))
    missing = expected - bars
    return f"{counted(missing, 'minute')} without a bar{', which usually trade' if over_hole else ''}"
