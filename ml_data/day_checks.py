"""What cannot be true of a day bar, and what its prices say: the grid they lie on, an adjustment, a missing session."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.bar_checks import check_rows, on_grid, unique_rows
from ml_data.day_labels import DAY_US
from ml_data.importers.base import REJECTS
from trading.domain.calendar import Days
from trading.domain.day_calendar import day_closes, is_session
from trading.domain.instrument import Instrument

_PRICES: Final = ("open", "high", "low", "close")
_ROUNDING: Final = 1e-9  # relative: what is left of a product of doubles, as adjusted prices are
_WEEKEND: Final = "the exchange does not trade on this weekday"
_HOLIDAY: Final = "the exchange was closed on this day"
_NOT_OVER: Final = "the day is not over yet, so its bar is not known"


@dataclass(frozen=True)
class CheckedDays:
    """Day bars that can be true: sorted, each day once. `closed` counts days without a session among the rejects.

    `off_grid` is the share of prices that lie off the tick grid; `widened` rows had a high or low that lay a rounding
    error inside the open or close.
    """

    rows: pa.Table
    rejects: pa.Table
    repeated: int
    closed: Days
    off_grid: float
    widened: int


def check_days(rows: pa.Table, instrument: Instrument, now_minute: int) -> CheckedDays:
    """Return the `rows` of one instrument (schema ROWS, `ts` the label of the day) that can be its day bars.

    Prices of a stock that lie off the tick grid are left as they are: adjusted ones do. Of others a price off the grid
    is a fault of its row. A bar whose day is not over at `now_minute` (UTC) is rejected: it may still change.
    """
    off_grid = _share_off_grid(rows, instrument.tick)
    adjusted = instrument.kind == "stock" and off_grid > 0
    rows, widened = _without_rounding(rows)
    good, rejects = check_rows(rows, None if adjusted else instrument.tick)
    days = days_of(good)
    open_ = is_session(instrument, days)
    weekday = np.isin((days.astype(np.int64) + 3) % 7, instrument.trading_day.weekdays)
    over = np.ones(len(days), dtype=bool)
    over[open_] = day_closes(instrument, days[open_]) <= now_minute
    reasons = np.where(~weekday, _WEEKEND, np.where(~open_, _HOLIDAY, _NOT_OVER))
    bad = ~open_ | ~over
    unique = unique_rows(good.filter(pa.array(~bad)), "day")
    refused = pa.table(
        [good.filter(pa.array(bad)).column("row_number"), pa.array(reasons[bad].tolist(), pa.string())], schema=REJECTS
    )
    return CheckedDays(
        rows=unique.rows,
        rejects=pa.concat_tables([rejects, refused, unique.rejects]),
        repeated=unique.repeated,
        closed=days[~open_],
        off_grid=off_grid,
        widened=widened,
    )


def days_of(rows: pa.Table) -> Days:
    """Return the trading days of rows whose `ts` is the label of a day."""
    days: Days = (rows.column("ts").cast(pa.int64()).to_numpy() // DAY_US).astype("datetime64[D]")
    return days


def jumps_like_splits(rows: pa.Table) -> list[tuple[str, float]]:
    """Return the days on which the open is a whole fraction or multiple of the close before, and that share.

    Such a step is a split that earlier days were not adjusted for, or a real fall: nobody can tell from prices alone.
    """
    opens, closes = rows.column("open").to_numpy()[1:], rows.column("close").to_numpy()[:-1]
    share = opens / closes
    steps = np.where(share < 1, 1 / share, share)
    whole = np.rint(steps)
    near = (steps > 1.9) & (np.abs(steps / np.maximum(whole, 1) - 1) < 0.04)  # a half, a third, two, three, ...
    return [(str(days_of(rows)[place + 1]), float(share[place])) for place in np.flatnonzero(near)]


def _share_off_grid(rows: pa.Table, tick: float) -> float:
    off = [on_grid(rows.column(name).to_numpy(), tick)[1] for name in _PRICES]
    return float(np.mean(off)) if len(rows) else 0.0


def _without_rounding(rows: pa.Table) -> tuple[pa.Table, int]:
    """Return `rows` with high and low widened to the open and close where they miss them by a rounding error."""
    opens, highs, lows, closes = (rows.column(name).to_numpy() for name in _PRICES)
    top, bottom = np.maximum(opens, closes), np.minimum(opens, closes)
    raised = (top > highs) & (top - highs <= _ROUNDING * top)
    lowered = (bottom < lows) & (lows - bottom <= _ROUNDING * bottom)
    for name, values, where, new in (("high", highs, raised, top), ("low", lows, lowered, bottom)):
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(np.where(where, new, values)))
    return rows, int((raised | lowered).sum())


def same_factor(new: npt.NDArray[np.float64], old: npt.NDArray[np.float64]) -> float | None:
    """Return the one factor by which `new` closes differ from `old`; None where they differ in other ways.

    A vendor that adjusts for a later dividend or split multiplies all earlier days by one number.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = new / old
    middle = float(np.median(ratio)) if len(ratio) else float("nan")
    alike = np.abs(ratio / middle - 1) < 1e-4
    return middle if len(ratio) and alike.mean() > 0.95 and abs(middle - 1) > 1e-5 else None
