"""Small random markets in which any minute may be the one that breaks a rule: seeded, so that a failure comes back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from tests.ml_data.bar_files import INSTRUMENTS, mgc
from tests.ml_data.plain_history import is_open
from trading.domain.bar import BARS
from trading.domain.instrument import Instrument, OpeningRangeRule, SessionRule, TradingDayRule, read_instrument

FIRST_DAYS = (
    date(2024, 3, 7),  # New York changes its clocks on Sunday the 10th
    date(2024, 3, 28),  # Good Friday, then London's change on the 31st
    date(2024, 7, 3),  # an early close in summer
    date(2024, 10, 25),  # London's change on the 27th
    date(2024, 10, 31),  # New York's on 3 November
    date(2024, 11, 27),  # Thanksgiving and the half day after it
    date(2024, 12, 24),  # Christmas
    date(2024, 12, 31),  # New Year, the eve of which trades to its end
    date(2025, 1, 29),  # a roll from G to J
)
CONTRACTS = ("MGCG5", "MGCJ5", "MGCM5")


def brisbane() -> Instrument:
    """MGC with three ranges instead of six, one of them from the day's first minute."""
    ranges = [rule for rule in mgc().opening_ranges if rule.name in ("0900", "1800", "0030")]
    return mgc().model_copy(update={"opening_ranges": tuple(ranges)})


def new_york() -> Instrument:
    """A market on New York's clock, which changes; its day is called by the evening on which it begins."""
    return mgc().model_copy(
        update={
            "trading_day": TradingDayRule(zone="America/New_York", starts=time(18), weekdays=(6, 0, 1, 2, 3)),
            "sessions": (
                SessionRule(name="before", starts=time(15), ends=time(17), before_day_start=True),
                SessionRule(name="night", starts=time(18), ends=time(9, 30)),
                SessionRule(name="day", starts=time(9, 30), ends=time(18)),
            ),
            "opening_ranges": (
                OpeningRangeRule(name="1800", starts=time(18), minutes=15, session_ends=time(2)),
                OpeningRangeRule(name="0930", starts=time(9, 30), minutes=1, session_ends=time(18)),
                OpeningRangeRule(name="1500", starts=time(15), minutes=5, session_ends=time(17)),
            ),
        }
    )


def shipped(symbol: str) -> Instrument:
    return read_instrument(INSTRUMENTS / f"{symbol}.toml")


MARKETS = {
    "brisbane": brisbane(),
    "new_york": new_york(),
    "NQ": shipped("NQ"),  # a day is called by its end
    "SPY": shipped("SPY"),  # a day has an end of its own, and there are no contracts
    "XAUUSD": shipped("XAUUSD"),
    "BTCUSDT": shipped("BTCUSDT"),  # open always; a commission that is a share of the value
}


@dataclass(frozen=True)
class Shape:
    """What a market is made of; a shape and a seed make the same bars always."""

    first_day: date
    days: int
    contracts: int
    filled: float  # share of the minutes around the ranges that trade
    elsewhere: float  # share of the other minutes
    step: int  # ticks that a close moves at most
    reach: int  # ticks that a bar reaches beyond its open and close at most
    seed: int
    keeps_hours: bool = False  # no bar comes while the exchange is closed
    stops: int | None = None  # the last bar starts so many minutes after the last day's first range does


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    return Shape(
        first_day=draw(st.sampled_from(FIRST_DAYS)),
        days=draw(st.integers(1, 4)),
        contracts=draw(st.integers(1, 3)),
        filled=draw(st.sampled_from([1.0, 0.9, 0.4, 0.05])),
        elsewhere=draw(st.sampled_from([0.0, 0.01, 0.1])),
        step=draw(st.sampled_from([0, 1, 3, 20])),
        reach=draw(st.sampled_from([0, 1, 8])),
        seed=draw(st.integers(0, 2**32 - 1)),
        keeps_hours=draw(st.booleans()),
        stops=draw(st.none() | st.integers(0, 8)),
    )


def market(shape: Shape, instrument: Instrument) -> pa.Table:
    """Bars of a shape: thin and full minutes, holes, ties, bars that touch everything, some volume that moves on."""
    random = np.random.default_rng(shape.seed)
    midnight = datetime.combine(shape.first_day, time(0), tzinfo=UTC) - timedelta(days=1)
    start = int(midnight.timestamp()) // 60
    minutes = np.arange(start, start + (shape.days + 1) * 1440)
    close_by = np.zeros(len(minutes), dtype=bool)
    for day in range(-1, shape.days + 2):
        for rule in instrument.opening_ranges:
            zone = ZoneInfo(rule.zone or instrument.trading_day.zone)
            wall = datetime.combine(shape.first_day + timedelta(days=day), rule.starts, tzinfo=zone)
            begins = int(wall.timestamp()) // 60
            close_by |= (minutes >= begins - 3) & (minutes < begins + rule.minutes + 40)
    if shape.stops is not None:
        last = datetime.combine(shape.first_day + timedelta(days=shape.days - 1), instrument.opening_ranges[0].starts)
        zone = ZoneInfo(instrument.opening_ranges[0].zone or instrument.trading_day.zone)
        stop = int(last.replace(tzinfo=zone).timestamp()) // 60 + shape.stops
        minutes, close_by = minutes[minutes <= stop], close_by[minutes <= stop]
    if shape.keeps_hours:
        hours = np.array([is_open(datetime.fromtimestamp(int(minute) * 60, UTC), instrument) for minute in minutes])
        minutes, close_by = minutes[hours], close_by[hours]
    rows: dict[str, list[np.ndarray]] = {name: [] for name in BARS.names}
    contracts = CONTRACTS[: shape.contracts] if instrument.contracts else (instrument.symbol,)
    lead = random.integers(0, len(contracts))
    for index, contract in enumerate(contracts):
        share = 1.0 if index == lead else float(random.random())
        present = random.random(len(minutes)) < np.where(close_by, shape.filled, shape.elsewhere) * max(share, 0.3)
        hole = random.integers(0, len(minutes) + 1, 2)
        present[min(hole) : min(hole) + random.choice([0, 10, 300])] = False
        own = minutes[present]
        opens = 20000 + 300 * index + np.cumsum(random.integers(-shape.step, shape.step + 1, len(own)))
        closes = opens + random.integers(-shape.step, shape.step + 1, len(own))
        wide = random.random(len(own)) < 0.05
        up, down = (random.integers(0, shape.reach + 1, len(own)) + 30 * wide * (shape.reach > 0) for _ in range(2))
        volume = random.integers(0, 100, len(own)) * (1 + 3 * (random.random() < 0.5))
        values = (opens, np.maximum(opens, closes) + up, np.minimum(opens, closes) - down, closes)
        rows["contract"].append(np.full(len(own), contract, dtype=object))
        rows["ts"].append(own * 60_000_000)
        for name, ticks in zip(("open", "high", "low", "close"), values, strict=True):
            rows[name].append(np.round(ticks * instrument.tick, 10))
        rows["volume"].append(volume.astype(np.float64))
    arrays = [
        pa.array(np.concatenate(rows[field.name]), pa.int64() if field.name == "ts" else field.type).cast(field.type)
        for field in BARS
    ]
    return pa.Table.from_arrays(arrays, schema=BARS)
