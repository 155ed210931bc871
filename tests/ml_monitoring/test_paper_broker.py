"""Orders on paper: written at the event by a version in auto whose breaker is armed, settled like any trade."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from ml_data.breaker_log import BreakerEvent, append_breaker_events
from ml_data.paper_book import paper_orders
from ml_data.stage_history import StageChange, append_stage_change
from ml_monitoring.breaker import CODES
from ml_monitoring.outcome_logger import settle
from ml_monitoring.paper_broker import fill_of, order_of, place
from tests.hub_home import DEMO, MODEL, NOW, Home
from trading.settings import AccountSettings

AT = datetime(2025, 3, 3, 13, 5, tzinfo=UTC)
ACCOUNT = AccountSettings(risk_per_trade=1_000, max_day_loss_r=3)
ROW = {
    "prediction_id": "p",
    "kind": "orb_complete",
    "model": MODEL,
    "version": "v",
    "trading_day": date(2025, 3, 3),
    "orb": "2300",
    "rule": None,
    "advice": "UP",
    "advised_size": None,
    "confidence": 0.62,
    "high": 2887.0,
    "low": 2884.0,
    "break_direction": None,
    "break_close": None,
}
TRADE = {
    "prediction_id": "p",
    "side": "UP",
    "lots": 3,
    "revision": 0,
    "state": "matured",
    "r_net": -1.1,
    "direction": "UP",
    "entered_at": AT,
    "entry": 2887.5,
    "stop": 2884.0,
    "target": 2891.0,
    "exited_at": AT,
    "exit_price": 2884.0,
    "ambiguous": True,
}


def ordered(results: tuple[float, ...] = (), account: AccountSettings = ACCOUNT, **changes: Any) -> Any:
    return order_of({**ROW, **changes}, DEMO, account, results, AT)


def test_an_order_trades_the_advised_side_by_the_rule_with_lots_that_fit_the_budget():
    order = ordered()
    # from one tick above the range to its other edge, and the costs of a stopped trade
    costs = 2 * DEMO.costs.commission_per_side / DEMO.point_value + 2 * DEMO.costs.slippage_ticks * DEMO.tick
    loss = (3.0 + DEMO.tick + costs) * DEMO.point_value
    assert (order.side, order.rule, order.share, order.lots) == ("UP", "full-rr1-day", 1.0, int(1_000 // loss))
    assert "says UP (62.0 %)" in order.reason
    taken = ordered(kind="break_closed", advice="TAKE", advised_size=0.6, break_direction="DOWN", break_close=2883.0)
    assert (taken.side, taken.share) == ("DOWN", 0.6)


@pytest.mark.parametrize(
    ("results", "account", "changes"),
    [
        ((-1.5, -1.5), ACCOUNT, {}),
        ((), AccountSettings(risk_per_trade=10), {}),
        ((), ACCOUNT, {"advice": "TAKE", "break_direction": "NONE"}),
    ],
)
def test_the_rules_gate_every_order(results: tuple[float, ...], account: AccountSettings, changes: dict[str, Any]):
    assert ordered(results, account, **changes) is None


def test_a_fill_is_the_settled_trade_costs_and_all():
    found = fill_of(TRADE, 10.0, AT)
    assert (found.state, found.r_net, found.ambiguous) == ("filled", -1.1, True)
    assert found.money == pytest.approx(-1.1 * 3.5 * 10.0 * 3)
    other = fill_of({**TRADE, "side": "DOWN"}, 10.0, AT)
    assert (other.state, other.r_net, other.money, other.entry) == ("not_filled", None, None, None)
    assert fill_of({**TRADE, "state": "void"}, 10.0, AT).state == "void"


def in_auto(home: Home, side: str = "UP") -> tuple[str, datetime]:
    """Replay a day, and say that it was live, in auto, with an armed breaker; return version and first moment."""
    home.replay("2023-05-15", "2023-05-15")
    version, first = home.journal("version, decided_at")[0][0], min(home.journal("decided_at"))[0]
    with home.store.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET replayed = FALSE, stage = 'auto', advice = ?", [side])
    since = first - timedelta(days=1)
    append_stage_change(home.store, StageChange(MODEL, version, "auto", "champion", since, "Ann", "why", "e" * 64))
    armed = BreakerEvent("DEMO", MODEL, version, "", "armed", "", 0.0, 0.0, "It reads so.", since, "hub", "first look")
    append_breaker_events(home.store, [replace(armed, code=code) for code in CODES])
    return version, first


@pytest.mark.parametrize("side", ["UP", "DOWN"])
def test_a_version_in_auto_orders_at_its_event_once_and_the_order_is_settled_as_every_trade(home: Home, side: str):
    _, first = in_auto(home, side)
    assert place(home.store, DEMO, MODEL, at=first + timedelta(seconds=61), account=ACCOUNT) == []  # never back-dated
    orders = place(home.store, DEMO, MODEL, at=first + timedelta(seconds=5), account=ACCOUNT)
    assert [order.side for order in orders] == [side]
    assert place(home.store, DEMO, MODEL, at=first + timedelta(seconds=9), account=ACCOUNT) == []
    known = paper_orders(home.store, "DEMO", MODEL, NOW)
    assert [row["state"] for row in known] == ["open"]
    settle(home.store, DEMO, now=NOW)
    settle(home.store, DEMO, now=NOW)
    [row] = paper_orders(home.store, "DEMO", MODEL, NOW)
    outcomes = {name: came for name, *came in home.outcomes("prediction_id, actual, r_net")}
    actual, r_net = outcomes[row["prediction_id"]]
    assert actual in ("UP", "DOWN")  # of the two orders one is filled
    assert (row["state"], row["r_net"]) == (("filled", r_net) if side == actual else ("not_filled", None))
    assert paper_orders(home.store, "DEMO", MODEL, first)[:1] == []


def test_a_version_whose_breaker_has_tripped_or_that_was_taken_back_orders_nothing(home: Home):
    version, first = in_auto(home)
    at = first + timedelta(seconds=5)
    trip = BreakerEvent("DEMO", MODEL, version, "drawdown", "trip", "", 41.0, 40.0, "It fell.", at, "hub", "over")
    append_breaker_events(home.store, [trip])
    assert place(home.store, DEMO, MODEL, at=at, account=ACCOUNT) == []
    append_breaker_events(home.store, [replace(trip, kind="rearm")])
    down = StageChange(MODEL, version, "shadow", "champion", first, "hub", "drawdown", None)
    append_stage_change(home.store, down)
    assert place(home.store, DEMO, MODEL, at=at, account=ACCOUNT) == []
