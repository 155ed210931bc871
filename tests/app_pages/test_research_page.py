"""Research as AppTest runs it, and its numbers against the tables they come from."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app_pages.research_queries import Group, Question, groups_of
from app_pages.research_view import group_frame, group_sentence
from ml_data.build import read_bars
from ml_data.events import events_of
from ml_data.feature_inputs import atr_before
from ml_data.feature_matrix import feature_groups, feature_matrix
from ml_data.history import build_history
from ml_data.store import Store
from ml_models.intervals import Estimate
from tests.app_pages.small_home import make_home
from tests.app_pages.test_today_page import page_text
from tests.hub_home import DEMO, STORES

RULE = "full-rr1-day"


@pytest.fixture
def store(demo_home: Path):
    opened = Store(demo_home / STORES)
    yield opened
    opened.close()


def one(store: Store, question: str) -> tuple:
    with store.market() as cursor:
        return cursor.execute(question).fetchall()[0]


def test_groups_are_means_of_the_stored_trades(store: Store):
    found = {each.name: each for each in groups_of(store, DEMO, Question("range", RULE))}
    n, net, gross, won = one(
        store,
        "SELECT count(*), avg(r_net), avg(r_gross), avg((result = 'win')::INT) FROM market.orb_trades "
        f"WHERE rule = '{RULE}' AND orb = '1000' AND result <> 'void'",
    )
    each = found["1000"]
    assert (each.net.n, each.won.n) == (n, n)
    assert (each.net.value, each.gross.value, each.won.value) == pytest.approx((net, gross, won))
    assert each.net.low < each.net.value < each.net.high


@pytest.mark.parametrize("group", ["range", "weekday", "direction", "year", "size"])
def test_every_grouping_divides_the_same_trades(store: Store, group: str):
    total = sum(each.net.n for each in groups_of(store, DEMO, Question("direction", RULE)))
    found = sum(each.net.n for each in groups_of(store, DEMO, Question(group, RULE)))
    if group == "size":  # the first days have no ATR
        assert 0 < total - found < 120
    else:
        assert found == total


def test_all_rules_stand_side_by_side(store: Store):
    assert len(groups_of(store, DEMO, Question("rule", None, orb="1000"))) == 28


def test_filters_leave_what_they_name(store: Store):
    asked = Question("range", RULE, orb="1000", direction="UP", weekday=1)
    (found,) = groups_of(store, DEMO, asked)
    (n,) = one(
        store,
        f"SELECT count(*) FROM market.orb_trades WHERE rule = '{RULE}' AND orb = '1000' AND direction = 'UP' "
        "AND isodow(trading_day) = 1 AND result <> 'void'",
    )
    assert (found.name, found.net.n) == ("1000", n)


def test_a_size_filter_leaves_ranges_of_that_size(store: Store):
    by_size = {each.name: each.net.n for each in groups_of(store, DEMO, Question("size", RULE))}
    for name, n in by_size.items():
        left = groups_of(store, DEMO, Question("range", RULE, size=name))
        assert sum(each.net.n for each in left) == n


def test_a_trade_that_had_not_closed_by_the_clock_is_not_known(store: Store):
    clock = datetime(2023, 3, 1, 12, 0, tzinfo=UTC)
    found = sum(each.net.n for each in groups_of(store, DEMO, Question("direction", RULE, until=clock)))
    (n,) = one(
        store,
        f"SELECT count(*) FROM market.orb_trades WHERE rule = '{RULE}' AND result <> 'void' "
        "AND exited_at <= TIMESTAMPTZ '2023-03-01 12:00:00+00'",
    )
    assert found == n


def test_a_period_counts_back_from_the_newest_trade(store: Store):
    found = groups_of(store, DEMO, Question("year", RULE, days=30))
    everything = groups_of(store, DEMO, Question("year", RULE))
    assert 80 < found[0].net.n < 160 < everything[0].net.n


def test_the_atr_is_that_of_the_features(store: Store):
    bars = read_bars(store, DEMO)
    history = build_history(bars, DEMO)
    events = events_of(history, "orb_complete")
    matrix = feature_matrix(history, events, feature_groups("orb_complete"))
    expected = matrix.values[:, matrix.names.index("atr_14")] * DEMO.tick
    days = history.days[events.day]
    contracts = one(store, "SELECT list(contract ORDER BY trading_day) FROM market.contract_days")[0]
    known = one(store, "SELECT list(trading_day ORDER BY trading_day) FROM market.contract_days")[0]
    unique = np.array(known, dtype="datetime64[D]")
    by_day = dict(zip(unique.tolist(), atr_before(bars, DEMO, unique, contracts), strict=True))
    np.testing.assert_array_equal([by_day[day] for day in days.tolist()], expected)


def test_the_sentence_counts_what_chance_would_show():
    better, worse = Estimate(0.2, 0.1, 0.3, 90, 90.0, 90), Estimate(-0.2, -0.3, -0.1, 90, 90.0, 90)
    groups = [Group("0900", better, better, 0.1, better), Group("1000", worse, worse, 0.1, worse)]
    assert group_sentence(groups) == (
        "… 180 trades: of 2 groups 1 earned after costs (09:00), 1 lost, at 95 % by trading day; before costs 1 "
        "earned. By chance alone about 0.1 would seem to earn. Filters tried until one shines are trials too."
    )
    assert group_frame(groups)["Group"].tolist() == ["09:00", "10:00"]
    few = replace(better, low=float("nan"), high=float("nan"))
    assert group_sentence([Group("0900", few, few, 0.1, few)]).startswith("… No group has the 5 trading days")


def page() -> None:
    from app_pages import research
    from app_pages.context import open_context

    research.draw(open_context())


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    def open_(home: Path, **url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        app = AppTest.from_function(page, default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_


def test_the_page_shows_groups_and_what_can_be_told(demo_home: Path, open_page: Callable[..., AppTest]):
    app = open_page(demo_home)
    assert app.dataframe[0].value["Group"].tolist()[:2] == ["09:00", "10:00"]
    told = app.dataframe[1].value
    assert told["Question"].tolist()[0] == "Side: which way it breaks"
    assert told["Against"].tolist()[0] in ("martingale", "majority")
    assert told["Can it be told?"].tolist()[-1] == "– not trained: hub train range_ahead --instrument DEMO"
    assert "Filters tried until one shines are trials too." in page_text(app)
    app.selectbox(key="orb_filter").set_value("1000").run()
    assert app.dataframe[0].value["Group"].tolist() == ["10:00"]


def test_filters_that_leave_nothing_say_so(demo_home: Path, open_page: Callable[..., AppTest]):
    assert "fits these filters: take one away" in open_page(demo_home, weekday="Sun").info[0].value


def test_without_bars_the_page_names_the_command(tmp_path: Path, open_page: Callable[..., AppTest]):
    assert "hub demo" in open_page(make_home(tmp_path, bars=False, built=False)).info[0].value


def test_a_warm_rerun_takes_less_than_the_sketch(demo_home: Path, open_page: Callable[..., AppTest]):
    app = open_page(demo_home, by="size")
    seconds = []
    for _ in range(3):
        started = time.process_time()
        app.run()
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.287
