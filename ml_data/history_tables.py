"""The public tables of a history: `contract_days`, `sessions`, `opening_ranges`, `orb_trades` (see docs/data.md).

Times are starts of bars, UTC (a bar is known one minute later); prices are in the instrument's currency. R is the
distance from entry to stop. Net R takes off commission on both sides and slippage on every market order.
"""

import hashlib
import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.history import History
from ml_data.kernels import DOWN, EXPIRED, LOSS, NO_TRADE, OPEN, UNDECIDED, UP, WIN
from trading.domain.calendar import expected_minutes
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import TRADE_RULES

HISTORY_VERSION: Final = 3
"""Raised whenever a definition of this module or of `ml_data.kernels` changes: stored history is then rebuilt."""

DIRECTION_NAMES: Final = {UP: "UP", DOWN: "DOWN", 0: "NONE"}
RESULT_NAMES: Final = {WIN: "win", LOSS: "loss", EXPIRED: "expired", OPEN: "open"}


def definitions_hash(instrument: Instrument) -> str:
    """Return a hash of all that history depends on beside the bars."""
    rules = instrument.model_dump(mode="json", exclude={"plausible_prices"})
    text = json.dumps([HISTORY_VERSION, rules], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def history_tables(history: History) -> dict[str, pa.Table]:
    """Return the four tables, keyed by name, sorted by their keys."""
    return {
        "contract_days": _contract_days(history),
        "sessions": _sessions(history),
        "opening_ranges": _opening_ranges(history),
        "orb_trades": _orb_trades(history),
    }


def _contract_days(history: History) -> pa.Table:
    chosen = history.contracts
    traded = chosen.contract >= 0
    names = np.array([*history.bars.contracts, ""], dtype=object)
    table = pa.table(
        {
            "instrument": _constant(history.instrument.symbol, len(chosen.days)),
            "trading_day": pa.array(chosen.days),
            "contract": pa.array(names[chosen.contract], pa.string()),
            "reason": pa.array(chosen.reason, pa.string()),
            "rolled": pa.array(chosen.rolled),
            "volume_share": _optional(chosen.volume_share, ~np.isnan(chosen.volume_share)),
        }
    )
    return table.filter(pa.array(traded))


def _sessions(history: History) -> pa.Table:
    values, windows, tick = history.sessions, history.windows, history.instrument.tick
    n, sessions = windows.session_starts.shape
    traded = (values.counts > 0).ravel()
    # A schedule that says less than what traded is wrong (a day of mourning on which only shares paused).
    scheduled = expected_minutes(history.instrument, windows.session_starts, windows.session_ends)
    expected = np.maximum(scheduled, values.counts)
    price = [_prices(values.prices[:, :, index].ravel(), tick) for index in range(4)]
    return pa.table(
        {
            "instrument": _constant(history.instrument.symbol, n * sessions),
            "trading_day": pa.array(np.repeat(history.days, sessions)),
            "session": _cycle([rule.name for rule in history.instrument.sessions], n),
            "starts_at": _instants(windows.session_starts.ravel()),
            "ends_at": _instants(windows.session_ends.ravel()),
            "open": _optional(price[0], traded),
            "high": _optional(price[1], traded),
            "low": _optional(price[2], traded),
            "close": _optional(price[3], traded),
            "volume": _optional(values.volumes.ravel(), traded),
            "range": _optional(
                _prices((values.prices[:, :, 1] - values.prices[:, :, 2]).ravel(), tick),
                traded,
            ),
            "bars": pa.array(values.counts.ravel().astype(np.int32)),
            "expected_bars": pa.array(expected.ravel().astype(np.int32)),
            "complete": pa.array(history.session_complete.ravel()),
        }
    )


def _opening_ranges(history: History) -> pa.Table:
    values, windows, tick = history.ranges, history.windows, history.instrument.tick
    n, openings = windows.range_starts.shape
    traded = (values.counts > 0).ravel()
    size = (values.prices[:, :, 1] - values.prices[:, :, 2]).ravel()
    price = [_prices(values.prices[:, :, index].ravel(), tick) for index in range(4)]
    broke = (history.break_rows >= 0).ravel()
    rows = np.where(broke, history.break_rows.ravel(), 0)
    minute = history.bars.minute[rows] if len(history.bars) else rows
    close = history.bars.close[rows] if len(history.bars) else rows
    contract = np.array([*history.bars.contracts, None], dtype=object)[np.repeat(history.contracts.contract, openings)]
    decided = (history.directions != UNDECIDED).ravel()
    return pa.table(
        {
            "instrument": _constant(history.instrument.symbol, n * openings),
            "trading_day": pa.array(np.repeat(history.days, openings)),
            "orb": _cycle([rule.name for rule in history.instrument.opening_ranges], n),
            "starts_at": _instants(windows.range_starts.ravel()),
            "ends_at": _instants(windows.range_ends.ravel()),
            "open": _optional(price[0], traded),
            "high": _optional(price[1], traded),
            "low": _optional(price[2], traded),
            "size": _optional(_prices(size, tick), traded),
            "close": _optional(price[3], traded),
            "volume": _optional(values.volumes.ravel(), traded),
            "bars": pa.array(values.counts.ravel().astype(np.int32)),
            "complete": pa.array(history.range_complete.ravel()),
            "void_reason": pa.array(void_reasons(history).ravel(), pa.string()),
            "break_direction": pa.array(
                [
                    DIRECTION_NAMES[int(code)] if known else None
                    for code, known in zip(history.directions.ravel(), decided, strict=True)
                ],
                pa.string(),
            ),
            "broke_at": _instants(minute, broke),
            "break_close": _optional(_prices(close, tick), broke),
            "expected_bars": pa.array((windows.range_ends - windows.range_starts).ravel().astype(np.int32)),
            "zero_size": pa.array(traded & (size == 0)),
            "contract": pa.array(contract, pa.string()),
        }
    )


def void_reasons(history: History) -> npt.NDArray[np.object_]:
    """Return why each range (n, O) is void: `holiday`, `early_close`, `no_bars`; None where it is not void (yet)."""
    windows = history.windows
    missing = (windows.range_ends <= history.through) & (history.ranges.counts == 0)
    closed = (windows.range_starts >= windows.closed_from[:, None]) & (
        windows.range_starts < windows.closed_until[:, None]
    )
    no_day = windows.holiday & ~history.traded
    reasons = np.full(missing.shape, None, dtype=object)
    reasons[missing] = "no_bars"
    reasons[missing & closed] = "early_close"
    reasons[missing & no_day[:, None]] = "holiday"
    return reasons


def _orb_trades(history: History) -> pa.Table:
    """Return one row a range and rule that was traded, or that cannot be (`void`); none where nothing broke."""
    instrument, bars = history.instrument, history.bars
    state = history.trades[..., 0]
    zero_size = history.range_complete & (history.ranges.prices[:, :, 1] == history.ranges.prices[:, :, 2])
    reasons = void_reasons(history)
    reasons[zero_size] = "zero_size"
    void = np.broadcast_to((reasons != np.array(None))[:, :, None], state.shape)
    day, opening, rule = np.nonzero((state != NO_TRADE) | void)
    traded = state[day, opening, rule] != NO_TRADE
    fields = history.trades[day, opening, rule]
    result, exit_row, stop4, target4, worst4, best4, ambiguous, risk4 = fields.T
    direction = np.where(traded, history.directions[day, opening], 0)
    entry_row = np.where(traded, history.break_rows[day, opening], 0)
    exit_row = np.where(traded, exit_row, 0)
    entry = bars.close[entry_row] if len(bars) else entry_row
    last = bars.close[exit_row] if len(bars) else exit_row
    closed = traded & (result != OPEN)
    exit4, gross, costs = trade_money(instrument, fields, direction, entry, last)
    risk = np.where(traded, risk4, 1).astype(np.float64)
    names = {**DIRECTION_NAMES, 0: None}
    results = np.array([RESULT_NAMES.get(int(code), "void") for code in range(OPEN + 1)], dtype=object)
    return pa.table(
        {
            "instrument": _constant(instrument.symbol, len(day)),
            "trading_day": pa.array(history.days[day]),
            "orb": pa.array(
                np.array([rule_.name for rule_ in instrument.opening_ranges], dtype=object)[opening], pa.string()
            ),
            "rule": pa.array(np.array([rule_.name for rule_ in TRADE_RULES], dtype=object)[rule], pa.string()),
            "direction": pa.array([names[int(code)] for code in direction], pa.string()),
            "entered_at": _instants(bars.minute[entry_row] if len(bars) else entry_row, traded),
            "entry": _optional(_prices(entry, instrument.tick), traded),
            "stop": _optional(_prices(stop4, instrument.tick / 4), traded),
            "target": _optional(_prices(target4, instrument.tick / 4), traded),
            "exited_at": _instants(bars.minute[exit_row] if len(bars) else exit_row, closed),
            "exit_price": _optional(_prices(exit4, instrument.tick / 4), closed),
            "result": pa.array(results[np.where(traded, result, 0)], pa.string()),
            "r_gross": _optional(gross, closed),
            "r_net": _optional(gross - costs, closed),
            "mae_r": _optional(worst4 / risk, traded),
            "mfe_r": _optional(best4 / risk, traded),
            "ambiguous": pa.array(ambiguous == 1),
            "void_reason": pa.array(reasons[day, opening], pa.string(), mask=traded),
            "costs_r": _optional(costs, closed),
        }
    )


def trade_money(
    instrument: Instrument,
    trades: npt.NDArray[np.int64],
    direction: npt.NDArray[np.int64],
    entry: npt.NDArray[np.int64],
    last_close: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return exit price (quarter ticks), gross R and costs in R of trades as `breaks_and_trades` writes them.

    `trades` (m, 8); `entry` and `last_close` (m,) in ticks. Rows that are no closed trade give numbers without meaning:
    the caller masks them.
    """
    exit4, gross, risk = trade_result(trades, direction, entry, last_close)
    return exit4, gross, costs_in_ticks(instrument, trades[:, 0], entry) * 4.0 / risk


def trade_result(
    trades: npt.NDArray[np.int64],
    direction: npt.NDArray[np.int64],
    entry: npt.NDArray[np.int64],
    last_close: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return exit price and risk (quarter ticks) and gross R of trades, as `trade_money` takes them."""
    result, stop4, target4 = trades[:, 0], trades[:, 2], trades[:, 3]
    risk = np.where(trades[:, 7] > 0, trades[:, 7], 1).astype(np.float64)
    exit4 = np.where(result == WIN, target4, np.where(result == LOSS, stop4, 4 * last_close))
    gross: npt.NDArray[np.float64] = direction * (exit4 - 4 * entry) / risk
    return exit4, gross, risk


def costs_in_ticks(
    instrument: Instrument, result: npt.NDArray[np.int64], entry: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Return what a round trip of one contract costs, in ticks: commission twice, slippage on every market order.

    The entry, a stop and a time exit are market orders; a target is a limit order and slips nothing. A commission that
    is a share of the value is taken on the entry's value (`entry` in ticks), twice.
    """
    fixed = 2.0 * instrument.costs.commission_per_side / (instrument.point_value * instrument.tick)
    commission = fixed + 2.0 * instrument.costs.commission_rate * entry
    market_orders = np.where(result == WIN, 1.0, 2.0)
    costs: npt.NDArray[np.float64] = commission + market_orders * instrument.costs.slippage_ticks
    return costs


def _prices(ticks: npt.NDArray[np.int64], tick: float) -> npt.NDArray[np.float64]:
    """Return prices of whole `tick`s, rounded to the decimal they mean (2074.8, not 2074.8000000000002)."""
    prices: npt.NDArray[np.float64] = np.round(ticks * tick, 10)
    return prices


def _instants(minutes: npt.NDArray[np.int64], known: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    mask = None if known is None else ~known
    return pa.array(minutes * 60_000_000, mask=mask, type=pa.int64()).cast(pa.timestamp("us", tz="UTC"))


def _optional(values: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=~known)


def _constant(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)


def _cycle(names: list[str], times: int) -> pa.Array:
    return pa.array(np.tile(np.array(names, dtype=object), times), pa.string())
