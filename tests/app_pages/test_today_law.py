"""Nothing after the replay clock may appear: Today at a clock is Today of a store that ends at that clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app_pages.queries import record_at, said_at, today_at
from ml_data.store import Store
from tests.app_pages.today_home import MODEL, as_it_stood, demo_instrument, make_home
from trading.domain.instrument import Instrument, read_instrument
from trading.domain.trade_rule import REFERENCE_RULE, TradeRule
from trading.errors import NothingStored
from trading.settings import CHECKOUT

CLOCKS = {
    "before the first bar of the day": datetime(2025, 3, 4, 23, 0, tzinfo=UTC),
    "while a range forms": datetime(2025, 3, 5, 0, 3, tzinfo=UTC),
    "the moment a range is complete": datetime(2025, 3, 5, 8, 5, tzinfo=UTC),
    "in a trade": datetime(2025, 3, 4, 13, 31, tzinfo=UTC),
    "late in the day": datetime(2025, 3, 4, 20, 17, tzinfo=UTC),
    "after the close": datetime(2025, 3, 4, 22, 30, tzinfo=UTC),
    "on the weekend": datetime(2025, 3, 1, 12, 0, tzinfo=UTC),
}
RULES = (REFERENCE_RULE, TradeRule("half", 2.0, "session"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS.keys())
def test_today_at_a_clock_equals_today_of_a_store_that_ends_there(home: Path, tmp_path: Path, clock: datetime):
    instrument = demo_instrument()
    whole, cut = Store(home / "ml_data"), as_it_stood(home, tmp_path, clock)
    for rule in RULES:
        view = today_at(whole, instrument, clock, 3, rule)
        assert view == today_at(cut, instrument, clock, 3, rule)
        assert all(each.broke_at is None or each.broke_at + timedelta(minutes=1) <= clock for each in view.ranges)
        assert all(each.exited_at is None or each.exited_at + timedelta(minutes=1) <= clock for each in view.ranges)
        assert max(view.frame["minute"].to_pylist(), default=0) * 60 + 60 <= clock.timestamp()
    by_model = said_at(whole, instrument.symbol, view.day, clock)
    assert by_model == said_at(cut, instrument.symbol, view.day, clock)
    answers = by_model.get(MODEL, ())
    assert all(said.decided_at <= clock for said in answers)
    for said in (one for one in answers if one.refusal is None):
        record = record_at(whole, instrument.symbol, MODEL, said, clock)
        assert repr(record) == repr(record_at(cut, instrument.symbol, MODEL, said, clock))  # some inputs are NaN
        assert record.skill.n > 0


def test_a_trade_that_will_be_stopped_is_open_until_the_bar_that_stops_it_has_closed(home: Path):
    store, instrument = Store(home / "ml_data"), demo_instrument()
    end = today_at(store, instrument, datetime(2025, 3, 4, 22, 30, tzinfo=UTC), 3, REFERENCE_RULE)
    stopped = next(each for each in end.ranges if each.state == "stopped")
    assert stopped.exited_at is not None
    during = today_at(store, instrument, stopped.exited_at, 3, REFERENCE_RULE).range(stopped.name)
    assert (during.state, during.r_net, during.exit_price) == ("open", None, None)
    assert during.r_now is not None
    closed = today_at(store, instrument, stopped.exited_at + timedelta(minutes=1), 3, REFERENCE_RULE)
    assert closed.range(stopped.name).r_net == stopped.r_net


def test_before_the_first_bar_there_is_nothing_and_the_sentence_says_so(home: Path):
    store = Store(home / "ml_data")
    with pytest.raises(NothingStored, match=r"no bar had closed by 2024-12-31 12:00 UTC\. Choose a later clock"):
        today_at(store, demo_instrument(), datetime(2024, 12, 31, 12, 0, tzinfo=UTC), 3, REFERENCE_RULE)


@pytest.fixture
def mgc() -> Instrument:
    return read_instrument(CHECKOUT / "config" / "instruments" / "MGC.toml")


@pytest.mark.real_data
def test_the_end_of_a_real_day_equals_what_is_stored_of_it(real_store: Store, mgc: Instrument):
    """The page computes a day from its bars; the built tables, which know more, must agree once it is over."""
    with real_store.market() as cursor:
        days = cursor.execute(
            "SELECT DISTINCT trading_day FROM market.orb_trades WHERE trading_day >= '2024-12-20' "
            "AND trading_day < '2025-06-30' ORDER BY 1"
        ).fetchall()
        stored = cursor.execute(
            "SELECT trading_day, orb, entry, stop, target, exited_at, exit_price, r_net FROM market.orb_trades "
            "WHERE rule = 'full-rr1-day' AND entry IS NOT NULL"
        ).fetchall()
    rows = {(row[0], row[1]): row[2:] for row in stored}
    for (day,) in days[::7]:
        clock = datetime(day.year, day.month, day.day, 23, 0, tzinfo=UTC) - timedelta(minutes=1)
        view = today_at(real_store, mgc, clock, 3, REFERENCE_RULE)
        assert view.day == day
        for each in (one for one in view.ranges if one.entry is not None):
            seen = (each.entry, each.stop, each.target, each.exited_at, each.exit_price, each.r_net)
            assert seen == rows[day, each.name]


@pytest.mark.real_data
def test_the_average_true_range_is_that_of_the_features(real_store: Store, mgc: Instrument):
    """ATR(14) of 3 March 2025 as the feature `atr_14` has it: 469.857142857 ticks."""
    view = today_at(real_store, mgc, datetime(2025, 3, 3, 13, 20, tzinfo=UTC), 3, REFERENCE_RULE)
    assert view.atr == pytest.approx(46.9857142857)
    assert (view.contract, view.last_price, view.previous_close) == ("MGCJ5", 2882.8, 2867.1)
