"""The edge between the stores and the facts that alerts are derived from: one question each, then pure functions."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from ml_data.store import Store, sql
from ml_monitoring import alert_facts as facts
from ml_monitoring.alerts import HORIZON
from trading.alert_settings import AlertSettings
from trading.domain.alert import Fact
from trading.domain.instrument import Instrument

_TRADING_DAY: Final = timedelta(days=2)  # a trade may end a day after its range was complete
_LOOKED: Final = timedelta(days=60)  # far enough back for the look, or judgement, before the last


@dataclass(frozen=True)
class FactRules:
    """What facts depend on beside the stores: settings, the zone of times, how long a feed may be silent.

    `max_day_loss` is the limit of a day in R. `replayed` asks for the forecasts of replays instead of live ones, to see
    what a past day would have told.
    """

    settings: AlertSettings
    zone: str
    silent_minutes: int
    max_day_loss: float
    replayed: bool = False


def facts_of(store: Store, instrument: Instrument, now: datetime, rules: FactRules) -> list[Fact]:
    """Return every fact of an instrument that may be an alert at `now`, from the calendar and both stores.

    Of a replay they are those of the whole `HORIZON`, also of ranges that opened since.
    """
    settings, zone, since = rules.settings, rules.zone, now - HORIZON
    asked = {"instrument": instrument.symbol}
    with store.market() as market:
        span = {"since": since - _TRADING_DAY, "until": now}
        ranges = _rows(market, "alert_ranges", {**asked, **span, "rule": settings.rule})
        [(newest,)] = market.execute(sql("newest_bar"), {**asked, "before": now}).fetchall()
    with store.journal() as journal:
        said = _rows(journal, "alert_forecasts", {**asked, "since": since - _TRADING_DAY, "replayed": rules.replayed})
        looks = _rows(journal, "alert_looks", {**asked, "since": since - _LOOKED})
        verdicts = _rows(journal, "alert_verdicts", {**asked, "since": since - _LOOKED})
        moves = _rows(journal, "alert_moves", asked)
        trips = _rows(journal, "alert_trips", {**asked, "since": since})
        retrained = _rows(journal, "alert_retrainings", {**asked, "since": since})
    said = [row for row in said if row["decided_at"] <= now]
    stops = facts.day_stops(ranges, rules.max_day_loss)
    return [
        *facts.opening_facts(instrument, since if rules.replayed else now, now, settings, zone),
        *facts.range_facts(instrument, ranges, said, now, settings, zone, stops),
        *facts.day_limit_facts(instrument, ranges, stops, rules.max_day_loss, settings.rule),
        *facts.silence_facts(instrument, newest, now, rules.silent_minutes, zone),
        *facts.missed_facts(instrument, said, zone),
        *facts.alarm_facts(instrument, looks),
        *facts.gate_facts(instrument, verdicts),
        *facts.stage_facts(instrument, moves),
        *facts.breaker_facts(instrument, trips),
        *facts.retrain_facts(instrument, retrained),
    ]


def _rows(cursor: Any, question: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = cursor.sql(sql(question), params=parameters).to_arrow_table().to_pylist()
    return rows
