"""What may count for a promotion: forecasts of one version that were written down before anybody could know better.

A replayed forecast never counts, however it came out, nor one that was logged late or after its outcome. A day counts
when it is over and all of its forecasts are settled: looking at half a day is looking twice.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml_data.history_tables import costs_in_ticks
from ml_data.kernels import LOSS
from ml_data.outcomes import PENDING
from ml_monitoring.judged import Bools, Floats, Judged, judged_of, judged_rows
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import REFERENCE_RULE, rule_named

LATE: Final = timedelta(seconds=60)
"""After its moment a forecast is no live one: the first break can close a minute after the range."""

_HASHED: Final = (
    "prediction_id",
    "version_hash",
    "decided_at",
    "logged_at",
    "prob_up",
    "prob_down",
    "prob_none",
    "prob_win",
    "prob_miss",
    "baseline_prob_up",
    "baselines",
    "advice",
    "actual",
    "r_net",
    "r_net_advised",
    "known_at",
)
_HASHED_OF_NUMBERS: Final = ("outputs", "quantiles", "expected_r", "interval_low", "interval_high", "actual_values")


@dataclass(frozen=True, eq=False)
class Evidence:
    """What one version showed from `since` (None: its first forecast) to `at`.

    `live` counts for promotion, `replayed` never does. `worst_r` (n,) is the largest loss in R, costs included, that
    each trade of `live` could bring, known before its outcome; NaN where the range is not stored. `waiting` are live
    forecasts without an outcome yet, `late` those that came too late to count. `newest` is the moment of the newest
    live forecast, `newest_stamp` the latest instant that is written anywhere in it: above `at`, the clock went back.
    """

    instrument: str
    model: str
    version: str
    at: datetime
    since: datetime | None
    live: Judged
    replayed: Judged
    worst_r: Floats
    waiting: int
    late: int
    newest: datetime | None
    newest_stamp: datetime | None
    digest: str


def evidence_of(
    journal: pa.Table,
    instrument: Instrument,
    model: str,
    version: str,
    *,
    at: datetime,
    since: datetime | None,
    sizes: Mapping[tuple[date, str], tuple[float, float]],
) -> Evidence:
    """Return the evidence in the rows of `ml_data.journal.evidence_rows`.

    `sizes` are size and close of the opening ranges, in the instrument's currency, by trading day and range. What the
    majority baseline had seen includes what came before `since`, and what was replayed.
    """
    everything, rows = judged_of(journal), judged_rows(journal)
    on_time, replayed = _on_time(rows), _marks(pc.fill_null(rows["replayed"], False))
    asked = _marks(pc.fill_null(pc.invert(journal["replayed"]), False)) & _marks(pc.is_null(journal["refusal_code"]))
    pending = asked & _marks(pc.equal(journal["state"], PENDING))
    days = journal["trading_day"].to_numpy().astype("datetime64[D]")
    live_days = days[_marks(pc.fill_null(pc.invert(journal["replayed"]), False))]
    over = np.concatenate([live_days.max(initial=np.datetime64("1900-01-01"), keepdims=True), days[pending]]).min()
    after = np.ones(len(everything), bool) if since is None else _marks(pc.greater_equal(rows["decided_at"], since))
    counts = on_time & after & (everything.days < over)
    kept = rows.filter(pa.array(counts))
    moments = journal["decided_at"].filter(pa.array(asked))
    worst = _worst_r(kept, instrument, sizes)
    stamps = [pc.max(journal[name]).as_py() for name in ("decided_at", "logged_at", "settled_at")]
    return Evidence(
        instrument=instrument.symbol,
        model=model,
        version=version,
        at=at,
        since=since,
        live=everything.where(counts),
        replayed=everything.where(replayed),
        worst_r=worst,
        waiting=int(pending.sum()),
        late=int((~replayed & ~on_time).sum()),
        newest=pc.max(moments).as_py(),
        newest_stamp=max((stamp for stamp in stamps if stamp is not None), default=None),
        digest=_digest(kept, worst, everything.where(counts).baselines),
    )


def _on_time(rows: pa.Table) -> Bools:
    """Return which rows were written at their moment and before their outcome was known; what is not known is late."""
    logged, decided = rows["logged_at"], rows["decided_at"]
    kept = pc.and_(pc.invert(rows["replayed"]), pc.less_equal(decided, logged))
    kept = pc.and_(kept, pc.less_equal(pc.subtract(logged, decided), pa.scalar(LATE, pa.duration("us"))))
    return _marks(pc.fill_null(pc.and_(kept, pc.less(logged, rows["known_at"])), False))


def _worst_r(rows: pa.Table, instrument: Instrument, sizes: Mapping[tuple[date, str], tuple[float, float]]) -> Floats:
    """Return (n,): 1 R and the costs of a round trip, in R of the smallest distance that the stop can have."""
    worst = np.full(rows.num_rows, np.nan)
    for place, row in enumerate(rows.select(["trading_day", "orb", "rule"]).to_pylist()):
        size, close = sizes.get((row["trading_day"], row["orb"]), (np.nan, np.nan))
        rule = REFERENCE_RULE if row["rule"] is None else rule_named(row["rule"])
        least = size if rule.stop == "full" else size / 2
        if least > 0:
            ticks = np.array([round(close / instrument.tick)])
            costs = costs_in_ticks(instrument, np.array([LOSS]), ticks)[0] * instrument.tick
            worst[place] = 1 + costs / least
    return worst


def _digest(rows: pa.Table, worst: Floats, baselines: Mapping[str, Floats]) -> str:
    """Return a hash over everything that the gates are computed from: rows in their order, bit for bit."""
    numbers = [name for name in _HASHED_OF_NUMBERS if name in rows.column_names]
    columns = {name: rows[name].to_pylist() for name in (*_HASHED, *numbers)}
    beside = {f"baseline {name}": said.tolist() for name, said in baselines.items()}
    text = json.dumps({**columns, **beside, "worst_r": worst.tolist()}, default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _marks(values: pa.Array | pa.ChunkedArray) -> Bools:
    found: Bools = np.asarray(values).astype(np.bool_)
    return found
