"""Model health as AppTest runs it: on a full, a young, an empty and a broken journal, at the clock and before it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app_pages.small_home import make_home, many_forecasts
from tests.ml_monitoring.journal_tables import PENDING, Row

OpenPage = Callable[..., AppTest]
LAST_DAY = {"day": "2025-06-04"}


def page(module: str) -> None:
    import importlib

    from app_pages.context import open_context

    importlib.import_module(f"app_pages.{module}").draw(open_context())


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    def open_(home: Path, **url: str) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        at = AppTest.from_function(page, args=("model_health",), default_timeout=30)
        for name, value in url.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return open_


@pytest.fixture(scope="session")
def full_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("full"), many_forecasts())


def captions(at: AppTest) -> str:
    return "\n".join(one.value for one in at.caption)


def test_the_headline_is_skill_with_its_interval_and_never_accuracy(full_home: Path, open_page: OpenPage):
    at = open_page(full_home, **LAST_DAY)
    labels = [tile.label for tile in at.metric]
    assert labels == [
        "Skill over the martingale",
        "Brier skill over the martingale",
        "Calibration error",
        "Forecasts stored",
        "Net R a trade, with advice",
    ]
    assert not any("ccuracy" in label for label in labels)
    skill = at.metric[0]
    assert skill.value.endswith(" nats")
    assert skill.delta.split()[0] in ("✓", "✕", "…")
    assert "n 120, worth " in captions(at)


def test_every_chart_and_table_ends_with_a_marked_sentence(full_home: Path, open_page: OpenPage):
    at = open_page(full_home, **LAST_DAY)
    assert len(at.get("vega_lite_chart")) == 7
    marked = [one.value for one in at.caption if one.value.startswith(":")]
    assert len(marked) == 11
    assert all(line.split("[**")[1][0] in "✓✕…" for line in marked)


def test_the_gates_say_that_replayed_forecasts_count_for_nothing(full_home: Path, open_page: OpenPage):
    at = open_page(full_home, **LAST_DAY)
    assert any(one.value.startswith("**Gates to advisory**: 1 of 9 passed, stays in shadow") for one in at.markdown)
    rows = "".join(one.body for one in at.get("html"))
    assert "0 of 90 trading days with live forecasts that are settled." in rows
    assert "Days in this stage: cannot tell yet" in rows
    assert "120 replayed ones are judged above and count for nothing here." in captions(at)


def test_one_line_says_when_the_model_is_to_be_trained_again_and_none_of_the_past(full_home: Path, open_page: OpenPage):
    said = "… When it is to be trained again cannot be told: directional-MGC: nothing is published yet"
    assert said in captions(open_page(full_home, window="all"))
    assert "trained again" not in captions(open_page(full_home, **LAST_DAY))


def test_every_forecast_is_in_one_state(full_home: Path, open_page: OpenPage):
    at = open_page(full_home, **LAST_DAY)
    stored = at.metric[3]
    assert (stored.value, stored.delta) == ("123", "120 matured")
    assert "1 void, 1 refused; a bar is a week" in captions(at)


def test_the_window_is_read_from_the_address_and_counts_trading_days(full_home: Path, open_page: OpenPage):
    at = open_page(full_home, **LAST_DAY, window="30d")
    assert "24 Apr 2025 to 4 Jun 2025, 30 trading days" in captions(at)
    assert at.metric[3].value == "63"


def test_nothing_later_than_the_clock_is_used(full_home: Path, open_page: OpenPage):
    at = open_page(full_home, day="2025-06-03", clock="19:00")  # 09:00 UTC: the 09:05 forecasts are not made yet
    assert "to 2 Jun 2025" in captions(at)
    assert "as it stood Tue 3 Jun 19:00 Brisbane" in captions(at)
    later = open_page(full_home, day="2025-06-03", clock="19:30")  # 09:30 UTC: made, and not known before 10:05
    assert later.metric[3].delta == "116 matured"


def test_the_newest_version_is_judged_alone_until_all_are_asked_for(tmp_path: Path, open_page: OpenPage):
    rows = many_forecasts()
    newer = [replace(row, version="v_20250501_000000-bbbbb") for row in rows[60:]]
    home = make_home(tmp_path, [*rows[:60], *newer])
    assert "v_20250501_000000-bbbbb" in captions(open_page(home, **LAST_DAY))
    assert open_page(home, **LAST_DAY).metric[3].value == "63"
    assert open_page(home, **LAST_DAY, version="all").metric[3].value == "123"


def test_without_bars_the_page_names_the_command_that_fills_it(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, bars=False, built=False))
    assert "hub demo" in at.info[0].value


def test_without_forecasts_the_page_names_the_command_that_trains(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path))
    assert at.title[0].value == "Model health"
    assert "No version of directional-MGC is published" in at.info[0].value
    assert "hub train directional --instrument MGC" in at.info[0].value
    assert not at.metric


def test_forecasts_that_all_wait_are_counted_and_not_judged(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, [replace(PENDING, day="2025-06-04")]), **LAST_DAY)
    assert [tile.label for tile in at.metric] == ["Forecasts stored"]
    assert at.info[0].value.startswith("1 forecast without an outcome yet.")
    assert not at.get("vega_lite_chart")
    assert "Each of 1 forecast with its reasons" in captions(at)


def test_a_young_journal_says_what_it_would_take(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, many_forecasts(3)), **LAST_DAY)
    said = captions(at)
    assert "A window takes 40 trading days with matured predictions; so far there are 3." in said
    assert "an interval takes at least 2 further days; so far there are 6 events on 3 days." in said


def test_a_window_without_forecasts_offers_all_of_them(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, [Row(day="2025-01-02")]), **LAST_DAY, window="30d")
    assert at.info[0].value == "The newest of 1 forecast is of 2 Jan 2025, before the last 30 d."
    at.button(key="show_all").click().run()
    assert at.metric[0].label == "Skill over the majority"
    assert at.query_params.get("window") in (None, ["all"], "all")


def test_without_new_forecasts_the_figures_are_called_frozen(full_home: Path, open_page: OpenPage):
    at = open_page(full_home)  # the real clock, long after the last forecast
    assert "all figures are frozen there" in at.warning[0].value
    assert at.metric[3].value == "123"


def test_a_broken_journal_is_one_sentence_and_no_trace(tmp_path: Path, open_page: OpenPage):
    home = make_home(tmp_path, many_forecasts(3))
    (home / "ml_data" / "journal.duckdb").write_bytes(b"no database")
    at = open_page(home, **LAST_DAY)
    assert "expected a DuckDB file, found something else" in at.error[0].value
    assert at.error[0].value.endswith("Today and Data go on without them.")
    assert not at.metric


def test_a_rerun_that_reads_nothing_new_takes_less_than_the_sketch(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path, many_forecasts(378)), **LAST_DAY, window="all")
    assert at.metric[3].value == "759"
    seconds = []
    for _ in range(3):
        started = time.process_time()
        at.run()
        seconds.append(time.process_time() - started)
    assert min(seconds) < 0.287
