"""The paper broker: what a version in auto orders at an event, and what came of it as settled.

Pure but for `place` and `fill`. The rules gate every order: it trades a break by the rule, no larger than by the rules,
and nothing once the day has lost its limit. No order is written later than a forecast may be live.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from ml_data.breaker_log import breaker_events
from ml_data.history_tables import costs_in_ticks
from ml_data.kernels import LOSS
from ml_data.outcomes import MATURED
from ml_data.paper_book import (
    FILLED,
    NOT_FILLED,
    VOID,
    PaperFill,
    PaperOrder,
    append_fills,
    append_orders,
    paper_orders,
)
from ml_data.stage_history import stage_now
from ml_data.store import Store, sql
from ml_monitoring.breaker_watch import breaker_check
from ml_monitoring.evidence import LATE
from trading.domain.advice import AUTO, Advice
from trading.domain.instrument import Instrument
from trading.domain.label import ORB_COMPLETE
from trading.domain.prediction import TAKE
from trading.domain.trade_rule import REFERENCE_RULE, rule_named
from trading.risk_engine import day_is_over, loss_of_a_lot, risk_share, sized
from trading.settings import AccountSettings

_SIDES: Final = {"UP": "up", "DOWN": "down"}


def place(
    store: Store, instrument: Instrument, model: str, *, at: datetime, account: AccountSettings
) -> list[PaperOrder]:
    """Write the orders that `model` has to place at the instant `at`, and return them.

    A version orders while it is in auto and its breaker is armed, at this very moment.
    """
    asked = {"instrument": instrument.symbol, "model": model, "after": at - LATE, "at": at}
    with store.market(), store.journal() as cursor:
        rows = cursor.sql(sql("paper_candidates"), params=asked).to_arrow_table().to_pylist()
    if not rows:
        return []
    events, known, orders = breaker_events(store, model), paper_orders(store, instrument.symbol, model, at), []
    for row in rows:
        if stage_now(store, model, row["version"], at) != AUTO or not breaker_check(events, row["version"]).passed:
            continue
        closed = [each for each in known if each["trading_day"] == row["trading_day"] and each["r_net"] is not None]
        results = [each["r_net"] for each in sorted(closed, key=lambda each: each["exited_at"])]
        order = order_of(row, instrument, account, results, at)
        if order is not None:
            orders.append(order)
    append_orders(store, orders)
    return orders


def fill(store: Store, instrument: Instrument, *, at: datetime) -> int:
    """Write the fills of all orders whose outcome is settled, or was corrected; return how many."""
    with store.market(), store.journal() as cursor:
        asked = {"instrument": instrument.symbol}
        rows = cursor.sql(sql("unfilled_paper_orders"), params=asked).to_arrow_table().to_pylist()
    append_fills(store, [fill_of(row, instrument.point_value, at) for row in rows])
    return len(rows)


def order_of(
    row: Mapping[str, Any], instrument: Instrument, account: AccountSettings, results: Sequence[float], at: datetime
) -> PaperOrder | None:
    """Return the order that follows from a forecast (a row of `paper_candidates`); None where the rules forbid one.

    `results` are the closed paper trades of the trading day, in R, in the order in which they closed: once they had
    lost the day's limit nothing is ordered, nor where not one lot fits in the budget.
    """
    side = row["break_direction"] if row["advice"] == TAKE else row["advice"]
    if side not in _SIDES or day_is_over(results, account.max_day_loss_r):
        return None
    rule = REFERENCE_RULE if row["rule"] is None else rule_named(row["rule"])
    advice = Advice(row["model"], row["version"], AUTO, row["advice"], row["advised_size"])
    loss = loss_of_a_lot(*_points(row, instrument, rule.stop, side), instrument.point_value)
    size = sized(account.risk_per_trade, loss, risk_share([advice], side))
    if not size.lots:
        return None
    sure = "" if row["confidence"] is None else f" ({100 * row['confidence']:.1f} %)"
    reason = (
        f"{row['model']} {row['version']} in auto says {row['advice']}{sure}: {size.lots:,} lots of {rule.name} on a "
        f"break {_SIDES[side]}, {size.share:g} of the rules' risk."
    )
    return PaperOrder(
        prediction_id=row["prediction_id"],
        instrument=instrument.symbol,
        model=row["model"],
        version=row["version"],
        trading_day=row["trading_day"],
        orb=row["orb"],
        rule=rule.name,
        side=side,
        lots=size.lots,
        share=size.share,
        budget=account.risk_per_trade,
        reason=reason,
        placed_at=at,
    )


def fill_of(row: Mapping[str, Any], point_value: float, at: datetime) -> PaperFill:
    """Return what came of an order (a row of `unfilled_paper_orders`): its trade as settled, costs taken off.

    An order whose break went the other way, or never came, is not filled. A bar that touched stop and target is a loss.
    """
    names = ("entered_at", "entry", "stop", "target", "exited_at", "exit_price", "ambiguous")
    if row["state"] != MATURED:
        return PaperFill(row["prediction_id"], row["revision"], VOID, **dict.fromkeys(names), **_NOTHING, settled_at=at)
    if row["direction"] != row["side"] or row["r_net"] is None:
        return PaperFill(
            row["prediction_id"], row["revision"], NOT_FILLED, **dict.fromkeys(names), **_NOTHING, settled_at=at
        )
    money = row["r_net"] * abs(row["entry"] - row["stop"]) * point_value * row["lots"]
    told = {name: row[name] for name in names}
    return PaperFill(
        row["prediction_id"], row["revision"], FILLED, **told, r_net=row["r_net"], money=money, settled_at=at
    )


_NOTHING: Final[dict[str, Any]] = {"r_net": None, "money": None}


def _points(row: Mapping[str, Any], instrument: Instrument, stop: str, side: str) -> tuple[float, float]:
    """Return the distance from entry to stop, and the costs of a stopped trade, in points.

    Before the break the entry is taken to lie one tick outside the range.
    """
    edge = {"UP": row["low"], "DOWN": row["high"]}[side] if stop == "full" else (row["high"] + row["low"]) / 2
    outside = {"UP": row["high"] + instrument.tick, "DOWN": row["low"] - instrument.tick}[side]
    entry = outside if row["kind"] == ORB_COMPLETE else row["break_close"]
    ticks = np.array([round(entry / instrument.tick)], dtype=np.int64)
    return abs(entry - edge), float(costs_in_ticks(instrument, np.array([LOSS]), ticks)[0]) * instrument.tick
