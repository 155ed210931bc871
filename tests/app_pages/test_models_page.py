"""Models as AppTest runs it: an empty shelf, one version, several; moved with a reason and a confirmation."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ml_models.model_registry import ModelRegistry
from tests.app_pages.small_home import make_home
from tests.app_pages.test_today_page import page_text
from tests.hub_home import REGISTRY
from tests.ml_models.drafts import at, damage, draft
from tests.ml_monitoring.journal_tables import UP, on_days

OpenPage = Callable[..., AppTest]
MODEL = "directional-MGC"


def page() -> None:
    from app_pages import models
    from app_pages.context import open_context

    models.draw(open_context())


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    def open_(home: Path, **url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        app = AppTest.from_function(page, default_timeout=30)
        for name, value in url.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return open_


@pytest.fixture(scope="session")
def shelf_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions, the older one champion, that answered 30 common days; the newer was nearer to what came."""
    home = tmp_path_factory.mktemp("shelf")
    registry = ModelRegistry(home / REGISTRY)
    old, new = (
        registry.publish(MODEL, draft(seed=seed), now=at(seed), who="ann", why=f"seed {seed}") for seed in (1, 2)
    )
    registry.promote(MODEL, old, now=at(11), who="ann", why="the first")
    days = on_days(30, replace(UP, version=str(old), up=0.55), replace(UP, version=str(new), up=0.7))
    return make_home(home, days, built=False)


@pytest.fixture
def own_home(shelf_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf_home, tmp_path / "home"))


def test_an_empty_shelf_says_what_to_do(tmp_path: Path, open_page: OpenPage):
    app = open_page(make_home(tmp_path, built=False))
    assert app.title[0].value == "Models"
    assert app.info[0].value.startswith("Train one: `hub train directional --instrument MGC`.")
    assert not app.dataframe


def test_without_bars_the_page_names_the_command_that_fills_it(tmp_path: Path, open_page: OpenPage):
    assert "hub demo" in open_page(make_home(tmp_path, bars=False, built=False)).info[0].value


def test_versions_stand_side_by_side_newest_first(shelf_home: Path, open_page: OpenPage):
    table = open_page(shelf_home).dataframe[0].value
    assert table["Alias"].tolist() == ["latest", "champion"]
    assert table["Forecasts stored"].tolist() == [30, 30]
    assert table["Learned from"].tolist() == ["2 Jan 2024 to 31 Dec 2024, 300 events"] * 2


def test_they_are_compared_on_the_events_that_both_answered(shelf_home: Path, open_page: OpenPage):
    app = open_page(shelf_home)
    gains = app.dataframe[1].value
    assert gains["Gain an event"].tolist()[0] == "Log loss saved, nats"
    assert gains["n"].tolist()[0] == 30
    assert "is better than" in page_text(app)
    assert "+0.2412 nats an event" in page_text(app)


def test_a_trained_version_shows_skill_and_what_it_looked_at(demo_home: Path, open_page: OpenPage):
    app = open_page(demo_home)
    text = page_text(app)
    assert len(app.get("vega_lite_chart")) == 3
    assert "walk-forward: " in text
    assert "Out of fold all " in text
    assert "Shuffled, " in text
    assert "of the gain in fitting" in text
    assert "% of all movement (mean |SHAP|" in text
    assert "There is one version: train another" in text
    assert "Model card: directional-DEMO" in text


def test_a_promotion_takes_a_reason_and_is_asked_about_twice(own_home: Path, open_page: OpenPage):
    registry = ModelRegistry(own_home / REGISTRY)
    before = registry.alias(MODEL, "champion")
    app = open_page(own_home)
    app.button(key="move_promote").click().run()
    assert app.warning[0].value.startswith("Say why")
    app.text_input(key="move_why").set_value("nearer on 30 days")
    app.button(key="move_promote").click().run()
    assert "because: nearer on 30 days" in app.warning[0].value
    assert registry.alias(MODEL, "champion") == before  # not yet
    app.button(key="move_yes").click().run()
    newest = registry.versions(MODEL)[-1].version
    moved = registry.journal(MODEL)[-1]
    assert (moved.action, moved.to_version, moved.why) == ("promote", newest, "nearer on 30 days")
    assert moved.who
    assert app.dataframe[0].value["Alias"].tolist() == ["champion, latest", "–"]
    app.text_input(key="move_why").set_value("no better after all")
    app.button(key="move_back").click().run()
    app.button(key="move_yes").click().run()
    assert registry.alias(MODEL, "champion") == before


def test_no_at_the_question_moves_nothing(own_home: Path, open_page: OpenPage):
    registry = ModelRegistry(own_home / REGISTRY)
    moves = len(registry.journal(MODEL))
    app = open_page(own_home)
    app.text_input(key="move_why").set_value("a slip")
    app.button(key="move_promote").click().run()
    app.button(key="move_no").click().run()
    assert not app.warning
    assert len(registry.journal(MODEL)) == moves


def test_while_the_page_shows_the_past_nothing_is_moved_or_known_too_early(shelf_home: Path, open_page: OpenPage):
    app = open_page(shelf_home, day="2025-06-04")
    assert app.button(key="move_promote").disabled
    assert app.button(key="move_back").disabled


def test_a_damaged_version_is_named_and_the_others_are_shown(own_home: Path, open_page: OpenPage):
    folder = own_home / REGISTRY / MODEL
    newest = max(path.name for path in folder.glob("v_*"))
    damage(folder / newest / "metrics.json", b"{}")
    app = open_page(own_home)
    learned = app.dataframe[0].value["Learned from"].tolist()
    assert learned[0].startswith("✕ damaged: ")
    assert learned[1] == "2 Jan 2024 to 31 Dec 2024, 300 events"
