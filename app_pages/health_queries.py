"""What the Model health page asks the journal: its rows, and the report of a window with its figures drawn.

Each is a question for `PageContext.read`: the answer is kept until the journal changes.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from app_pages import charts
from app_pages.health_view import verdicts
from app_pages.health_window import stored_by_week
from app_pages.label_words import saved_words, words_of
from app_pages.theme import Mode, UpDown, styled, tokens
from ml_data.journal import judged_predictions, with_input
from ml_data.store import Store, sql
from ml_models.verdicts import Verdict
from ml_monitoring.judged import VOLATILITY
from ml_monitoring.report import HealthReport, health_of


@dataclass(frozen=True)
class Health:
    """A report; by card what it says and its figure as Vega-Lite (missing where nothing is to draw); weekly counts."""

    report: HealthReport
    verdicts: dict[str, Verdict | None]
    figures: dict[str, dict[str, Any]]
    weeks: tuple[int, ...]


def models_asked(store: Store, symbol: str, known_by: datetime | None) -> tuple[str, ...]:
    """Return the models that have said something of `symbol` by `known_by` (None: now), sorted."""
    asked = {"instrument": symbol, "known_by": known_by or datetime.max.replace(tzinfo=UTC)}
    with store.journal() as cursor:
        return tuple(str(row[0]) for row in cursor.execute(sql("models_asked"), asked).fetchall())


def journal_rows(store: Store, symbol: str, model: str, version: str | None, known_by: datetime | None) -> pa.Table:
    """Return what `model` said of `symbol` and what came of it, as the journal stood at `known_by` (None: now)."""
    return judged_predictions(store, instrument=symbol, model=model, version=version, known_by=known_by)


def health(
    store: Store,
    symbol: str,
    ranges: tuple[str, ...],
    model: str,
    version: str | None,
    first: date | None,
    known_by: datetime | None,
    mode: Mode,
    up_down: UpDown,
) -> Health:
    """Return the health of `model` from trading day `first` on; `ranges` are its opening ranges in the day's order."""
    rows = with_input(store, journal_rows(store, symbol, model, version, known_by), symbol, model, VOLATILITY)
    report = health_of(rows, instrument=symbol, model=model, version=version, first=first)
    colour, label = tokens(mode, up_down), report.judged.label
    drawn: dict[str, charts.Chart] = {}
    if report.rolling is not None and len(report.rolling) > 1:
        drawn["rolling"] = charts.rolling_chart(report.rolling, colour, label.walk, saved_words(label))
    if report.calibration is not None:
        drawn["reliability"] = charts.reliability_chart(report.calibration.bins, colour, words_of(label))
    if report.coverage is not None:
        drawn["reliability"] = charts.means_chart(report.coverage.groups, colour, words_of(label))
    if report.by_range:
        drawn["ranges"] = charts.ranges_chart(report.by_range, list(ranges), colour, label.walk, saved_words(label))
    by_part = report.parts
    for name, found in (
        ("weekdays", by_part.by_weekday),
        ("confidence", by_part.by_confidence),
        ("regime", by_part.by_regime),
    ):
        if found:
            drawn[name] = charts.ranges_chart(found, list(found), colour, label.walk, saved_words(label))
    if report.parts.rolling is not None and len(report.parts.rolling) > 1:
        drawn["expected"] = charts.rolling_chart(report.parts.rolling, colour, "expectation", "nats above it")
    if report.worth is not None:
        drawn["worth"] = charts.worth_chart(report.worth, colour)
    figures = {name: styled(chart, mode, up_down).to_dict() for name, chart in drawn.items()}
    return Health(report, verdicts(report, ranges), figures, stored_by_week(rows, first))
