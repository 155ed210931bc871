"""A small home folder made in code: two months of the demo market, its history, and what a model is said to have said.

No model is trained: forecasts are the martingale's, moved by a seeded amount, so that there is something to measure.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from ml_data.bar_tape import BarTape
from ml_data.build import build
from ml_data.demo_market import demo_bars
from ml_data.event_view import event_view, event_window
from ml_data.events import Event
from ml_data.feature_matrix import feature_groups, schema_hash
from ml_data.journal import append_predictions
from ml_data.store import Store, sql
from ml_inference.answers import feature_units
from ml_inference.shadow import decision_moments
from ml_monitoring.outcome_logger import settle
from trading.domain.calendar import to_minute
from trading.domain.instrument import Instrument, read_instrument
from trading.domain.prediction import Answer, PredictionRow, Reason, Refusal
from trading.errors import Refused
from trading.settings import CHECKOUT

MODEL = "directional-DEMO"
VERSION = "v_20250201_000000-abcde"
FIRST_DAY, LAST_DAY = date(2025, 1, 2), date(2025, 3, 7)
FIRST_ASKED = date(2025, 2, 17)


def demo_instrument() -> Instrument:
    return read_instrument(CHECKOUT / "config" / "instruments" / "DEMO.toml")


def make_home(home: Path, *, asked: bool = True) -> Path:
    """Fill `home` and return it; without `asked` there are no forecasts."""
    store, instrument = Store(home / "ml_data"), demo_instrument()
    for table in demo_bars(instrument, FIRST_DAY, LAST_DAY, seed=5):
        with store.market_write() as cursor:
            cursor.register("incoming", table)
            cursor.execute(sql("insert_bars"), {"instrument": instrument.symbol})
    build(store, instrument)
    if asked:
        rows = [row for event in decision_moments(instrument, FIRST_ASKED, LAST_DAY) for row in said(store, event)]
        append_predictions(store, rows, datetime(2025, 4, 1, tzinfo=UTC))
        settle(store, instrument, now=datetime(2025, 4, 1, tzinfo=UTC))
    store.close()
    return home


def said(store: Store, event: Event) -> list[PredictionRow]:
    """What the model is said to have said of an event: nothing without a range, a refusal at every 17th."""
    instrument = demo_instrument()
    first_day, _ = event_window(instrument, event.trading_day)
    tape = BarTape(store, instrument)
    try:
        bars = tape.bars_until(event.trading_day, to_minute(event.decided_at))
        view = event_view(bars, instrument, event.trading_day, event.orb, tape.contract_before(first_day))
    except Refused:
        return []
    baseline = float(view.features[view.names.index("martingale_up")])
    shift = np.random.default_rng(event.trading_day.toordinal() * 10_000 + int(event.orb)).normal(0.0, 0.04)
    up = float(np.clip(baseline + shift, 0.02, 0.98))
    shares = dict.fromkeys(view.names, 0.0) | {"martingale_up": baseline - 0.5, "range_size_atr": up - baseline}
    refused = (event.trading_day.toordinal() + int(event.orb)) % 17 == 0
    answer = Answer(
        probabilities={"UP": up, "DOWN": 1.0 - up},
        confidence=max(up, 1.0 - up),
        advice="NONE" if max(up, 1.0 - up) < 0.55 else "UP" if up > 0.5 else "DOWN",
        base=0.5,
        reasons=tuple(
            Reason(name, float(value), feature_units()[name], shares[name])
            for name, value in zip(view.names, view.features, strict=True)
        ),
        raw_score=(float(np.log(up / (1.0 - up))),),
    )
    return [
        PredictionRow(
            prediction_id=event.prediction_id("0" * 64),
            instrument=event.instrument,
            kind=event.kind,
            trading_day=event.trading_day.isoformat(),
            orb=event.orb,
            decided_at=event.decided_at,
            contract=view.contract,
            model=MODEL,
            version=VERSION,
            version_hash="0" * 64,
            role="champion",
            stage="shadow",
            replayed=True,
            features=tuple(view.features.tolist()),
            schema_hash=schema_hash(feature_groups()),
            max_input_time=view.newest_input,
            data_hash=view.data_hash,
            baseline_prob_up=baseline,
            answer=None if refused else answer,
            refusal=Refusal("stale_bars", "The newest bar is too old.") if refused else None,
            latency_ms=1.0,
        )
    ]


def as_it_stood(source: Path, home: Path, clock: datetime) -> Store:
    """A store with only the bars of `source` that had closed by `clock` and the forecasts made by then, built anew."""
    instrument, old = demo_instrument(), Store(source / "ml_data")
    with old.market() as cursor:
        bars = cursor.sql(
            "SELECT * EXCLUDE (instrument) FROM market.bars_1m WHERE ts <= $last",
            params={"last": clock - timedelta(minutes=1)},
        ).to_arrow_table()
    with old.journal() as cursor:
        rows = cursor.sql(
            "SELECT * FROM journal.ml_predictions WHERE decided_at <= $clock", params={"clock": clock}
        ).to_arrow_table()
    old.close()
    store = Store(home)
    with store.market_write() as cursor:
        cursor.register("incoming", bars)
        cursor.execute(sql("insert_bars"), {"instrument": instrument.symbol})
    build(store, instrument)
    with store.journal_write() as cursor:
        cursor.register("fresh", rows)
        cursor.execute(sql("append_predictions"))
    settle(store, instrument, now=clock)
    return store
