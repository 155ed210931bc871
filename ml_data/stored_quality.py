"""Reads what is stored about the bars of an instrument and judges it: for the pages and `hub doctor`."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

import duckdb
import pandas as pd

from ml_data.quality import Facts, Quality, UsualShares, judged
from ml_data.store import Store, sql
from trading.domain.instrument import Instrument

_LOOK_BACK: Final = timedelta(days=28)
NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)


def stored_quality(store: Store, instrument: Instrument, until: datetime | None = None) -> Quality:
    """Return what was found about the bars of `instrument` that had closed by `until` (UTC; None: all).

    It is as new as the last build: nothing is found about bars that no build has seen.
    """
    with store.market() as cursor:
        facts = quality_facts(cursor, instrument, until)
    return judged(facts, instrument)


def shares_before(store: Store, instrument: Instrument, day: date) -> UsualShares:
    """Return what was usual on the trading days before `day`: what a trader could know on that day."""
    known = {"instrument": instrument.symbol, "since": day - _LOOK_BACK, "before": day}
    with store.market() as cursor:
        hours = cursor.sql(sql("bar_hours_before"), params=known).to_arrow_table().to_pandas()
    return UsualShares(hours, instrument)


def quality_facts(cursor: duckdb.DuckDBPyConnection, instrument: Instrument, until: datetime | None) -> Facts:
    """Return what `ml_data.quality.judged` judges, in one lease that the caller holds."""
    parameters = {"instrument": instrument.symbol, "until": until or NEVER}

    def frame(name: str) -> pd.DataFrame:
        rows: pd.DataFrame = cursor.sql(sql(name), params=parameters).to_arrow_table().to_pandas()
        return rows

    return Facts(frame("bar_hours_of"), frame("bar_silences_of"), frame("bar_doubts_of"), frame("range_holes"))
