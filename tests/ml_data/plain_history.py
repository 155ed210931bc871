"""The history of a market once more: slow, in plain Python, written from the words and not from the compiled passes.

`plain_tables` gives the rows of `contract_days`, `sessions`, `opening_ranges` and `orb_trades` as dictionaries. It
knows datetimes, time zones, dictionaries, loops and fractions, and nothing of `ml_data`. Where it and the compiled
passes differ, one of them does not do what docs/data.md says.
"""

import warnings
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import exchange_calendars
import pyarrow as pa

from trading.domain.instrument import Instrument

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
REWARDS = ("1", "1.5", "2", "3", "4", "6", "8")
MONTHS = "FGHJKMNQUVXZ"

Row = dict[str, Any]


@dataclass(frozen=True)
class PlainBar:
    """A minute of one contract: its start in UTC, prices in whole ticks."""

    start: datetime
    open: int
    high: int
    low: int
    close: int
    volume: float

    @property
    def end(self) -> datetime:
        return self.start + MINUTE


Bars = dict[str, list[PlainBar]]


def plain_bars(table: pa.Table, instrument: Instrument) -> Bars:
    """Bars by contract in the order of time, of a table of the bars' schema."""
    tick = Fraction(str(instrument.tick))
    bars: Bars = defaultdict(list)
    for row in table.to_pylist():
        prices = [round(Fraction(str(row[name])) / tick) for name in ("open", "high", "low", "close")]
        bars[row["contract"]].append(PlainBar(row["ts"].astimezone(UTC), *prices, row["volume"]))
    return {contract: sorted(of_it, key=lambda bar: bar.start) for contract, of_it in sorted(bars.items())}


def plain_tables(bars: Bars, instrument: Instrument) -> dict[str, list[Row]]:
    market = _Market(bars, instrument)
    tables: dict[str, list[Row]] = {"contract_days": [], "sessions": [], "opening_ranges": [], "orb_trades": []}
    for row in plain_contract_days(market.volumes(), instrument, market.first_day, market.last_day):
        day = _Day(market, row["trading_day"], row["contract"])
        if row["contract"] is not None:
            tables["contract_days"].append(row)
        tables["sessions"] += day.sessions()
        for opening in range(len(instrument.opening_ranges)):
            opening_range, trades = day.opening_range(opening)
            tables["opening_ranges"].append(opening_range)
            tables["orb_trades"] += trades
    return tables


# --- time -------------------------------------------------------------------------------------------------------------


@cache
def wall(day: date, clock: time, zone: str) -> datetime:
    """The UTC instant at which the clock shows a time: the first of two, the next that exists if there is none."""
    naive = datetime.combine(day, clock)
    while True:
        instant = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == naive:
            return instant
        naive += MINUTE


def day_of(instant: datetime, instrument: Instrument) -> date:
    """The date by which the last trading day that had begun by then is called; it may be a weekend's."""
    local = instant.astimezone(ZoneInfo(instrument.trading_day.zone)).date()
    near = [local + shift * DAY for shift in (-1, 0, 1, 2)]
    return max(day for day in near if _span(day, instrument)[0] <= instant)


@cache
def _exchange(name: str) -> "_Exchange":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendar = exchange_calendars.get_calendar(name, start="2019-01-01")
        return _Exchange(
            dates={day.date() for day in calendar.sessions},
            opens=[stamp.to_pydatetime() for stamp in calendar.opens],
            closes=[stamp.to_pydatetime() for stamp in calendar.closes],
            early={day.date(): calendar.session_close(day).to_pydatetime() for day in calendar.early_closes},
        )


@dataclass(frozen=True)
class _Exchange:
    dates: set[date]
    opens: list[datetime]
    closes: list[datetime]
    early: dict[date, datetime]


def is_open(instant: datetime, instrument: Instrument) -> bool:
    """Whether the exchange trades in the minute that starts at `instant`, by its schedule."""
    exchange = _exchange(instrument.exchange_calendar)
    index = bisect_right(exchange.opens, instant) - 1
    if index < 0 or instant >= exchange.closes[index]:
        return False
    if instrument.daily_halt is None:
        return True
    clock = instant.astimezone(ZoneInfo(instrument.exchange_zone)).time()
    return not instrument.daily_halt[0] <= clock < instrument.daily_halt[1]


def is_holiday(day: date, instrument: Instrument) -> bool:
    return _middle(day, instrument) not in _exchange(instrument.exchange_calendar).dates


def closed_early(day: date, instrument: Instrument) -> tuple[datetime, datetime] | None:
    """From when to when the market is closed early on a day: until the end of the next halt."""
    close = _exchange(instrument.exchange_calendar).early.get(_middle(day, instrument))
    ends = _span(day, instrument)[1]
    if close is None or close >= ends:
        return None
    return close, min((end for _, end in _halts(day, instrument) if end > close), default=ends)


def _middle(day: date, instrument: Instrument) -> date:
    """The date at the exchange in the middle of a trading day: that of the session which fills it."""
    starts, ends = _span(day, instrument)
    return (starts + (ends - starts) / 2).astimezone(ZoneInfo(instrument.exchange_zone)).date()


def _first_date(day: date, instrument: Instrument) -> date:
    """The date on which a trading day begins: its own, or the one before, where a day is called by its end."""
    return day if instrument.trading_day.label == "start" else day - DAY


def _span(day: date, instrument: Instrument) -> tuple[datetime, datetime]:
    rule = instrument.trading_day
    first = _first_date(day, instrument)
    if rule.ends is not None and rule.ends > rule.starts:
        return wall(first, rule.starts, rule.zone), wall(first, rule.ends, rule.zone)
    return wall(first, rule.starts, rule.zone), wall(first + DAY, rule.ends or rule.starts, rule.zone)


def _halts(day: date, instrument: Instrument) -> list[tuple[datetime, datetime]]:
    if instrument.daily_halt is None:
        return []
    begins, ends = instrument.daily_halt
    zone = instrument.exchange_zone
    return [(wall(day + shift * DAY, begins, zone), wall(day + shift * DAY, ends, zone)) for shift in (-1, 0, 1)]


def over_at(day: date, instrument: Instrument) -> datetime:
    """When nothing more can come of a day: its end, or the start of the halt or weekend that reaches to it."""
    starts, ends = _span(day, instrument)
    weekend_follows = (day + DAY).weekday() not in instrument.trading_day.weekdays
    for halt_starts, halt_ends in _halts(day, instrument):
        if starts < halt_starts < ends and (weekend_follows or halt_ends >= ends):
            return halt_starts
    return ends


# --- contracts --------------------------------------------------------------------------------------------------------


def expiry(symbol: str, seen: date) -> tuple[int, int]:
    """Year and month in which a contract expires: of the years its digit may mean, the one nearest to `seen`."""
    month, digit = MONTHS.index(symbol[-2]) + 1, int(symbol[-1])
    years = [year for year in range(seen.year - 10, seen.year + 11) if year % 10 == digit]
    return min(((year, month) for year in years), key=lambda it: abs((it[0] - seen.year) * 12 + it[1] - seen.month))


def plain_contract_days(
    volumes: dict[date, dict[str, float]], instrument: Instrument, first: date, last: date
) -> Iterable[Row]:
    """The contract of each weekday: stay, or move on at the share of the last traded day's volume, never back."""
    current: str | None = None
    traded_before: date | None = None
    day = first
    while day <= last:
        if day.weekday() in instrument.trading_day.weekdays:
            reason, rolled, share = "stay", False, None
            today = volumes.get(day)
            if today is None:
                reason = "no_bars"
            elif current is None:
                reason = "only" if len(today) == 1 else "first"
                current = max(sorted(today), key=lambda name: today[name])
            elif instrument.contracts is not None and traded_before is not None and (day - traded_before).days <= 11:
                before = volumes[traded_before]
                later = [name for name in sorted(before) if expiry(name, day) > expiry(current, day)]
                later = [name for name in later if before[name] > 0]
                if later:
                    best = max(later, key=lambda name: before[name])
                    share = before[best] / (before[best] + before.get(current, 0.0))
                    if share >= instrument.contracts.roll_share:
                        current, reason, rolled = best, "roll", True
            if today is not None:
                traded_before = day
            yield {
                "instrument": instrument.symbol,
                "trading_day": day,
                "contract": current,
                "reason": reason,
                "rolled": rolled,
                "volume_share": share,
            }
        day += DAY


# --- days -------------------------------------------------------------------------------------------------------------


class _Market:
    def __init__(self, bars: Bars, instrument: Instrument) -> None:
        self.bars, self.instrument = bars, instrument
        every = [bar for of_it in bars.values() for bar in of_it]
        self.through = max(bar.end for bar in every)
        self.first_day = day_of(min(bar.start for bar in every), instrument)
        self.last_day = day_of(max(bar.start for bar in every), instrument)
        self.tick = Fraction(str(instrument.tick))

    def volumes(self) -> dict[date, dict[str, float]]:
        found: dict[date, dict[str, float]] = defaultdict(dict)
        for contract, of_it in self.bars.items():
            for bar in of_it:
                day = day_of(bar.start, self.instrument)
                if bar.start < _span(day, self.instrument)[1]:  # a day may end before the next begins
                    found[day][contract] = found[day].get(contract, 0.0) + bar.volume
        return dict(found)

    def price(self, ticks: Fraction | int) -> float:
        return float(ticks * self.tick)


class _Day:
    def __init__(self, market: _Market, day: date, contract: str | None) -> None:
        self.market, self.day, self.contract = market, day, contract
        self.instrument = market.instrument
        self.starts, self.ends = _span(day, self.instrument)
        self.over = over_at(day, self.instrument)
        rows = market.bars[contract] if contract is not None else []
        self.bars = [bar for bar in rows if self.starts - DAY <= bar.start < self.ends]
        self.key = {"instrument": self.instrument.symbol, "trading_day": day}

    def at(self, clock: time, zone: str | None, *, before: bool = False) -> datetime:
        """When a window begins: on the date the day starts or on the next, wherever that lies in the day."""
        return self._place(clock, zone, before, lambda instant: self.starts <= instant < self.ends)

    def until(self, clock: time, zone: str | None, *, before: bool = False) -> datetime:
        """When a window ends: at the day's own start time it ends with the day."""
        return self._place(clock, zone, before, lambda instant: self.starts < instant <= self.ends)

    def _place(self, clock: time, zone: str | None, before: bool, inside: Callable[[datetime], bool]) -> datetime:
        rule = self.instrument.trading_day
        first = _first_date(self.day, self.instrument)
        on_first = wall(first, clock, zone or rule.zone)
        if before and zone in (None, rule.zone):
            return on_first
        if zone in (None, rule.zone):  # by the clock: a time at or after the start is of the first date
            later = wall(first + DAY, rule.starts, rule.zone)
            return on_first if inside(on_first) or self.ends < on_first < later else wall(first + DAY, clock, rule.zone)
        return on_first if inside(on_first) else wall(first + DAY, clock, zone)

    def between(self, starts: datetime, ends: datetime) -> list[PlainBar]:
        return [bar for bar in self.bars if starts <= bar.start < ends]

    def sessions(self) -> list[Row]:
        rows = []
        for rule in self.instrument.sessions:
            starts = self.at(rule.starts, rule.zone, before=rule.before_day_start)
            ends = self.until(rule.ends, rule.zone, before=rule.before_day_start)
            bars = self.between(starts, ends)
            scheduled, minute = 0, starts
            while minute < ends:
                scheduled += is_open(minute, self.instrument)
                minute += MINUTE
            rows.append(
                {
                    **self.key,
                    "session": rule.name,
                    "starts_at": starts,
                    "ends_at": ends,
                    **self._values(bars),
                    "range": self.market.price(_high(bars) - _low(bars)) if bars else None,
                    "bars": len(bars),
                    "expected_bars": max(scheduled, len(bars)),
                    "complete": ends <= self.market.through,
                }
            )
        return rows

    def _values(self, bars: list[PlainBar]) -> Row:
        if not bars:
            return dict.fromkeys(("open", "high", "low", "close", "volume"))
        return {
            "open": self.market.price(bars[0].open),
            "high": self.market.price(_high(bars)),
            "low": self.market.price(_low(bars)),
            "close": self.market.price(bars[-1].close),
            "volume": sum(bar.volume for bar in bars),
        }

    def opening_range(self, index: int) -> tuple[Row, list[Row]]:
        rule = self.instrument.opening_ranges[index]
        starts = self.at(rule.starts, rule.zone)
        ends = starts + rule.minutes * MINUTE
        bars = self.between(starts, ends)
        known = ends <= self.market.through
        void_reason = self._void_reason(starts) if known and not bars else None
        complete = known and bool(bars)
        zero_size = bool(bars) and _high(bars) == _low(bars)
        direction, broke = self._break(bars, ends) if complete else (None, None)
        row = {
            **self.key,
            "orb": rule.name,
            "starts_at": starts,
            "ends_at": ends,
            **self._values(bars),
            "size": self.market.price(_high(bars) - _low(bars)) if bars else None,
            "bars": len(bars),
            "complete": complete,
            "void_reason": void_reason,
            "break_direction": direction,
            "broke_at": broke.start if broke else None,
            "break_close": self.market.price(broke.close) if broke else None,
            "expected_bars": rule.minutes,
            "zero_size": zero_size,
            "contract": self.contract,
        }
        void = void_reason or ("zero_size" if complete and zero_size else None)
        trades = []
        for stop in ("full", "half"):
            for reward in REWARDS:
                for window, window_ends in (("day", self.ends), ("session", self.until(rule.session_ends, rule.zone))):
                    key = {**self.key, "orb": rule.name, "rule": f"{stop}-rr{reward}-{window}"}
                    if void:
                        trades.append(key | dict.fromkeys(_TRADE) | _void(void))
                    elif broke is not None and broke.start < window_ends:
                        trades.append(key | self._trade(bars, broke, direction, stop, Fraction(reward), window_ends))
        return row, trades

    def _void_reason(self, range_starts: datetime) -> str:
        if is_holiday(self.day, self.instrument) and not self.between(self.starts, self.ends):
            return "holiday"
        early = closed_early(self.day, self.instrument)
        return "early_close" if early is not None and early[0] <= range_starts < early[1] else "no_bars"

    def _break(self, bars: list[PlainBar], ends: datetime) -> tuple[str | None, PlainBar | None]:
        for bar in self.between(ends, self.ends):
            if bar.close > _high(bars):
                return "UP", bar
            if bar.close < _low(bars):
                return "DOWN", bar
        return ("NONE" if self.over <= self.market.through else None), None

    def _trade(
        self,
        bars: list[PlainBar],
        broke: PlainBar,
        direction: str | None,
        stop_kind: str,
        reward: Fraction,
        window_ends: datetime,
    ) -> Row:
        sign = 1 if direction == "UP" else -1
        opposite = _low(bars) if direction == "UP" else _high(bars)
        entry = broke.close
        stop = Fraction(opposite) if stop_kind == "full" else Fraction(_high(bars) + _low(bars), 2)
        risk = abs(entry - stop)
        target = entry + sign * reward * risk
        walked = [bar for bar in self.bars if broke.start < bar.start < window_ends]
        result, exited, ambiguous = "open", None, False
        worst = best = Fraction(0)
        for bar in walked:
            against = Fraction(entry - bar.low if sign > 0 else bar.high - entry)
            favour = Fraction(bar.high - entry if sign > 0 else entry - bar.low)
            if against >= risk:
                result, exited, ambiguous, worst = "loss", bar, favour >= reward * risk, risk
                break
            worst = max(worst, against)
            if favour >= reward * risk:
                result, exited, best = "win", bar, reward * risk
                break
            best = max(best, favour)
        if result == "open" and min(window_ends, self.over) <= self.market.through:
            result, exited = "expired", walked[-1] if walked else broke
        row: Row = {
            "direction": direction,
            "entered_at": broke.start,
            "entry": self.market.price(entry),
            "stop": self.market.price(stop),
            "target": self.market.price(target),
            "exited_at": None,
            "exit_price": None,
            "result": result,
            "r_gross": None,
            "r_net": None,
            "mae_r": float(worst / risk),
            "mfe_r": float(best / risk),
            "ambiguous": ambiguous,
            "void_reason": None,
            "costs_r": None,
        }
        if exited is not None:
            left_at = {"win": target, "loss": stop}.get(result, Fraction(exited.close))
            gross, costs_r = float(sign * (left_at - entry) / risk), self._costs(entry, result) / float(risk)
            row |= {"exited_at": exited.start, "exit_price": self.market.price(left_at)}
            row |= {"r_gross": gross, "r_net": gross - costs_r, "costs_r": costs_r}
        return row

    def _costs(self, entry: int, result: str) -> float:
        """Commission on both sides and slippage on every market order, in ticks; a target is no market order."""
        costs, one_tick = self.instrument.costs, self.instrument.point_value * self.instrument.tick
        commission = 2.0 * costs.commission_per_side / one_tick + 2.0 * costs.commission_rate * entry
        return commission + (1.0 if result == "win" else 2.0) * costs.slippage_ticks


_TRADE = (
    "direction",
    "entered_at",
    "entry",
    "stop",
    "target",
    "exited_at",
    "exit_price",
    "r_gross",
    "r_net",
    "mae_r",
    "mfe_r",
    "costs_r",
)


def _void(reason: str) -> Row:
    return {"result": "void", "ambiguous": False, "void_reason": reason}


def _high(bars: list[PlainBar]) -> int:
    return max(bar.high for bar in bars)


def _low(bars: list[PlainBar]) -> int:
    return min(bar.low for bar in bars)
