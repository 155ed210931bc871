"""Stored reasons as the pages show them: they sum to what was said; what is near was known."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.explain_charts import swarm_frame, waterfall_frame
from app_pages.explain_queries import explained, near_to, reasons_of_version
from app_pages.explain_view import dependence_sentence, near_frame, near_sentence, sum_sentence, swarm_sentence
from ml_data.journal import judged_predictions
from ml_data.store import Store
from ml_models.model_registry import ModelRegistry
from tests.app_pages.test_model_health_page import page
from tests.app_pages.test_today_page import page_text
from tests.app_pages.today_home import MODEL, VERSION, demo_instrument, make_home
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


def test_the_waterfall_goes_from_the_base_to_the_answer(store: Store, rows: list[dict]):
    found = explained(store, rows[-1]["prediction_id"])
    assert found is not None
    assert found.adds_up
    steps = waterfall_frame(found)
    assert steps["end"].iloc[0] == 0.5
    assert steps["end"].iloc[-2] == pytest.approx(rows[-1]["prob_up"])
    assert steps["end"].iloc[-1] == rows[-1]["prob_up"]
    assert sum_sentence(found).startswith("✓ The reasons of all ")


def test_reasons_that_do_not_sum_are_said_to_be_wrong(asked_home: Path, tmp_path: Path):
    home = Path(shutil.copytree(asked_home, tmp_path / "home"))
    opened = Store(home / "ml_data")
    with opened.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET prob_up = prob_up + 0.01, prob_down = prob_down - 0.01")
    last = [row for row in judged_predictions(opened, model=MODEL).to_pylist() if row["refusal_code"] is None][-1]
    found = explained(opened, last["prediction_id"])
    opened.close()
    assert found is not None
    assert not found.adds_up
    assert sum_sentence(found).startswith("✕ The stored reasons do not sum to the stored answer")


def test_the_ranges_beside_it_were_over_and_known_and_there_are_some_from_the_first_forecast_on(
    store: Store, rows: list[dict], shelf: ModelRegistry
):
    for row in (rows[0], rows[-1]):
        near = near_to(store, shelf, demo_instrument(), row["prediction_id"])
        assert near is not None
        assert near.neighbours is not None
        assert near.neighbours.searched > 30
        assert len(near_frame(near.neighbours)) == 5
        assert all(each.trading_day < row["trading_day"] for each in near.neighbours.found)
        assert "all inputs alike: the version is not here" in near_sentence(near)


def test_inputs_of_other_definitions_are_not_compared(asked_home: Path, tmp_path: Path):
    home = Path(shutil.copytree(asked_home, tmp_path / "home"))
    opened = Store(home / "ml_data")
    with opened.journal_write() as cursor:
        cursor.execute("UPDATE journal.ml_predictions SET schema_hash = 'of another time'")
    last = [row for row in judged_predictions(opened, model=MODEL).to_pylist() if row["refusal_code"] is None][-1]
    near = near_to(opened, ModelRegistry(home / "registry"), demo_instrument(), last["prediction_id"])
    opened.close()
    assert near is not None
    assert near.neighbours is None
    assert near_sentence(near).startswith("… The inputs were defined otherwise than today's")


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


def test_without_bars_the_drawer_keeps_what_is_logged(
    asked_home: Path, tmp_path: Path, rows: list[dict], monkeypatch: pytest.MonkeyPatch
):
    home = Path(shutil.copytree(asked_home, tmp_path / "home"))
    monkeypatch.setenv("HUB_HOME", str(home))
    at = AppTest.from_function(page, args=("journal",), default_timeout=30).run()
    (home / "ml_data" / "market.duckdb").write_bytes(b"not a store")
    (home / "ml_data" / "market.duckdb.stamp").write_bytes(bytes(8))
    at.query_params["id"] = rows[-1]["prediction_id"]
    at.run()
    assert not at.exception
    told = [each.value for each in at.error]
    assert any("What is logged is shown below." in each for each in told)
    assert any("The forecast and its reasons do not need them." in each for each in told)
    assert "sum to the answer" in page_text(at)


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
