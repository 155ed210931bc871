"""The circuit breaker on the pages: a line on every page while a code is tripped, and its card on Model health."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app_pages.breaker_banner import banner_html
from app_pages.clock import wall_clock
from app_pages.health_breaker import CodeView, breaker_html, breaker_title
from ml_data.breaker_log import BreakerEvent, append_breaker_events
from ml_data.store import Store
from ml_monitoring.breaker import ASKED_AGAIN, CODES, DRAWDOWN, MISSING, STALE, Reading
from ml_monitoring.looks import Look, append_looks
from tests.app_pages.small_home import MGC, MODEL, make_home, many_forecasts
from tests.app_pages.test_model_health_page import page
from trading.settings import BreakerSettings

AT = datetime(2025, 6, 3, 12, 30, tzinfo=UTC)
SETTINGS = BreakerSettings()
WALL = wall_clock("utc", MGC, None, AT)


QUIET = Look("quality", date(2025, 6, 1), "quiet", "log loss", 3.6, 12.3, 0.3, "Log loss is as before.")


def event(code: str = STALE, kind: str = "trip", at: datetime = AT, version: str = "v_1") -> BreakerEvent:
    said = "The newest bar is <old>."
    return BreakerEvent("MGC", MODEL, version, code, kind, "", 31, 30, said, at, "hub", "over")  # type: ignore[arg-type]


def test_a_line_a_version_names_code_time_reason_and_what_arms_it():
    shown = banner_html((event(), event(DRAWDOWN), event(MISSING, version="v_2")), WALL, SETTINGS, AT)
    assert shown.count('role="alert"') == 2
    assert f"{MODEL} v_1 is in shadow and moves nothing." in shown
    assert "<b>Stale data</b> (stale_data) since Tue 3 Jun 12:30 UTC: The newest bar is &lt;old&gt;." in shown
    assert "Armed again by itself, after 15 minutes of fresh bars." in shown
    assert "hub breaker --rearm drawdown --by NAME --why REASON" in shown


def test_what_reads_within_its_line_again_is_said_to_be_tripped_still_and_not_to_trip_at_nought():
    fine = replace(event(kind="recovering"), value=0.0, sentence="The market has been open for 0 minutes since.")
    shown = banner_html((fine,), WALL, SETTINGS, AT + timedelta(minutes=1))
    assert "tripped, not armed again yet, though within its line since Tue 3 Jun 12:30 UTC: The market" in shown
    again = banner_html((replace(fine, kind="trip", why=ASKED_AGAIN),), WALL, SETTINGS, AT)
    assert "tripped before, and asked again since Tue 3 Jun 12:30 UTC without having been armed: The market" in again
    assert "(stale_data) since" not in shown + again


def test_a_clock_that_was_set_back_is_named_since_nothing_arms_itself_before_it_is_reached_again():
    said = "The clock was set back since: nothing arms itself before Tue 3 Jun 12:30 UTC."
    assert said in banner_html((event(),), WALL, SETTINGS, AT - timedelta(seconds=1))
    assert said not in banner_html((event(),), WALL, SETTINGS, AT)


def view(code: str, state: str, last: BreakerEvent | None, value: float = 1.0) -> CodeView:
    reading = Reading(code, state, "x", value, 30.0, "It reads so.")  # type: ignore[arg-type]
    return CodeView(reading, last, None if last is None or last.kind != "trip" else last)


@pytest.mark.parametrize(
    ("found", "title"),
    [
        ([view(STALE, "within", event())], "**Circuit breaker**: tripped (stale_data)"),
        ([view(STALE, "within", event(kind="armed"))], "**Circuit breaker**: armed, 1 of 7 codes can tell"),
        ([view(STALE, "over", None)], "**Circuit breaker**: over its line (stale_data), trips at the next look"),
        ([view(STALE, "within", None)], "**Circuit breaker**: it has not looked at this version yet"),
    ],
)
def test_the_card_says_tripped_armed_or_not_looked_at(found: list[CodeView], title: str):
    assert breaker_title(found) == title


def test_every_code_has_a_row_with_its_value_line_and_rule():
    rows = breaker_html([view(code, "within", event(code)) for code in CODES], WALL, SETTINGS)
    assert rows.count("tripped</span>") == len(CODES)
    assert "1 <span class='tone-muted'>of 30 min</span>" in rows
    assert "Tripped Tue 3 Jun 12:30 UTC. Armed again only with another version: hub train makes one, " in rows
    assert "never tripped" in breaker_html([view(STALE, "cannot tell", None, float("nan"))], WALL, SETTINGS).lower()


@pytest.fixture(scope="module")
def tripped_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = make_home(tmp_path_factory.mktemp("tripped"), many_forecasts())
    store = Store(home / "ml_data")
    append_breaker_events(store, [event(at=AT)])
    append_breaker_events(store, [event(kind="rearm", at=AT + timedelta(hours=1))])
    append_looks(store, "MGC", MODEL, "v_20250101_000000-aaaaa", [QUIET], AT)
    store.close()
    return home


def banner() -> None:
    from app_pages.breaker_banner import draw_breaker_banner
    from app_pages.context import open_context

    draw_breaker_banner(open_context())


@pytest.mark.parametrize(("clock", "shown"), [("22:29", 0), ("22:30", 1), ("23:29", 1), ("23:30", 0)])
def test_the_line_is_there_while_the_code_stood_tripped_at_the_clock(
    tripped_home: Path, monkeypatch: pytest.MonkeyPatch, clock: str, shown: int
):
    monkeypatch.setenv("HUB_HOME", str(tripped_home))
    at = AppTest.from_function(banner, default_timeout=30)
    at.query_params["day"], at.query_params["clock"] = "2025-06-03", clock
    at.run()
    assert not at.exception
    assert len(at.get("html")) == shown


def test_what_trips_this_second_is_no_sign_of_a_clock_that_was_set_back(
    tripped_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = shutil.copytree(tripped_home, tmp_path / "home")
    store = Store(home / "ml_data")
    append_breaker_events(store, [event(at=datetime.now(UTC))])
    store.close()
    monkeypatch.setenv("HUB_HOME", str(home))
    at = AppTest.from_function(banner, default_timeout=30).run()
    [shown] = [one.proto.body for one in at.get("html")]
    assert "(stale_data) since " in shown
    assert "set back" not in shown


def test_the_card_stands_on_model_health(tripped_home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HUB_HOME", str(tripped_home))
    at = AppTest.from_function(page, args=("model_health",), default_timeout=30)
    at.query_params["day"], at.query_params["clock"] = "2025-06-04", "22:00"
    at.run()
    assert not at.exception
    assert any("0 seen, 0.3 expected" in one.value for one in at.get("html"))  # the rate of a look, not its line
    assert any(one.value == "**Circuit breaker**: it has not looked at this version yet" for one in at.markdown)
