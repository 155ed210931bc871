"""Stored reasons as the pages show them: they sum to what was said; what is near was known."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.explain_charts import swarm_frame, waterfall_frame
from app_pages.explain_queries import explained, reasons_of_version
from app_pages.explain_view import dependence_sentence, near_frame, sum_sentence, swarm_sentence
from ml_data.journal import judged_predictions
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from tests.app_pages.test_today_page import page_text
from tests.app_pages.today_home import MODEL, VERSION, make_home
from trading.settings import CHECKOUT


@pytest.fixture(scope="module")
def asked_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("asked"))


@pytest.fixture
def store(asked_home: Path):
    opened = Store(asked_home / "ml_data")
    yield opened
    opened.close()


@pytest.fixture
def rows(store: Store) -> list[dict]:
    answered = judged_predictions(store, instrument="DEMO", model=MODEL).to_pylist()
    return [row for row in answered if row["refusal_code"] is None]


@pytest.fixture
def shelf(asked_home: Path) -> ModelRegistry:
    return ModelRegistry(asked_home / "ml_models" / "registry")


def test_the_waterfall_goes_from_the_base_to_the_answer(store: Store, rows: list[dict], shelf: ModelRegistry):
    found = explained(store, shelf, rows[-1]["prediction_id"])
    assert found is not None
    assert found.adds_up
    steps = waterfall_frame(found)
    assert steps["end"].iloc[0] == 0.5
    assert steps["end"].iloc[-2] == pytest.approx(rows[-1]["prob_up"])
    assert steps["end"].iloc[-1] == rows[-1]["prob_up"]
    assert sum_sentence(found).startswith("✓ The reasons of all ")


def test_reasons_that_do_not_sum_are_said_to_be_wrong(tmp_path: Path):
    home = make_home(tmp_path)
    opened = Store(home / "ml_data")
    with opened.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET prob_up = prob_up + 0.01, prob_down = prob_down - 0.01")
    last = [row for row in judged_predictions(opened, model=MODEL).to_pylist() if row["refusal_code"] is None][-1]
    found = explained(opened, ModelRegistry(home / "registry"), last["prediction_id"])
    opened.close()
    assert found is not None
    assert not found.adds_up
    assert sum_sentence(found).startswith("✕ The stored reasons do not sum to the stored answer")


def test_the_ranges_beside_it_were_over_and_known(store: Store, rows: list[dict], shelf: ModelRegistry):
    row = rows[-1]
    found = explained(store, shelf, row["prediction_id"])
    assert found is not None
    known = {each["prediction_id"]: each["known_at"] for each in rows}
    assert len(near_frame(found)) == 5
    assert all(known[each.prediction_id] <= row["decided_at"] for each in found.near.found)
    assert found.near.searched == sum(
        each["state"] == "matured" and each["known_at"] <= row["decided_at"] for each in rows
    )


def test_of_a_version_every_forecast_is_a_point(store: Store, rows: list[dict]):
    found = reasons_of_version(store, "DEMO", MODEL, VERSION, None, 40)
    assert found is not None
    frame = swarm_frame(found)
    assert len(frame) == 9 * 40
    assert frame["aside"].abs().max() <= 0.5
    assert "In the newest 40 stored forecasts martingale_up moved the answer most" in swarm_sentence(found)
    assert "rises with it: rank correlation +1.00 on 40 forecasts" in dependence_sentence(found, "martingale_up")


def test_what_was_said_after_the_clock_is_not_among_the_reasons(store: Store, rows: list[dict]):
    at = rows[20]["decided_at"]
    found = reasons_of_version(store, "DEMO", MODEL, VERSION, at, 300)
    assert found is not None
    assert len(found.x) == sum(row["decided_at"] <= at for row in rows)


@pytest.fixture
def open_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked_home: Path) -> Callable[..., AppTest]:
    def open_(**url: str) -> AppTest:
        (tmp_path / "hub.toml").touch()
        monkeypatch.setenv("HUB_TOML", str(tmp_path / "hub.toml"))
        monkeypatch.setenv("HUB_HOME", str(asked_home))
        app = AppTest.from_file(str(CHECKOUT / "app_trading_hub.py"), default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_


def test_today_shows_all_reasons_when_asked(open_hub: Callable[..., AppTest], rows: list[dict]):
    row = rows[-1]
    app = open_hub(day=str(row["trading_day"]), clock="23:55", orb="0900")
    assert "nearest of" not in page_text(app)
    app.toggle(key="explain_0900").set_value(True).run()
    assert not app.exception
    text = page_text(app)
    assert "sum to the answer" in text
    assert "past ranges with a known outcome" in text
