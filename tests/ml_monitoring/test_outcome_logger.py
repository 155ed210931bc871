"""Settlement on literal bars: MGC on Friday 8 March 2024, whose 09:00 range (Brisbane) runs 23:00 to 23:05 UTC."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from ml_data.journal import append_predictions, judged_predictions
from ml_data.store import Store, sql
from ml_monitoring.outcome_logger import SettleReport, settle
from trading.domain.instrument import read_instrument
from trading.domain.prediction import Answer, PredictionRow, Refusal

MGC = read_instrument(Path(__file__).resolve().parents[2] / "config" / "instruments" / "MGC.toml")
OPENS = datetime(2024, 3, 7, 23, 0, tzinfo=UTC)
RANGE = [(2100.0, 2100.4, 2099.9, 2100.2)] * 5
BREAK_UP = (2100.2, 2100.7, 2100.1, 2100.6)
WINS = (2100.6, 2101.3, 2100.5, 2101.2)  # entry 2100.6, stop 2099.9, target 2101.3
LATER = OPENS + timedelta(days=2)

ASKED = PredictionRow(
    prediction_id="p1",
    instrument="MGC",
    kind="orb_complete",
    trading_day="2024-03-08",
    orb="0900",
    decided_at=OPENS + timedelta(minutes=5),
    contract="MGCJ4",
    model="directional-MGC",
    version="v_20240101_000000-aaaaa",
    version_hash="hash",
    role="champion",
    stage="shadow",
    replayed=True,
    features=(),
    schema_hash="",
    max_input_time=OPENS + timedelta(minutes=5),
    data_hash="",
    baseline_prob_up=0.6,
    answer=Answer({"UP": 0.7, "DOWN": 0.3}, 0.7, "UP", 0.5, (), (0.8,)),
    refusal=None,
    latency_ms=1.0,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    yield made
    made.close()


def put_bars(store: Store, *bars: tuple[float, float, float, float] | None) -> None:
    """Store one bar a minute from 23:00 on; None is a minute without one."""
    rows = [
        dict(zip(("open", "high", "low", "close"), bar, strict=True))
        | {"contract": "MGCJ4", "ts": OPENS + timedelta(minutes=minute), "volume": 10.0}
        for minute, bar in enumerate(bars)
        if bar is not None
    ]
    with store.market_write() as cursor:
        cursor.register("incoming", pa.Table.from_pylist(rows))
        cursor.execute(sql("insert_bars"), {"instrument": "MGC"})
        cursor.unregister("incoming")


def outcome(store: Store) -> dict[str, object]:
    (row,) = judged_predictions(store, instrument="MGC").to_pylist()
    return {name: row[name] for name in ("state", "actual", "correct", "r_net", "r_net_advised", "void_reason")}


def test_a_break_is_settled_with_the_net_result_of_the_plain_rule(store: Store):
    put_bars(store, *RANGE, BREAK_UP, WINS)
    append_predictions(store, [ASKED], LATER)
    assert settle(store, MGC, now=LATER) == SettleReport(looked_at=1, matured=1, void=0, pending=0)
    won = pytest.approx(1 - 0.25 / 0.7)  # commission 1.5 ticks and one tick of slippage, on a risk of 0.7
    assert outcome(store) == {
        "state": "matured",
        "actual": "UP",
        "correct": True,
        "r_net": won,
        "r_net_advised": won,
        "void_reason": None,
    }


def test_advice_for_the_other_side_leaves_the_trade(store: Store):
    put_bars(store, *RANGE, BREAK_UP, WINS)
    down = Answer({"UP": 0.3, "DOWN": 0.7}, 0.7, "DOWN", 0.5, (), (-0.8,))
    append_predictions(store, [replace(ASKED, answer=down)], LATER)
    settle(store, MGC, now=LATER)
    found = outcome(store)
    assert (found["correct"], found["r_net_advised"]) == (False, 0.0)


def test_a_refusal_has_an_outcome_and_was_neither_right_nor_followed(store: Store):
    put_bars(store, *RANGE, BREAK_UP, WINS)
    append_predictions(store, [replace(ASKED, answer=None, refusal=Refusal("stale_bars", "Too old."))], LATER)
    settle(store, MGC, now=LATER)
    found = outcome(store)
    assert (found["state"], found["actual"], found["correct"], found["r_net_advised"]) == ("matured", "UP", None, None)


def test_a_break_whose_trade_is_open_waits(store: Store):
    put_bars(store, *RANGE, BREAK_UP)
    append_predictions(store, [ASKED], LATER)
    assert settle(store, MGC, now=LATER) == SettleReport(looked_at=1, matured=0, void=0, pending=1)
    assert outcome(store)["state"] == "pending"


def test_what_is_known_later_than_now_is_not_settled_yet(store: Store):
    put_bars(store, *RANGE, BREAK_UP, WINS)
    append_predictions(store, [ASKED], OPENS + timedelta(minutes=5))
    at_the_exit = OPENS + timedelta(minutes=6)
    assert settle(store, MGC, now=at_the_exit).pending == 1
    assert settle(store, MGC, now=at_the_exit + timedelta(minutes=1)).matured == 1


def test_a_hole_before_the_break_makes_the_outcome_void_with_its_reason(store: Store):
    put_bars(store, *RANGE, *[None] * 40, BREAK_UP, WINS)
    append_predictions(store, [ASKED], LATER)
    assert settle(store, MGC, now=LATER) == SettleReport(looked_at=1, matured=0, void=1, pending=0)
    found = outcome(store)
    assert (found["state"], found["void_reason"], found["r_net"]) == ("void", "missing_bars", None)


def test_settling_twice_changes_nothing(store: Store):
    put_bars(store, *RANGE, BREAK_UP, WINS)
    append_predictions(store, [ASKED], LATER)
    settle(store, MGC, now=LATER)
    stamp, before = store.stamp("journal"), outcome(store)
    assert settle(store, MGC, now=LATER) == SettleReport(looked_at=0, matured=0, void=0, pending=0)
    assert outcome(store) == before
    with store.journal() as cursor:
        assert cursor.execute("SELECT count(*) FROM journal.ml_outcomes").fetchall() == [(1,)]
    assert isinstance(stamp, int)


def test_without_predictions_there_is_nothing_to_settle(store: Store):
    assert settle(store, MGC, now=LATER) == SettleReport(0, 0, 0, 0)
