"""What the pages say of models of a break's trade, beside that of the direction."""

import re
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
        (tmp_path / "hub.toml").touch()
        monkeypatch.setenv("HUB_TOML", str(tmp_path / "hub.toml"))
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
def open_journal(monkeypatch: pytest.MonkeyPatch, break_home: Path) -> Open:
    return lambda **url: opened(monkeypatch, break_home, "journal", **url)


def test_the_journal_says_every_kind_of_answer_beside_what_is_said_without_learning(open_journal: Open):
    app = open_journal()
    log = next(each.value for each in app.dataframe if "Without learning" in each.value.columns)
    said = {model: group.iloc[0] for model, group in log.groupby("Model")}
    assert len(said) == 5
    assert said["directional"]["Said"].startswith("P(UP) ")
    assert said["entry quality, full-rr1-day"]["Said"].startswith("P(WIN) ")
    assert said["entry quality, full-rr1-day"]["Without learning"].startswith("fair game ")
    assert re.fullmatch(r"[+-]\d\.\d\d R \(.* to .*\)", said["r multiple, full-rr1-day"]["Said"])
    assert said["r multiple, full-rr1-day"]["Result"] in ("● settled", "∅ void", "… pending")
    assert said["range ahead"]["Without learning"].startswith("20-day mean ")
    summary = next(each.value for each in app.dataframe if "Skill an event" in each.value.columns)
    assert len(summary) == 5
    assert "squared R" in " ".join(summary["Skill an event"])


@pytest.mark.parametrize("recipe", ["directional", "entry_quality", "r_multiple", "range_ahead", "orb_ensemble"])
def test_the_drawer_of_every_kind_of_answer_has_its_forecast_reasons_and_chart(
    open_journal: Open, break_home: Path, recipe: str
):
    store = Store(break_home / "ml_data")
    with store.journal() as cursor:
        question = (
            "SELECT prediction_id FROM journal.ml_predictions WHERE refusal_code IS NULL AND model LIKE ? LIMIT 1"
        )
        prediction_id = cursor.execute(question, [f"{recipe}%"]).fetchall()[0][0]
    store.close()
    app = open_journal(id=prediction_id)
    text = page_text(app)
    assert "sum to the answer" in text
    assert "No chart" not in text
    assert any(code.value == f"hub reproduce {prediction_id}" for code in app.code)
    assert any("Came" in each.value.columns and "Model" in each.value.columns for each in app.dataframe)


def opened(monkeypatch: pytest.MonkeyPatch, home: Path, module: str, **url: str) -> AppTest:
    def page(module: str) -> None:
        import importlib

        from app_pages.context import open_context

        importlib.import_module(f"app_pages.{module}").draw(open_context())

    monkeypatch.setenv("HUB_HOME", str(home))
    app = AppTest.from_function(page, args=(module,), default_timeout=60)
    for name, value in url.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def open_health(monkeypatch: pytest.MonkeyPatch, break_home: Path) -> Open:
    return lambda **url: opened(monkeypatch, break_home, "model_health", **url)


def test_model_health_shows_the_direction_unless_another_model_is_chosen(open_health: Open):
    assert open_health().metric[0].label in ("Skill over the martingale", "Skill over the majority")
    assert "Reliability** of P(UP)" in page_text(open_health())
    app = open_health(model=MODEL)
    assert app.metric[0].label in ("Skill over the fair game", "Skill over the majority")
    text = page_text(app)
    assert "Reliability** of P(WIN)" in text
    assert "martingale" not in text.lower()


def test_model_health_of_numbers_speaks_of_errors_and_coverage(open_health: Open):
    app = open_health(model="r_multiple-DEMO-full-rr1-day")
    labels = ["Squared error saved", "Absolute error saved", "Held by the 90 % interval"]
    assert [tile.label for tile in app.metric][:3] == labels
    text = page_text(app)
    assert "**Said against what came**, R" in text
    assert "squared R saved an event" in text


def test_a_model_is_called_by_its_recipe_and_its_rule():
    assert model_title("entry_quality-MGC-half-rr1_5-session", "MGC") == "entry quality, half-rr1.5-session"
