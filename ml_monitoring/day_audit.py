"""Sets what was logged on a day against a replay of it: asks the stores for outcomes again, and writes looks down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import numpy as np

from ml_data.history_tables import definitions_hash
from ml_data.journal import OutcomeRow
from ml_data.outcomes import PENDING
from ml_data.staleness import Span, bars_revised_since
from ml_data.store import Store, sql
from ml_monitoring.outcome_logger import outcomes_again
from ml_monitoring.reconciliation import (
    Case,
    Fill,
    FillStage,
    Reconciliation,
    reconciled,
    reconciliation_sentence,
)
from trading.domain.calendar import day_windows, from_minute
from trading.domain.instrument import Instrument
from trading.domain.substitution import DATA_REVISED, FILL_DIFFERS, UNEXPLAINED, Cause, Substituted

_NOT_RECORDED: Final = "what it was settled with is not recorded; the bars are the same"
_OTHER_COSTS: Final = "costs, ticks or another line of the instrument's file are not those it was settled with"
_SAME_COSTS: Final = "bars and definitions are those it was settled with"


@dataclass(frozen=True)
class Reconciled:
    """The looks at some days of a model, summed: of each day the newest. `causes` are events and net R by name."""

    days: int
    first: date
    last: date
    events: int
    differ: int
    unsettled: int
    r_live: float
    r_replay: float
    causes: dict[str, tuple[int, float]]
    looked_at: datetime

    @property
    def sentence(self) -> str:
        """What the looks came to."""
        return reconciliation_sentence(self.events, self.differ, self.causes)

    @property
    def passed(self) -> bool:
        """Whether every difference has a cause that is known."""
        return UNEXPLAINED.name not in self.causes


def reconcile_day(
    store: Store,
    instrument: Instrument,
    logged: Sequence[Mapping[str, Any]],
    substituted: Sequence[Substituted],
    *,
    model: str,
    version: str,
    trading_day: date,
    replayed: bool,
    now: datetime,
) -> Reconciliation:
    """Return the difference between `logged` rows with their outcomes and a replay, by cause; nothing is written."""
    rows = {row["prediction_id"]: row for row in logged}
    replay = [_asked(each, each.contract) for each in substituted if each.contract is not None]
    again = outcomes_again(store, instrument, replay, now=now)
    cases = []
    for each in substituted:
        row, found = rows.get(each.prediction_id), again.get(each.prediction_id)
        if row is None:
            cases.append(Case(each, _fill(found), (), None, None if found is None else found.r_net_advised))
        elif row["state"] == PENDING:
            cases.append(Case(each, None, (), None, None))
        else:
            fills = _fill_stages(store, instrument, each, row, _fill(found), now)
            r_replay = None if found is None else found.r_net_advised
            settled = Fill(row["state"], row["actual"], row["r_net"])
            cases.append(Case(each, settled, fills, row["r_net_advised"], r_replay))
    return reconciled(
        cases, instrument=instrument.symbol, model=model, version=version, trading_day=trading_day, replayed=replayed
    )


def record_look(store: Store, found: Reconciliation, looked_at: datetime) -> None:
    """Write one look down."""
    row = {
        **{
            name: getattr(found, name)
            for name in ("instrument", "model", "version", "trading_day", "replayed", "events", "unsettled")
        },
        "differ": len(found.differences),
        "r_live": found.r_live,
        "r_replay": found.r_replay,
        "causes": [each.cause for each in found.causes],
        "cause_events": [each.events for each in found.causes],
        "cause_r": [each.r for each in found.causes],
        "looked_at": looked_at,
    }
    with store.journal_write() as cursor:
        cursor.execute(sql("append_reconciliation"), row)


def reconciled_so_far(
    store: Store, instrument: str, model: str, *, known_by: datetime, replayed: bool = False
) -> Reconciled | None:
    """Return the newest look at each day of a model by an instant, summed; None where nobody has looked."""
    asked = {"instrument": instrument, "model": model, "replayed": replayed, "known_by": known_by}
    with store.journal() as cursor:
        looks = cursor.sql(sql("reconciliations_of"), params=asked).to_arrow_table().to_pylist()
    if not looks:
        return None
    causes: dict[str, tuple[int, float]] = {}
    for look in looks:
        for name, count, r in zip(look["causes"], look["cause_events"], look["cause_r"], strict=True):
            events, total = causes.get(name, (0, 0.0))
            causes[name] = (events + count, total + r)
    return Reconciled(
        days=len(looks),
        first=looks[0]["trading_day"],
        last=looks[-1]["trading_day"],
        **{name: sum(look[name] for look in looks) for name in ("events", "differ", "unsettled", "r_live", "r_replay")},
        causes=causes,
        looked_at=max(look["looked_at"] for look in looks),
    )


def _asked(each: Substituted, contract: str | None) -> dict[str, Any]:
    """Return what settling a replay of an event needs to know of it."""
    said = each.replay
    return {
        "prediction_id": each.prediction_id,
        "trading_day": each.trading_day,
        "orb": each.orb,
        "decided_at": each.decided_at,
        "contract": contract,
        "label": each.label,
        "rule": each.rule,
        "advice": None if said is None else said.advice,
        "advised_size": None if said is None else said.size,
    }


def _fill(found: OutcomeRow | None) -> Fill | None:
    return None if found is None else Fill(found.state, found.actual, found.r_net)


def _fill_stages(
    store: Store,
    instrument: Instrument,
    each: Substituted,
    row: Mapping[str, Any],
    now_filled: Fill | None,
    now: datetime,
) -> tuple[FillStage, ...]:
    """Return the stages from the outcome as it was settled to that of the bars and the instrument's file of today."""
    settled = Fill(row["state"], row["actual"], row["r_net"])
    if settled == now_filled or each.contract is None:
        return ()
    ends = from_minute(int(day_windows(instrument, np.array([each.trading_day], "datetime64[D]")).ends[0]))
    ends = max(ends, each.decided_at + timedelta(hours=4))  # a range ahead may outlast its day
    span = Span(each.decided_at - timedelta(days=1), ends, each.logged_contract)
    bars, revised = bars_revised_since(store, instrument, row["settled_at"]).inside([span], row["settled_at"])
    then = now_filled
    if bars or each.contract != each.logged_contract:
        asked = [_asked(each, each.logged_contract)]
        found = outcomes_again(store, instrument, asked, now=now, bars_known_at=row["settled_at"] if bars else None)
        then = _fill(found.get(each.prediction_id))
    stages = []
    if then != settled:
        cause, why = _why_filled_otherwise(store, instrument, each, row, ends)
        stages.append(FillStage(cause, why, then))
    if then != now_filled:
        stages.append(
            FillStage(DATA_REVISED, str(revised or f"the day's contract is {each.contract} by now"), now_filled)
        )
    return tuple(stages)


def _why_filled_otherwise(
    store: Store, instrument: Instrument, each: Substituted, row: Mapping[str, Any], ends: datetime
) -> tuple[Cause, str]:
    """Return why the bars as they were give another outcome than was settled."""
    asked = {"instrument": instrument.symbol, "made_at": row["settled_at"], "since": each.decided_at, "before": ends}
    with store.market() as cursor:
        came = cursor.execute(sql("imports_since"), asked).fetchall()
    if came:
        return DATA_REVISED, f"bars of the trade came in since: {came[0][3]:,} of import {came[0][0]} ({came[0][1]})"
    if row["settled_with"] is None:
        return FILL_DIFFERS, _NOT_RECORDED
    changed = row["settled_with"] != definitions_hash(instrument)
    return (FILL_DIFFERS, _OTHER_COSTS) if changed else (UNEXPLAINED, _SAME_COSTS)
