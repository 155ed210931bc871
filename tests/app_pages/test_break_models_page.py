"""What the pages say of models of a break's trade, beside that of the direction."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.label_words import model_title
from ml_data.journal import judged_predictions
from ml_data.store import Store
from tests.app_pages.test_today_page import page_text
from trading.settings import CHECKOUT

Open = Callable[..., AppTest]
MODEL = "entry_quality-DEMO-full-rr1-day"
DAY = {"day": "2023-05-24", "clock": "18:40"}


@pytest.fixture
def open_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, break_home: Path) -> Open:
    def open_(page: str | None = None, **url: str) -> AppTest:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HUB_HOME", str(break_home))
        app = AppTest.from_file(str(CHECKOUT / "app_trading_hub.py"), default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        if page is not None:
            app.switch_page(page).run()
        assert not app.exception
        return app

    return open_


def test_today_sets_each_model_beside_what_it_takes_to_pay_the_costs(open_hub: Open, break_home: Path):
    app = open_hub(**DAY, orb="1000")
    text = page_text(app)
    assert "entry quality, full-rr1-day" in text
    assert "forecast: target before stop" in text
    assert "break-even" in text
    assert "Shadow, not used: " in text
    assert "r multiple, full-rr1-day" in text
    assert "orb ensemble, full-rr1-day" in text
    assert "Expected R " in text
    assert "Range ahead " in text
    assert " ranges · 20-day mean " in text
    assert "zero before costs" in text
    assert "fair game" in text


def test_before_the_break_nothing_is_said_of_its_trade(open_hub: Open, break_home: Path):
    store = Store(break_home / "ml_data")
    [broke] = [
        row["decided_at"]
        for row in judged_predictions(store, model=MODEL).to_pylist()
        if (str(row["trading_day"]), row["orb"]) == ("2023-05-24", "1800")
    ]
    store.close()
    minute = broke.hour * 60 + broke.minute + 600  # Brisbane
    for clock, there in ((minute - 1, False), (minute, True)):
        app = open_hub(day="2023-05-24", clock=f"{clock // 60 % 24:02}:{clock % 60:02}", orb="1800")
        assert ("entry quality, full-rr1-day" in page_text(app)) == there


@pytest.fixture
def open_health(monkeypatch: pytest.MonkeyPatch, break_home: Path) -> Open:
    def page() -> None:
        from app_pages import model_health
        from app_pages.context import open_context

        model_health.draw(open_context())

    def open_(**url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(break_home))
        app = AppTest.from_function(page, default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_


def test_model_health_shows_the_direction_unless_another_model_is_chosen(open_health: Open):
    assert open_health().metric[0].label in ("Skill over the martingale", "Skill over the majority")
    assert "Reliability** of P(UP)" in page_text(open_health())
    app = open_health(model=MODEL)
    assert app.metric[0].label in ("Skill over the fair game", "Skill over the majority")
    text = page_text(app)
    assert "Reliability** of P(WIN)" in text
    assert "martingale" not in text.lower()
    log = app.dataframe[-1].value
    assert {"P(WIN)", "Fair game"} <= set(log.columns)
    assert set(log["Actual"]) <= {"✓ win", "✕ miss", "…"}
    assert "called the result, the fair game" in text


def test_model_health_of_numbers_speaks_of_errors_and_coverage(open_health: Open):
    app = open_health(model="r_multiple-DEMO-full-rr1-day")
    labels = ["Squared error saved", "Absolute error saved", "Held by the 90 % interval"]
    assert [tile.label for tile in app.metric][:3] == labels
    text = page_text(app)
    assert "**Said against what came**, R" in text
    assert "squared R saved an event" in text
    assert {"Expected R", "Interval", "Came", "Zero before costs"} <= set(app.dataframe[-1].value.columns)
    assert "with an outcome: said " in text


def test_a_model_is_called_by_its_recipe_and_its_rule():
    assert model_title("entry_quality-MGC-half-rr1_5-session", "MGC") == "entry quality, half-rr1.5-session"
