"""The past events that a forecast is compared with, kept in memory a year at a time: a year that is over is read once.

Live bars change the store every minute, but no day that is over: what is kept hangs on the imports that brought bars
into a year and on the definitions, not on the store's change stamp.
"""

from datetime import date, timedelta
from functools import reduce
from typing import Final

import numpy as np
import streamlit as st

from ml_data.event_view import event_window
from ml_data.history_tables import definitions_hash
from ml_data.store import Store, sql
from ml_monitoring.past_ranges import PastRanges, stored_ranges
from trading.domain.calendar import as_date, calendar_day_of, day_spans, from_minute, to_minute
from trading.domain.instrument import Instrument
from trading.domain.label import Label
from trading.domain.trade_rule import TradeRule

_DAY: Final = timedelta(days=1)


def ranges_known(store: Store, instrument: Instrument, label: Label, rule: TradeRule | None) -> PastRanges | None:
    """Return every event with an outcome of the trading days before that of the newest bar; None where there is none.

    Days after a forecast are among them: who compares looks at `PastRanges.known`.
    """
    with store.market() as cursor:
        [(first, last)] = cursor.execute(sql("bar_bounds"), {"instrument": instrument.symbol}).fetchall()
    if first is None:
        return None
    edges = calendar_day_of(instrument, np.array([to_minute(first), to_minute(last)], dtype=np.int64))
    years = _years(as_date(edges[0]), as_date(edges[1]) - _DAY)
    if not years:
        return None
    since = [event_window(instrument, begins)[1] for begins, _ in years]
    before = [
        from_minute(int(day_spans(instrument, np.array([ends], dtype="datetime64[D]"))[1][0])) for _, ends in years
    ]
    with store.market() as cursor:
        asked = {"instrument": instrument.symbol, "since": since, "before": before}
        brought = cursor.execute(sql("imports_of_spans"), asked).fetchall()
    whose = f"{store.home}|{definitions_hash(instrument)}|{label.name}|{rule}"
    parts = [
        _of_year(f"{whose}|{begins}|{ends}|{imports}", store, instrument, label, rule, begins, ends)
        for (begins, ends), imports in zip(years, brought, strict=True)
    ]
    return reduce(PastRanges.followed_by, parts)


def _years(first: date, last: date) -> list[tuple[date, date]]:
    """Return the parts of calendar years between two days, both included."""
    return [(max(first, date(year, 1, 1)), min(last, date(year, 12, 31))) for year in range(first.year, last.year + 1)]


@st.cache_resource(max_entries=100, show_spinner=False)
def _of_year(
    key: str,  # noqa: ARG001 - what is kept
    _store: Store,
    _instrument: Instrument,
    _label: Label,
    _rule: TradeRule | None,
    _begins: date,
    _ends: date,
) -> PastRanges:
    return stored_ranges(_store, _instrument, _label, _rule, _begins, _ends)
