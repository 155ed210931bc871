"""A backtest is the stored trades, and the advice that was logged: it says what settlement says, and is counted."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ml_data.trials import trials_of
from ml_monitoring.backtest import Asked, advised_run, run_of, stored_trades
from ml_monitoring.outcome_logger import settle
from ml_scripts import backtest as verb
from tests.hub_home import DEMO, MODEL, NOW, Home, copied, using
from trading.domain.trade_rule import REFERENCE_RULE
from trading.errors import HubError

ALWAYS = (date(2023, 1, 1), date(2023, 12, 31))
EVERY = Asked("DEMO", REFERENCE_RULE.name, *ALWAYS)


@pytest.fixture
def settled(logged_home: Path, tmp_path: Path) -> Iterator[Home]:
    with using(copied(logged_home, tmp_path / "home")) as opened:
        settle(opened.store, DEMO, now=NOW)
        yield opened


def told(home: Home, question: str) -> tuple[float, ...]:
    with home.store.market(), home.store.journal() as cursor:
        [row] = cursor.execute(question, [REFERENCE_RULE.name]).fetchall()
    return tuple(row)


def version_of(home: Home) -> str:
    return str(home.registry.load(MODEL, "latest").version)


def test_a_rule_alone_is_the_sum_of_its_stored_trades(settled: Home):
    trades, _ = stored_trades(settled.store, EVERY)
    run = run_of(trades)
    count, net, gross, expired = told(
        settled,
        "SELECT count(*), sum(r_net), avg(r_gross), sum((result = 'expired')::INTEGER) FROM market.orb_trades "
        "WHERE rule = ? AND result IN ('win', 'loss', 'expired')",
    )
    assert (run.trades, run.taken, run.expired) == (count, count, expired)
    assert run.came_to.total == pytest.approx(net, abs=1e-9)
    assert run.gross.value == pytest.approx(gross, abs=1e-12)
    assert run.net.value + run.costs == pytest.approx(run.gross.value, abs=1e-12)
    assert run.came_to.by_day.sum() == pytest.approx(net, abs=1e-9)


def test_advice_followed_is_what_settlement_wrote_down(settled: Home):
    trades, _ = stored_trades(settled.store, EVERY)
    found = advised_run(settled.store, EVERY, trades, MODEL, version_of(settled))
    plain, advised, count = told(
        settled,
        "SELECT sum(o.r_net), sum(o.r_net_advised), count(*) FROM journal.ml_outcomes AS o "
        "JOIN journal.ml_predictions AS p USING (prediction_id) JOIN market.orb_trades AS t "
        "ON (t.instrument, t.trading_day, t.orb, t.rule) = (p.instrument, p.trading_day, p.orb, ?) "
        "WHERE o.r_net IS NOT NULL AND p.refusal_code IS NULL AND t.result IN ('win', 'loss', 'expired')",
    )
    assert (found.plain.trades, found.replayed, found.asked_for) == (count, count, len(trades))
    assert found.plain.came_to.total == pytest.approx(plain, abs=1e-9)
    assert found.followed.came_to.total == pytest.approx(advised, abs=1e-9)
    assert found.difference.value == pytest.approx((advised - plain) / count, abs=1e-12)
    assert 0 < found.followed.taken < count


def test_days_that_the_version_was_trained_on_hold_no_advice_to_follow(settled: Home):
    learned = Asked("DEMO", REFERENCE_RULE.name, date(2023, 3, 1), date(2023, 4, 28))
    trades, _ = stored_trades(settled.store, learned)
    with pytest.raises(HubError, match="answered none of these trades"):
        advised_run(settled.store, learned, trades, MODEL, version_of(settled))


def test_filters_take_trades_away_and_equal_trades_have_equal_hashes(settled: Home):
    some = Asked("DEMO", REFERENCE_RULE.name, *ALWAYS, orb="0900", direction="UP", weekday=1)
    trades, digest = stored_trades(settled.store, some)
    assert set(zip(trades.orb.tolist(), trades.direction.tolist(), strict=True)) == {("0900", "UP")}
    assert {day.isoweekday() for day in trades.days.tolist()} == {1}
    assert stored_trades(settled.store, some)[1] == digest != stored_trades(settled.store, EVERY)[1]


def test_every_backtest_is_a_trial_of_its_family(settled: Home, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_HOME", str(settled.folder))
    for orb in ("0900", "1000"):
        verb.command(REFERENCE_RULE.name, instrument="DEMO", orb=orb)
    verb.command(REFERENCE_RULE.name, instrument="DEMO", recipe="directional")
    rules, model = (trials_of(settled.store, family) for family in ("backtest-DEMO", MODEL))
    assert [trial.kind for trial in rules] == ["backtest", "backtest"]
    assert rules[0].parameters_hash != rules[1].parameters_hash
    assert [trial.kind for trial in model] == ["training", "backtest"]
    assert np.isfinite(model[-1].result.results).all()
    assert len(model[-1].result.days) == len(model[-1].result.results) == 10
