"""Research in a browser: drawn in both modes and on a phone, and a grouping is a click that stays in the address."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHECKOUT, PHONE, App, wait_until_quiet

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
CHARTS = '[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg'


@pytest.fixture
def hub(start_app: Callable[..., App], demo_home) -> App:
    return start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(demo_home))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_drawn_whole_in_both_modes(hub: App, open_page: OpenPage, scheme: str):
    page = open_page(hub, "/research", scheme=scheme)
    expect(page.get_by_role("heading", name="Research", exact=True)).to_be_visible()
    expect(page.locator(CHARTS)).to_have_count(1)
    expect(page.get_by_text("What can be told ahead?", exact=False).first).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_grouping_is_a_click_and_stays_in_the_address(hub: App, open_page: OpenPage):
    page = open_page(hub, "/research")
    page.get_by_role("radio", name="by weekday").click()
    expect(page.get_by_text("of 5 groups", exact=False)).to_be_visible()
    wait_until_quiet(page)
    assert "by=weekday" in page.url


def test_a_phone_scrolls_down_and_never_sideways(hub: App, open_page: OpenPage):
    page = open_page(hub, "/research", viewport=PHONE)
    expect(page.locator(CHARTS)).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
