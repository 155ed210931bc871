"""Model health in a browser: drawn in both modes and on a phone, filtered, narrowed, downloaded; nothing logged."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.app_pages.small_home import shared_home
from tests.browser.conftest import CHECKOUT, PHONE, App, wait_until_quiet

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
HEALTH = "/model_health?day=2025-06-04"
CHARTS = '[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg'


@pytest.fixture
def hub(start_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> App:
    return start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(shared_home(tmp_path_factory.getbasetemp())))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_drawn_whole_in_both_modes(hub: App, open_page: OpenPage, scheme: str):
    page = open_page(hub, HEALTH, scheme=scheme)
    expect(page.get_by_role("heading", name="Model health")).to_be_visible()
    expect(page.get_by_text("Shadow mode: forecasts are stored, never acted on")).to_be_visible()
    expect(page.get_by_test_id("stMetric")).to_have_count(5)
    expect(page.locator(CHARTS)).to_have_count(7)
    for title in ("Rolling skill", "Reliability", "Skill by opening range", "Scores", "Would it have helped?"):
        expect(page.get_by_text(title, exact=True)).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_the_window_is_a_click_and_stays_in_the_address(hub: App, open_page: OpenPage):
    page = open_page(hub, HEALTH)
    page.get_by_role("radio", name="30 d").click()
    expect(page.get_by_text("30 trading days", exact=False).first).to_be_visible()
    wait_until_quiet(page)
    assert "window=30d" in page.url
    expect(page.get_by_test_id("stMetricValue").nth(3)).to_have_text("63")


def test_the_log_is_a_click_away_and_narrowed_to_what_the_page_shows(hub: App, open_page: OpenPage):
    page = open_page(hub, f"{HEALTH}&window=30d")
    page.get_by_role("link", name="Open them in the journal").click()
    expect(page.get_by_role("heading", name="Journal")).to_be_visible()
    wait_until_quiet(page)
    expect(page.get_by_text("63 of 123 forecasts", exact=False)).to_be_visible()
    assert "day=2025-06-04" in page.url
    assert "since=2025-04-24" in page.url


def test_a_phone_scrolls_down_and_never_sideways(hub: App, open_page: OpenPage):
    page = open_page(hub, HEALTH, viewport=PHONE)
    expect(page.locator(CHARTS)).to_have_count(7)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    wide = page.evaluate(
        "[...document.querySelectorAll('[data-testid=stVegaLiteChart]')].map((e) => e.getBoundingClientRect().right)"
    )
    assert max(wide) <= PHONE["width"]


def test_another_page_keeps_the_clock(hub: App, open_page: OpenPage):
    page = open_page(hub, HEALTH)
    page.get_by_role("link", name="Data").click()
    expect(page.get_by_role("heading", name="Data")).to_be_visible()
    wait_until_quiet(page)
    assert "day=2025-06-04" in page.url


def test_nothing_outdated_or_wrong_is_logged(hub: App, open_page: OpenPage):
    open_page(hub, HEALTH)
    for word in ("Traceback", "deprecat", "Warning", "will be removed"):
        assert word not in hub.log()
