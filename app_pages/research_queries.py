"""What the Research page asks the store: stored trades by filter, in groups with their intervals."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ml_data.build import read_bars
from ml_data.feature_inputs import atr_before
from ml_data.store import Store, sql
from ml_models.intervals import Estimate, mean_interval, share_interval
from trading.domain.instrument import Instrument
from trading.domain.trade_rule import TRADE_RULES

Floats = npt.NDArray[np.float64]

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SIZES: Final[dict[str, tuple[float, float]]] = {
    "below 0.05": (0.0, 0.05),
    "0.05 to 0.1": (0.05, 0.1),
    "0.1 to 0.2": (0.1, 0.2),
    "0.2 to 0.4": (0.2, 0.4),
    "above 0.4": (0.4, np.inf),
}
"""Sizes of a range in ATR(14) of its contract, each from the first to below the second."""

GROUPINGS: Final = ("range", "weekday", "direction", "size", "year", "rule")


@dataclass(frozen=True)
class Question:
    """Which trades: None lets every value through. `group` is one of `GROUPINGS`; of all rules only `rule` makes sense.

    `days` are calendar days back from the newest trade, `until` is the instant by which a trade must have closed (UTC).
    """

    group: str
    rule: str | None
    orb: str | None = None
    direction: str | None = None
    weekday: int | None = None
    size: str | None = None
    days: int | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Group:
    """The trades of one group: how often they won, what they earned before and after costs (R a trade), the costs."""

    name: str
    won: Estimate
    gross: Estimate
    costs: float
    net: Estimate


def groups_of(store: Store, instrument: Instrument, asked: Question) -> tuple[Group, ...]:
    """Return the groups of the trades that are asked for, in the order in which a trader thinks of them."""
    rows = _trades(store, instrument, asked)
    names = _names(store, instrument, asked, rows)
    order = _order(instrument, asked.group, set(names.tolist()))
    days = rows["trading_day"].to_numpy().astype("datetime64[D]")
    won = rows["won"].to_numpy(zero_copy_only=False).astype(bool)
    gross, net, costs = (rows[name].to_numpy().astype(np.float64) for name in ("r_gross", "r_net", "costs_r"))
    found = []
    for name in order:
        mark = names == name
        found.append(
            Group(
                name,
                share_interval(won[mark], days[mark]),
                mean_interval(gross[mark], days[mark]),
                float(costs[mark].mean()),
                mean_interval(net[mark], days[mark]),
            )
        )
    return tuple(found)


def _trades(store: Store, instrument: Instrument, asked: Question) -> pa.Table:
    wanted = {
        "instrument": instrument.symbol,
        "until": asked.until or datetime.max.replace(tzinfo=UTC),
        "rule": asked.rule,
        "orb": asked.orb,
        "direction": asked.direction,
        "weekday": asked.weekday,
        "days": asked.days,
    }
    with store.market() as cursor:
        return cursor.sql(sql("research_trades"), params=wanted).to_arrow_table()


def _names(store: Store, instrument: Instrument, asked: Question, rows: pa.Table) -> npt.NDArray[np.object_]:
    """Return (n,): the group of each trade; empty for those that are not asked for."""
    sized = asked.size is not None or asked.group == "size"
    sizes = _size_names(store, instrument, rows) if sized else None
    match asked.group:
        case "range":
            names = rows["orb"].to_numpy(zero_copy_only=False)
        case "weekday":
            names = np.array(WEEKDAYS, dtype=object)[rows["weekday"].to_numpy() - 1]
        case "direction":
            names = rows["direction"].to_numpy(zero_copy_only=False)
        case "year":
            names = rows["trading_day"].to_numpy().astype("datetime64[Y]").astype(str).astype(object)
        case "rule":
            names = rows["rule"].to_numpy(zero_copy_only=False)
        case _:
            names = sizes
    if asked.size is not None and sizes is not None:
        names = np.where(sizes == asked.size, names, "")
    return np.asarray(names, dtype=object)


def _size_names(store: Store, instrument: Instrument, rows: pa.Table) -> npt.NDArray[np.object_]:
    """Return (n,): the size of each trade's range in ATR(14), as a name of `SIZES`; empty where there is no ATR."""
    if rows.num_rows == 0:
        return np.empty(0, dtype=object)
    days = rows["trading_day"].to_numpy().astype("datetime64[D]")
    contracts = rows["contract"].to_numpy(zero_copy_only=False)
    unique, first, place = np.unique(days, return_index=True, return_inverse=True)
    atr = atr_before(read_bars(store, instrument), instrument, unique, contracts[first].tolist())
    share = rows["size"].to_numpy().astype(np.float64) / atr[place]
    names = np.full(len(share), "", dtype=object)
    for name, (low, high) in SIZES.items():
        names[(share >= low) & (share < high)] = name
    return names


def _order(instrument: Instrument, group: str, found: set[str]) -> list[str]:
    every = {
        "range": [rule.name for rule in instrument.opening_ranges],
        "weekday": list(WEEKDAYS),
        "direction": ["UP", "DOWN"],
        "size": list(SIZES),
        "rule": [rule.name for rule in TRADE_RULES],
    }
    return [name for name in every.get(group, sorted(found - {""})) if name in found]
