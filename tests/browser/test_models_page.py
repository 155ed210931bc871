"""Models in a browser: drawn in both modes and on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import CHECKOUT, PHONE, App

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
CHARTS = '[data-testid="stVegaLiteChart"] canvas, [data-testid="stVegaLiteChart"] svg'


@pytest.fixture
def hub(start_app: Callable[..., App], demo_home) -> App:
    return start_app(CHECKOUT / "app_trading_hub.py", HUB_HOME=str(demo_home))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_is_drawn_whole_in_both_modes(hub: App, open_page: OpenPage, scheme: str):
    page = open_page(hub, "/models", scheme=scheme)
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    expect(page.locator(CHARTS)).to_have_count(3)
    expect(page.get_by_text("Model card: directional-DEMO")).to_be_visible()
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_phone_scrolls_down_and_never_sideways(hub: App, open_page: OpenPage):
    page = open_page(hub, "/models", viewport=PHONE)
    expect(page.locator(CHARTS)).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
