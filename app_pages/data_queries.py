"""What the Data page asks: the market file in one lease, and the sizes of both. For `PageContext.read`."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from app_pages.charts import coverage_chart
from app_pages.theme import Mode, UpDown, styled, tokens
from app_pages.today_words import session_label
from ml_data.history_tables import definitions_hash
from ml_data.quality import Quality, judged
from ml_data.staleness import Stale
from ml_data.store import Store, sql
from ml_data.stored_quality import NEVER, quality_facts
from trading.domain.calendar import as_date, calendar_day_of, to_minute
from trading.domain.instrument import Instrument

LAST_DAYS: Final = 40
"""Trading days whose coverage is shown day by day."""

MOST_ROWS: Final = 500
"""Rejected rows and revised bars that the page lists; the counts are of all."""

_LAST: Final = date(9000, 1, 1)


@dataclass(frozen=True)
class Built:
    """The history that is built: how much of it, through when (UTC; None: nothing), spans of bars that wait for it.

    `current` says that it was built by today's definitions.
    """

    days: int
    ranges: int
    trades: int
    through: datetime | None
    waiting: int
    current: bool


@dataclass(frozen=True)
class StoredData:
    """What is stored of an instrument, as far as it had happened at the clock.

    Frames have the columns of the SQL files they come from: `coverage` (session_coverage), `last_days`
    (session_days),
    `rolls` (contract_rolls), `imports` (imports_of), `rejects` (rejected_rows), `revisions` (revised_bars); the last
    two hold at most `MOST_ROWS`, `revised` counts all. Imports and rejects are as stored now, whatever the clock.
    `sizes` are bytes by file. `quality` is what was found about the bars.
    """

    bars: int
    contracts: int
    first: datetime | None
    last: datetime | None
    coverage: pd.DataFrame
    last_days: pd.DataFrame
    rolls: pd.DataFrame
    imports: pd.DataFrame
    rejects: pd.DataFrame
    revisions: pd.DataFrame
    revised: int
    built: Built
    sizes: dict[str, int]
    quality: Quality


@dataclass(frozen=True)
class DataPage:
    """What is stored, and the coverage by month and by day drawn as Vega-Lite (None: no session is complete yet)."""

    stored: StoredData
    figure: dict[str, Any] | None
    days_figure: dict[str, Any] | None


def data_page(store: Store, instrument: Instrument, until: datetime | None, mode: Mode, up_down: UpDown) -> DataPage:
    """Return what the Data page shows of `instrument` at the clock."""
    found = stored_data(store, instrument, until)
    if (found.coverage["expected"] > 0).sum() == 0:
        return DataPage(found, None, None)
    names = {rule.name: session_label(rule.name) for rule in instrument.sessions}
    charts = [coverage_chart(each, names, tokens(mode, up_down)) for each in (found.coverage, found.last_days)]
    months, days = (styled(chart, mode, up_down).to_dict() for chart in charts)
    return DataPage(found, months, days)


def stored_data(store: Store, instrument: Instrument, until: datetime | None) -> StoredData:
    """Return what is stored of `instrument`, leaving out what happened after `until` (UTC; None: leave out nothing)."""
    known = {"instrument": instrument.symbol}
    until_known = {**known, "until": until or NEVER}
    last_day = {"last_day": _trading_day(instrument, until) if until else _LAST}
    before = {**known, "before": until or NEVER}
    with store.market() as cursor:

        def frame(name: str, parameters: dict[str, Any]) -> pd.DataFrame:
            rows: pd.DataFrame = cursor.sql(sql(name), params=parameters).to_arrow_table().to_pandas()
            return rows

        bars = frame("stored_bars", before).iloc[0]
        built = frame("built_history", {**until_known, **last_day}).iloc[0]
        frames = {
            "coverage": frame("session_coverage", until_known),
            "last_days": frame("session_days", {**until_known, "days": LAST_DAYS}),
            "rolls": frame("contract_rolls", {**known, **last_day}),
            "imports": frame("imports_of", known),
            "rejects": frame("rejected_rows", {**known, "most": MOST_ROWS}),
            "revisions": frame("revised_bars", {**before, "most": MOST_ROWS}),
        }
        facts = quality_facts(cursor, instrument, until)
    return StoredData(
        bars=int(bars["bars"]),
        contracts=int(bars["contracts"]),
        first=_instant(bars["first_ts"]),
        last=_instant(bars["last_ts"]),
        **frames,
        revised=int(built["revised"]),
        built=Built(
            days=int(built["days"]),
            ranges=int(built["ranges"]),
            trades=int(built["trades"]),
            through=_instant(built["built_through"]),
            waiting=int(built["waiting"]),
            current=built["definitions_hash"] == definitions_hash(instrument),
        ),
        sizes={name: _size(store, name) for name in ("market.duckdb", "journal.duckdb")},
        quality=judged(facts, instrument),
    )


def stale_items(store: Store, instrument: Instrument, registry_folder: Path) -> tuple[Stale, ...]:
    """Return what of `instrument` was built on bars that a vendor changed since, as stored now, whatever the clock."""
    from ml_models.model_registry import ModelRegistry  # they load LightGBM, which the page needs for this alone
    from ml_monitoring.stale import built_on_revised_bars

    return built_on_revised_bars(store, ModelRegistry(registry_folder), instrument)


def _trading_day(instrument: Instrument, instant: datetime) -> date:
    return as_date(calendar_day_of(instrument, np.array([to_minute(instant)], dtype=np.int64))[0])


def _instant(value: Any) -> datetime | None:
    return None if pd.isna(value) else pd.Timestamp(value).to_pydatetime()


def _size(store: Store, name: str) -> int:
    path = store.home / name
    return path.stat().st_size if path.exists() else 0
