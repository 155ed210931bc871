"""Today in a script run: on a store that is full, empty, unbuilt, broken; with and without forecasts."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ml_data.store import Store
from tests.app_pages.today_home import demo_instrument, make_home
from trading.settings import CHECKOUT

Open = Callable[..., AppTest]
IN_TRADE = {"day": "2025-03-04", "clock": "23:07"}


@pytest.fixture(scope="module")
def full_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def home(full_home: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(full_home, tmp_path / "home"))


@pytest.fixture
def open_today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Open:
    """Return `open(home, **url)`: the app after one run, without a trace on the page or a deprecation in the log."""
    (tmp_path / "hub.toml").touch()
    monkeypatch.setenv("HUB_TOML", str(tmp_path / "hub.toml"))

    def open_(home: Path, **url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        app = AppTest.from_file(str(CHECKOUT / "app_trading_hub.py"), default_timeout=60)
        for name, value in url.items():
            app.query_params[name] = value
        with caplog.at_level(logging.WARNING):
            app.run()
        assert not app.exception
        assert "deprecat" not in caplog.text.lower()
        return app

    return open_


def page_text(app: AppTest) -> str:
    """Everything the page says, in order, the markup of our own HTML included."""
    said = [getattr(one, "proto", one).body for one in app.get("html")]
    for kind in ("markdown", "caption", "info", "warning", "error"):
        said += [one.value for one in getattr(app, kind)]
    return "\n".join(said)


def test_nothing_of_the_script_itself_is_written_on_the_page(home: Path, open_today: Open):
    assert "/today" not in page_text(open_today(home, **IN_TRADE))


def alerts(app: AppTest) -> list[str]:
    """What stands in the coloured boxes, as it is read: without the signs that keep Markdown from reading text."""
    boxes = [one for kind in ("info", "warning", "error") for one in getattr(app, kind)]
    return [f"{one.proto.title}: {one.value}".replace("\\", "") for one in boxes]


def test_an_empty_store_says_the_command_that_fills_it(open_today: Open, tmp_path: Path):
    app = open_today(tmp_path / "none")
    [said] = alerts(app)
    assert said.startswith("No bars are stored yet: ")
    assert "`hub demo`" in said
    assert "`hub ingest FILES --instrument SYMBOL`" in said


def test_bars_without_a_history_say_the_command_that_builds_it(open_today: Open, home: Path):
    store = Store(home / "ml_data")
    with store.market_write() as cursor:
        cursor.execute("DELETE FROM market.history_state")
    store.close()
    assert alerts(open_today(home, **IN_TRADE)) == [
        "Nothing to show yet: DEMO: history is not built from all stored bars. Run: hub build --instrument DEMO"
    ]


def test_the_page_answers_market_now_model_and_age(open_today: Open, home: Path):
    text = page_text(open_today(home, **IN_TRADE))
    assert "SYNTHETIC DATA" in text
    assert "DEMOJ5 · Demo market (synthetic)" in text
    assert "last bar 23:06, 0 min old" in text
    assert "IN TRADE" in text
    assert "**Model · 23:00**" in text
    assert "Shadow, not used" in text
    assert "Skill over the martingale" in text
    assert "Stored by replay, from bars up to 23:05 AEST · v_20250201_000000-abcde" in text
    assert "nothing after Tue 4 Mar 23:07 AEST is used here" in text


def test_the_table_has_a_row_for_every_range_with_shape_and_word(open_today: Open, home: Path):
    table = open_today(home, **IN_TRADE).dataframe[0].value
    assert table["Range"].tolist() == ["09:00", "10:00", "11:00", "18:00", "23:00", "00:30"]
    assert table["State"].iloc[-1] == "· Not started"
    assert all(state[0] in "·…◆●✓✕■–∅" for state in table["State"])


def test_a_choice_of_range_changes_the_card_and_the_url(open_today: Open, home: Path):
    app = open_today(home, **IN_TRADE)
    app.button_group(key="choose_orb").set_value("1000").run()
    assert app.query_params["orb"] == "1000"
    assert "**Model · 10:00**" in page_text(app)
    app.button_group(key="choose_orb").set_value("2300").run()
    assert "orb" not in app.query_params


def test_the_url_chooses_range_bars_zone_and_rule(open_today: Open, home: Path):
    text = page_text(open_today(home, **IN_TRADE, orb="1800", bars="15m", zone="utc", rule="half-rr2-session"))
    assert "**Model · 18:00**" in text
    assert "half-rr2-session: stop at the midpoint, target 2R, to the range&#x27;s session end" in text
    assert "13:00–14:30 UTC" in text


def test_values_of_the_url_that_are_no_choice_are_as_good_as_none(open_today: Open, home: Path):
    assert "**Model · 23:00**" in page_text(open_today(home, **IN_TRADE, orb="1234", bars="7m", zone="mars"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ({"day": "yesterday"}, "day=yesterday is not a date; expected YYYY-MM-DD, such as day=2025-03-03."),
        ({"day": "2025-03-04", "clock": "late"}, "clock=late is not a time of day; expected HH:MM"),
        ({"clock": "23:20"}, "clock=23:20 needs the trading day it belongs to"),
        ({"instrument": "NQ"}, "No bars of NQ are stored. Stored: DEMO."),
        (
            {"day": "2025-03-04", "rule": "full-rr9-day"},
            "rule=full-rr9-day is not a trade rule. There are full-rr1-day",
        ),
    ],
)
def test_a_url_that_cannot_be_read_is_one_sentence(open_today: Open, home: Path, url: dict[str, str], said: str):
    [alert] = alerts(open_today(home, **url))
    assert said in alert


def test_of_several_instruments_the_reader_chooses_and_the_replay_ends(open_today: Open, home: Path):
    store = Store(home / "ml_data")
    with store.market_write() as cursor:
        cursor.execute("INSERT INTO market.bars_1m SELECT * REPLACE ('NQ' AS instrument) FROM market.bars_1m LIMIT 1")
    store.close()
    app = open_today(home, **IN_TRADE)
    picker = app.button_group(key="chosen_instrument")
    assert (picker.value, "SYNTHETIC DATA" in page_text(app)) == ("DEMO", True)
    picker.set_value("NQ").run()
    assert dict(app.query_params) == {"instrument": "NQ"}
    assert "`hub ingest FILES --instrument NQ`" in alerts(app)[0]
    assert "SYNTHETIC DATA" not in page_text(app)


def test_a_day_before_the_open_waits_and_offers_the_last_one(open_today: Open, home: Path):
    app = open_today(home, day="2025-03-05", clock="09:00")
    assert "Waiting for the open: No bars yet for Wednesday 5 March. The trading day begins 09:00" in alerts(app)[0]
    app.button(key="last").click().run()
    assert app.query_params["day"] == "2025-03-04"
    assert "DONE" in page_text(app)


def test_a_feed_that_is_behind_is_named_and_frozen(open_today: Open, home: Path):
    app = open_today(home, day="2025-03-12", clock="12:00")
    text = page_text(app)
    assert "Replay, behind" in text
    assert "tone-warn" in text
    assert "The feed is behind: The last bar started Sat 8 Mar 07:59 AEST" in alerts(app)[0]
    assert "As of Sat 8 Mar 08:00 AEST: " in text


def test_without_a_stored_forecast_the_card_says_why_and_the_rules_stay(open_today: Open, tmp_path: Path):
    text = page_text(open_today(make_home(tmp_path / "unasked", asked=False), **IN_TRADE))
    assert "No forecast: directional-DEMO: nothing is published yet. Train a version: hub train" in text
    assert "Prices, ranges and rules do not need it." in text
    assert "IN TRADE" in text


def test_a_stored_refusal_is_told(open_today: Open, home: Path):
    store = Store(home / "ml_data")
    with store.journal() as cursor:
        day, orb = cursor.execute(
            "SELECT trading_day, orb FROM journal.ml_predictions WHERE refusal_code IS NOT NULL ORDER BY decided_at"
        ).fetchall()[0]
    store.close()
    assert "No forecast: The newest bar is too old." in page_text(open_today(home, day=str(day), orb=orb))


def test_with_the_model_switched_off_the_page_is_a_whole_rules_page(
    open_today: Open, home: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HUB_ML__ENABLED", "false")
    app = open_today(home, **IN_TRADE)
    text = page_text(app)
    assert "Model ·" not in text
    assert "IN TRADE" in text
    assert app.dataframe[0].value["P(up)"].isna().all()


def test_a_broken_market_store_is_one_sentence(open_today: Open, home: Path):
    (home / "ml_data" / "market.duckdb").write_bytes(b"not a database" * 1000)
    [alert] = alerts(open_today(home, **IN_TRADE))
    assert "market.duckdb" in alert


def test_a_store_that_breaks_while_the_page_is_open_leaves_the_copy(open_today: Open, home: Path):
    app = open_today(home, **IN_TRADE)
    (home / "ml_data" / "market.duckdb").write_bytes(b"not a database" * 1000)
    (home / "ml_data" / "market.duckdb.stamp").write_bytes(b"changed!")
    app.button_group(key="choose_orb").set_value("1000").run()
    assert "Could not read the store: " in alerts(app)[0]
    assert "The page shows the copy of 13:07 UTC." in alerts(app)[0]
    assert "IN TRADE" in page_text(app)
    assert "**Model · 10:00**" in page_text(app)


def test_a_broken_journal_costs_the_card_alone(open_today: Open, home: Path):
    (home / "ml_data" / "journal.duckdb").write_bytes(b"not a database" * 1000)
    app = open_today(home, **IN_TRADE)
    assert "Could not read the forecasts" in alerts(app)[0]
    assert "IN TRADE" in page_text(app)
    assert len(app.dataframe) == 1


def test_the_instrument_of_the_test_home_is_synthetic():
    assert demo_instrument().synthetic
