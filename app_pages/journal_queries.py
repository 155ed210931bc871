"""What the Journal page asks: a page of rows, by what they can be narrowed, and what the chosen ones came to.

Each is a question for `PageContext.read`: the answer is kept until the journal changes.
"""

from datetime import datetime

import pandas as pd

from app_pages.clock import wall_clock
from app_pages.journal_view import log_frame
from ml_data.journal_log import LogFilter, LogOptions, Sort, log_options, log_rows
from ml_data.store import Store
from ml_monitoring.log_summary import LogSummary, log_summary
from trading.domain.instrument import Instrument


def options_of(store: Store, symbol: str, known_by: datetime | None) -> LogOptions:
    """Return by what the log of `symbol` can be narrowed, as it stood at `known_by` (None: now)."""
    return log_options(store, symbol, known_by)


def page_of(
    store: Store,
    instrument: Instrument,
    chosen: LogFilter,
    sort: Sort,
    most: int,
    skip: int,
    zone: str,
    browser_zone: str | None,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a page of rows as a table, its times on the wall clock of `zone`, and their ids."""
    rows = log_rows(store, chosen, sort=sort, most=most, skip=skip)
    frame = log_frame(rows, instrument.symbol, lambda at: wall_clock(zone, instrument, browser_zone, at))
    return frame, tuple(rows["prediction_id"].to_pylist())


def summary_of(store: Store, chosen: LogFilter) -> LogSummary:
    """Return what the chosen rows came to, beside their baselines."""
    return log_summary(log_rows(store, chosen, sort="oldest"), knows_outcomes=chosen.knows_outcomes)
