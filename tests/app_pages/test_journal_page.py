"""The journal as AppTest runs it: filters in the address, the drawer, notes; on a full, an empty and a broken store."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from ml_data.journal_log import log_row, notes_of
from ml_data.store import Store
from tests.app_pages.small_home import make_home, many_forecasts
from tests.app_pages.test_model_health_page import captions, page

OpenPage = Callable[..., AppTest]
LAST_DAY = {"day": "2025-06-04"}


@pytest.fixture
def open_page(monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    def open_(home: Path, module: str = "journal", **url: str | list[str]) -> AppTest:
        monkeypatch.setenv("HUB_HOME", str(home))
        at = AppTest.from_function(page, args=(module,), default_timeout=30)
        for name, value in url.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return open_


@pytest.fixture(scope="session")
def journal_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("journal"), many_forecasts())


def rows(at: AppTest):
    return next(each.value for each in at.dataframe if "Without learning" in each.value.columns)


def test_every_row_is_there_newest_first_with_n_intervals_and_baselines(journal_home: Path, open_page: OpenPage):
    at = open_page(journal_home, **LAST_DAY)
    told = captions(at)
    assert "123 of 123 forecasts" in told
    assert "1 … pending · 1 ∅ void · 1 – refused" in told
    shown = rows(at)
    assert len(shown) == 100
    assert shown["Made"].is_monotonic_decreasing
    summary = next(each.value for each in at.dataframe if "Skill an event" in each.value.columns)
    assert "over the martingale" in summary["Skill an event"][0]
    assert " to " in summary["Skill an event"][0]
    assert summary["Called right"][0] == "60, the martingale 80"
    assert "n 120" in summary["Plain rule, net R"][0]


@pytest.mark.parametrize(
    ("url", "said", "count"),
    [
        ({"results": "refused"}, "1 of 123 forecasts", 1),
        ({"results": ["void", "pending"]}, "2 of 123 forecasts", 2),
        ({"ranges": "1800"}, "1 of 123 forecasts", 1),
        ({"how": "live"}, "2 of 123 forecasts", 2),
        ({"since": "2025-06-04"}, "5 of 123 forecasts", 5),
        ({"until": "2025-06-03"}, "118 of 123 forecasts", 100),
        ({"weekdays": "Wed", "since": "2025-06-01"}, "5 of 123 forecasts", 5),
        ({"text": "too old"}, "1 of 123 forecasts", 1),
        ({"after": "100"}, "123 of 123 forecasts", 23),
        ({"after": "5000"}, "123 of 123 forecasts", 100),
        ({"after": "-1"}, "123 of 123 forecasts", 100),
        ({"results": "nosuch"}, "123 of 123 forecasts", 100),
    ],
)
def test_a_filter_is_an_address(
    journal_home: Path, open_page: OpenPage, url: dict[str, str | list[str]], said: str, count: int
):
    at = open_page(journal_home, **LAST_DAY, **url)
    assert said in captions(at)
    assert len(rows(at)) == count


def test_rows_chosen_by_their_outcome_have_no_score(journal_home: Path, open_page: OpenPage):
    at = open_page(journal_home, **LAST_DAY, results="right")
    assert "These rows were chosen by what came of them" in captions(at)
    assert not any("Skill an event" in each.value.columns for each in at.dataframe)


def test_nothing_that_matches_is_a_sentence(journal_home: Path, open_page: OpenPage):
    at = open_page(journal_home, **LAST_DAY, results="missed")
    assert "None of 123 forecasts matches these filters: take one away." in captions(at)


def test_an_address_opens_the_drawer(journal_home: Path, open_page: OpenPage):
    at = open_page(journal_home, **LAST_DAY, id="p119")
    told = captions(at)
    assert "plain rule" in told
    assert any(code.value == "hub reproduce p119" for code in at.code)
    assert "notes are made in the present, so that none can be dated back" in told


def test_an_id_that_is_not_logged_or_not_yet_is_told(journal_home: Path, open_page: OpenPage):
    at = open_page(journal_home, day="2025-06-03", id="p119")
    assert "Nothing is logged under p119 at the clock of this page." in at.info[0].value


def test_what_i_did_is_noted_taken_back_and_kept(tmp_path: Path, open_page: OpenPage):
    home = make_home(tmp_path, many_forecasts(6))
    at = open_page(home, id="p0")
    at.button_group(key="did_p0").set_value("opposite")
    at.text_input(key="why_p0").set_value("looked tired")
    at.button(key="FormSubmitter:note_p0-Note it").click().run()
    assert not at.exception
    assert "✓ Noted." in captions(at)
    at.button(key="FormSubmitter:note_p0-Take the newest back").click().run()
    store = Store(home / "ml_data")
    row = log_row(store, "p0", None)
    store.close()
    assert row is not None
    assert [(each.action, each.why, each.in_time) for each in notes_of(row)] == [
        ("opposite", "looked tired", False),
        ("withdrawn", None, False),
    ]


def test_a_note_is_made_beside_the_forecast_on_today_and_never_of_the_past(journal_home: Path, open_page: OpenPage):
    at = open_page(journal_home, "today", **LAST_DAY, orb="1000")
    at.toggle(key="deed_1000").set_value(True).run()
    assert not at.exception
    assert "notes are made in the present, so that none can be dated back" in captions(at)
    assert not [each for each in at.text_input if each.label == "Why"]


def test_an_empty_journal_says_what_fills_it(tmp_path: Path, open_page: OpenPage):
    at = open_page(make_home(tmp_path), **LAST_DAY)
    assert "hub train directional" in at.info[0].value


def test_no_bars_say_what_fills_them(tmp_path: Path, open_page: OpenPage):
    at = open_page(tmp_path)
    assert "hub demo" in at.info[0].value


def test_a_journal_that_cannot_be_read_is_one_sentence(tmp_path: Path, open_page: OpenPage):
    home = make_home(tmp_path, many_forecasts(3))
    (home / "ml_data" / "journal.duckdb").write_bytes(b"not a store")
    at = open_page(home, **LAST_DAY)
    assert "Today and Data go on without it." in at.error[0].value
